"""Who is told of a comment beside the exercise's topic: whom it answers, and who assigned the workout."""

from aiohttp import ClientSession

from ..gym import Place
from ..phone import Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, delete_user, head, set_status
from .conftest import Exercise, Talker


async def mentions(one: Phone) -> list[str]:
    """The bodies of what this phone was told of until now."""
    return [
        frame["data"]["body"] for frame in await one.drained() if frame.get("kind") == "comment.mentioned"
    ]


async def test_whom_a_reply_answers_hears_of_it(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker
) -> None:
    member, other = await phone(gym.member), await phone(gym.coach2)
    root = exercise.fields("like this?")
    await other.ask("comment.create", **root)
    reply = (await coach.comment("deeper", root["id"])).data
    told = await other.event("comment.mentioned")
    assert told == {
        "type": "event",
        "kind": "comment.mentioned",
        "organizationId": gym.organization_id,
        "data": reply,
        "position": 1,
    }
    assert await mentions(member) == []


async def test_who_assigned_the_workout_hears_what_its_member_says(
    gym: Place, phone: OpenPhone, coach: Talker, member: Talker
) -> None:
    one, other = await phone(gym.coach), await phone(gym.coach2)
    first = await member.said("like this?")
    await coach.said("well")
    await member.said("or this?", first)
    assert await mentions(one) == ["like this?", "or this?"]
    assert await mentions(other) == []


async def test_nobody_is_told_twice_or_of_themselves(
    gym: Place, phone: OpenPhone, coach: Talker, member: Talker
) -> None:
    phones = [await phone(gym.coach), await phone(gym.member)]
    root = await coach.said("root")
    reply = await member.said("to who assigned it", root)
    await member.said("to myself", reply)
    await coach.said("to the member", reply)
    assert [await mentions(one) for one in phones] == [["to who assigned it", "to myself"], ["to the member"]]


async def test_staff_are_not_reported_to_each_other(
    gym: Place, phone: OpenPhone, http: ClientSession, exercise: Exercise
) -> None:
    one = await phone(gym.coach)
    await Talker(http, gym.owner, exercise).said("nice")
    assert await mentions(one) == []


async def test_who_has_left_or_lost_sight_is_told_nothing(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    root = await member.said("root")
    other = await Talker(http, gym.coach2, exercise).said("other")
    before = {who.user_id: await head(database, who) for who in (gym.member, gym.coach2, gym.coach)}
    await database.execute("update workout_assignments set published = false")
    await coach.said("unseen", root)
    await set_status(database, gym.coach2, "suspended")
    await coach.said("away", other)
    await set_status(database, gym.coach2, "active")
    await delete_user(database, gym.coach2)
    await coach.said("gone", other)
    await database.execute("update workout_assignments set published = true")
    await set_status(database, gym.coach, "cancelled")
    await member.said("anybody?")
    after = {who.user_id: await head(database, who) for who in (gym.member, gym.coach2, gym.coach)}
    assert after == before


async def test_the_latest_assignment_by_somebody_who_is_still_staff_counts(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker, database: Tables
) -> None:
    one, other = await phone(gym.coach), await phone(gym.coach2)
    await database.execute(
        "insert into workout_assignments (organization_id, user_id, workout_id, date, published, assigned_by)"
        " values ($1, $2, $3, '2026-03-08', true, $4)",
        gym.organization_id, gym.member.user_id, exercise.workout_id, gym.coach2.user_id,
    )  # fmt: skip
    await member.said("to the second")
    await database.execute("update memberships set role = 'member' where id = $1", gym.coach2.membership_id)
    await member.said("to the first")
    assert [await mentions(one), await mentions(other)] == [["to the first"], ["to the second"]]


async def test_what_was_missed_is_told_as_it_is_now_if_it_may_be_seen(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    one = await phone(gym.coach)
    await one.leave()
    ids = [await member.said(str(n)) for n in range(4)]
    await member.edited(ids[0], "zero")
    await member.deleted(ids[1])
    await database.execute("delete from exercise_comments where id = $1", ids[2])
    welcome = await one.connect()
    assert (welcome["resume"], welcome["events"]) == ("resumed", 4)
    assert [frame["data"]["body"] for frame in one.events] == ["zero", None, "3"]
    assert one.position == 4

    reader = await phone(gym.member)
    await reader.leave()
    await coach.said("for you", ids[0])
    await database.execute("update workout_assignments set published = false")
    await reader.connect()
    assert (reader.events, reader.position) == ([], 1)


async def test_a_mention_uses_up_nothing_of_whoever_is_told(
    gym: Place, member: Talker, database: Tables
) -> None:
    await member.said("root")
    counts = await database.fetch(
        "select user_id::text, window_count from user_streams where window_count > 0"
    )
    assert [tuple(row) for row in counts] == [(gym.member.user_id, 1)]
    assert await head(database, gym.coach) == 1
