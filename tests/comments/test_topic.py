"""Whoever has an exercise open hears of what is said there: in order, once, whichever server they are at."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..instances import instances
from ..phone import Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables
from .conftest import Exercise, Talker, add_exercise


async def loudly(tables: Tables, statement: str, *arguments: object) -> None:
    """As the platform does it: what hears of changes is not told to be quiet."""
    async with tables.transaction():
        await tables.execute("set local coachwire.quiet = off")
        await tables.execute(statement, *arguments)


async def test_watchers_hear_of_every_change_the_author_among_them(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker
) -> None:
    coach, watching = await phone(gym.coach), await phone(gym.member)
    for one in (coach, watching):
        assert (await one.open_topic(exercise.topic))["position"] == 0
    fields = exercise.fields("deeper")
    where = {"organizationId": gym.organization_id, "id": fields["id"]}
    answer = await coach.ask("comment.create", **fields)
    assert "position" not in answer
    comment = {
        "id": fields["id"],
        "organizationId": gym.organization_id,
        "workoutMovementId": exercise.id,
        "authorMembershipId": gym.coach.membership_id,
        "authorName": gym.coach.name,
        "body": "deeper",
        "parentCommentId": None,
        "createdAt": answer["data"]["createdAt"],
        "updatedAt": answer["data"]["createdAt"],
        "deletedAt": None,
        "erased": False,
    }
    updated_at = (await coach.ask("comment.edit", **where, body="higher"))["data"]["updatedAt"]
    deleted_at = (await coach.ask("comment.delete", **where))["data"]["deletedAt"]
    edited = comment | {"body": "higher", "updatedAt": updated_at}
    for one in (coach, watching):
        for position, (kind, data) in enumerate(
            (
                ("comment.created", comment),
                ("comment.edited", edited),
                ("comment.deleted", edited | {"body": None, "deletedAt": deleted_at}),
            ),
            1,
        ):
            assert await one.in_topic(exercise.topic, kind) == {
                "type": "event",
                "kind": kind,
                "organizationId": gym.organization_id,
                "topic": exercise.topic,
                "data": data,
                "position": position,
            }
    assert [frame for frame in await coach.drained() if frame["type"] == "event"] == []
    assert await member.bodies() == []


async def test_what_changes_nothing_is_told_to_nobody(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    body = {"id": str(uuid4()), "body": "deeper"}
    for _ in range(2):
        await coach.post(exercise.path, body)
    for _ in range(2):
        await coach.edited(body["id"], "higher")
    await coach.comment("x" * 5001)
    await coach.comment("to whom?", str(uuid4()))
    for _ in range(2):
        await coach.deleted(body["id"])
    kinds = [frame["kind"] for frame in await watching.drained() if frame["type"] == "event"]
    assert kinds == ["comment.created", "comment.edited", "comment.deleted"]
    assert await database.fetchval("select count(*) from topic_events") == 3


async def test_what_was_missed_is_told_as_it_is_now(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    await watching.leave()
    ids = [await coach.said(str(n)) for n in range(3)]
    await coach.edited(ids[0], "zero")
    await coach.deleted(ids[1])
    await database.execute("delete from exercise_comments where id = $1", ids[2])  # and told nobody
    await watching.connect()
    opened = await watching.open_topic(exercise.topic)
    assert (opened["resume"], opened["position"]) == ("resumed", 5)
    deleted = await watching.in_topic(exercise.topic, "comment.deleted")
    told = [
        (frame["position"], frame["kind"], frame.get("data", {}).get("body"))
        for frame in [*await watching.drained(), deleted]
        if frame["type"] == "event"
    ]
    assert told == [
        (1, "comment.created", "zero"),
        (2, "comment.created", None),
        (3, "skipped", None),
        (4, "comment.edited", "zero"),
        (5, "comment.deleted", None),
    ]


async def test_a_comment_that_the_platform_takes_away_is_told_as_deleted(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    root = (await coach.comment("root")).data
    reply = (await coach.comment("reply", root["id"])).data
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    await loudly(database, "delete from exercise_comments where id = any ($1)", [root["id"], reply["id"]])
    told = [(await watching.in_topic(exercise.topic, "comment.deleted"))["data"] for _ in range(2)]
    for data, comment in zip(sorted(told, key=lambda data: data["createdAt"]), (root, reply), strict=True):
        at = data["deletedAt"]
        assert data == comment | {"body": None, "updatedAt": at, "deletedAt": at}
    assert await coach.bodies() == []


@pytest.mark.parametrize("what", ["the exercise", "its workout"])
async def test_a_topic_ends_with_its_exercise(
    gym: Place,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    member: Talker,
    database: Tables,
    what: str,
) -> None:
    """And with a thread of comments on it, though none of them may go before its replies."""
    parent = None
    for n in range(5):
        parent = await (coach, member)[n % 2].said(str(n), parent)
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    if what == "the exercise":
        await loudly(database, "delete from workout_movements where id = $1", exercise.id)
    else:
        await database.execute("delete from workout_assignments where workout_id = $1", exercise.workout_id)
        await loudly(database, "delete from workouts where id = $1", exercise.workout_id)
    closed = await watching.next("topic.closed")
    assert (closed["topic"], closed["reason"]) == (exercise.topic, "gone")
    assert await database.fetchval("select count(*) from exercise_comments") == 0
    assert (await coach.get(exercise.path)).code == "not_found"
    assert (await coach.comment("anybody?")).code == "not_found"
    answer = await watching.ask("topic.open", topic=exercise.topic)
    assert answer["type"] == "error"


async def test_a_member_from_whom_the_workout_is_taken_hears_no_more(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    await coach.said("before")
    await watching.in_topic(exercise.topic, "comment.created")
    await loudly(
        database,
        "update workout_assignments set published = false where workout_id = $1",
        exercise.workout_id,
    )
    closed = await watching.next("topic.closed")
    assert closed["topic"] == exercise.topic
    await coach.said("after")
    assert [frame for frame in await watching.drained() if frame.get("topic") == exercise.topic] == []


async def test_a_fork_closes_no_ones_exercise(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    await loudly(
        database,
        "update workout_assignments set snapshot_workout_id = (fork_workout(workout_id)).workout_id"
        " where workout_id = $1",
        exercise.workout_id,
    )
    await coach.said("still here")
    told = await watching.in_topic(exercise.topic, "comment.created")
    assert told["data"]["body"] == "still here"


class TestTwoServers:
    @pytest.fixture
    async def phones(
        self, database_url: str, redis_url: str, gym: Place, exercise: Exercise
    ) -> AsyncIterator[list[Phone]]:
        """The coach's at one server, the member's at both."""
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(instances(2, database_url, redis_url))
            session = await stack.enter_async_context(ClientSession())

            async def connect(who: Someone, place: int) -> Phone:
                one = Phone(session, servers[place].url, who.token)
                return await stack.enter_async_context(one)

            yield [await connect(gym.coach, 0), await connect(gym.member, 0), await connect(gym.member, 1)]

    async def test_watchers_at_both_hear_the_same_in_the_same_order(
        self, gym: Place, phones: list[Phone], exercise: Exercise
    ) -> None:
        for one in phones:
            await one.open_topic(exercise.topic)
        batches = [[exercise.fields(f"{who} {n}") for n in range(30)] for who in range(3)]
        for one, batch in zip(phones, batches, strict=True):
            await one.say(
                [{"type": "comment.create", "ref": place} | each for place, each in enumerate(batch)]
            )
        heard = []
        for one in phones:
            frames = [await one.in_topic(exercise.topic, "comment.created") for _ in range(90)]
            assert [frame["position"] for frame in frames] == list(range(1, 91))
            heard.append([frame["data"] for frame in frames])
        assert heard[0] == heard[1] == heard[2]
        times = [data["createdAt"] for data in heard[0]]
        assert times == sorted(set(times))
        for batch in batches:
            mine = [data["body"] for data in heard[0] if data["body"] in {each["body"] for each in batch}]
            assert mine == [each["body"] for each in batch]
        for one in phones:
            assert {(await one.answer(place))["type"] for place in range(30)} == {"ok"}

    async def test_a_mention_reaches_its_person_at_the_other_server(
        self, gym: Place, phones: list[Phone], exercise: Exercise
    ) -> None:
        coach, _, there = phones
        asked = exercise.fields("like this?")
        await there.ask("comment.create", **asked)
        assert (await coach.event("comment.mentioned"))["data"]["id"] == asked["id"]
        answered = exercise.fields("deeper", asked["id"])
        await coach.ask("comment.create", **answered)
        assert (await there.event("comment.mentioned"))["data"]["id"] == answered["id"]


async def test_many_watchers_are_one_row(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    for who in (gym.owner, gym.admin, gym.coach, gym.coach2, gym.member):
        for _ in range(4):
            await (await phone(who)).open_topic(exercise.topic)
    await coach.said("deeper")
    assert await database.fetchval("select count(*) from topic_events") == 1
    assert await database.fetchval("select count(*) from stream_events") == 0


async def test_two_exercises_do_not_mix(
    gym: Place, phone: OpenPhone, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    other = await add_exercise(database, gym, gym.member)
    watching = await phone(gym.member)
    await watching.open_topic(other.topic)
    await coach.said("here")
    said = await Talker(http, gym.coach, other).said("there")
    assert (await watching.in_topic(other.topic, "comment.created"))["data"]["id"] == said
    assert [frame for frame in await watching.drained() if "topic" in frame] == []
