"""What is listed: oldest first, a parent before its replies, what was deleted as long as something below it lives."""

from typing import Any
from uuid import uuid4

import pytest

from ..gym import Place, Someone
from ..server.platform import Tables
from .conftest import Exercise, Talker


async def write(
    tables: Tables,
    exercise: Exercise,
    who: Someone,
    body: str,
    parent: str | None = None,
    created_at: str | None = "now()",
) -> str:
    """As the platform does it, past the server."""
    return str(
        await tables.fetchval(
            "insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at)"  # noqa: S608 - a test's own words
            f" values ($1, $2, $3, $4, $5, {created_at or 'null'}) returning id",
            str(uuid4()), exercise.id, who.user_id, body, parent,
        )
    )  # fmt: skip


async def test_pages_go_on_where_the_former_one_ended(
    exercise: Exercise, coach: Talker, member: Talker
) -> None:
    for n in range(7):
        await (coach, member)[n % 2].said(str(n))
    pages: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await member.get(exercise.path, **query)).data
        pages.append(" ".join(item["body"] for item in page["items"]))
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
        if len(pages) == 1:
            await coach.said("7")  # what comes meanwhile stands at the end
    assert pages == ["0 1 2", "3 4 5", "6 7"]
    assert (await coach.get(exercise.path, cursor="x")).code == "bad_request"
    assert (await coach.get(exercise.path, limit=101)).code == "bad_request"


async def test_what_was_deleted_stays_for_its_living_replies_and_goes_with_the_last(
    exercise: Exercise, coach: Talker, member: Talker
) -> None:
    root = await coach.said("root")
    first = await member.said("first", root)
    second = await coach.said("second", first)
    third = await member.said("third", second)
    beside = await coach.said("beside")
    for gone, left in (
        (root, [None, "first", "second", "third", "beside"]),
        (second, [None, "first", None, "third", "beside"]),
        (first, [None, None, None, "third", "beside"]),
        (third, ["beside"]),
        (beside, []),
    ):
        author = member if gone in (first, third) else coach
        await author.deleted(gone)
        assert await coach.bodies() == left


async def test_a_tombstone_says_who_and_when_but_not_what(
    coach: Talker, member: Talker, exercise: Exercise
) -> None:
    root = (await coach.comment("secret")).data
    await member.said("reply", root["id"])
    deleted_at = (await coach.deleted(root["id"])).data["deletedAt"]
    page = await member.get(exercise.path)
    assert page.data["items"][0] == root | {"body": None, "deletedAt": deleted_at}
    assert "secret" not in str(page.body)


async def test_what_was_erased_stays_without_a_body(
    gym: Place, coach: Talker, member: Talker, exercise: Exercise, database: Tables
) -> None:
    said = await member.said("mine")
    await database.execute("update exercise_comments set body = ''")
    await database.execute("update comment_ledger set erased_at = now(), payload_hash = null")
    [item] = (await coach.get(exercise.path)).data["items"]
    assert (item["body"], item["erased"], item["deletedAt"]) == (None, True, None)
    assert (await member.edited(said, "again")).code == "gone"
    assert (await coach.comment("about that", said)).status == 201
    assert (await member.post(exercise.path, {"id": said, "body": "whatever"})).status == 200


async def test_comments_that_the_platform_writes_itself_are_listed_in_their_place(
    gym: Place, coach: Talker, exercise: Exercise, database: Tables
) -> None:
    await coach.said("ours")
    async with database.transaction():  # all at one moment, as `now()` has it
        root = await write(database, exercise, gym.member, "root")
        reply = await write(database, exercise, gym.coach, "reply", root)
        await write(database, exercise, gym.member, "answer", reply)
    await write(database, exercise, gym.member, "early", created_at="now() - interval '1 year'")
    await write(database, exercise, gym.member, "timeless", created_at=None)
    await write(database, exercise, gym.member, "of the future", created_at="now() + interval '1 year'")
    await coach.said("ours again")
    assert await coach.bodies() == [
        "early",
        "ours",
        "root",
        "reply",
        "answer",
        "timeless",
        "of the future",
        "ours again",
    ]
    assert (await coach.comment("fourth", reply)).status == 201


async def test_many_levels_by_the_platform_in_one_statement_are_listed_and_count(
    gym: Place, coach: Talker, exercise: Exercise, database: Tables
) -> None:
    ids = [str(uuid4()) for _ in range(6)]
    await database.execute(
        "insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id)"
        " select id, $2, $3, n::text, ($1::uuid[])[n - 1] from unnest($1::uuid[]) with ordinality t (id, n)"
        " order by id",
        ids, exercise.id, gym.coach.user_id,
    )  # fmt: skip
    assert await coach.bodies() == ["1", "2", "3", "4", "5", "6"]
    assert (await coach.comment("5", ids[3])).status == 201
    for deep in ids[4:]:
        assert (await coach.comment("6", deep)).code == "bad_request"


async def test_an_id_that_the_platform_used_is_taken(
    gym: Place, coach: Talker, exercise: Exercise, database: Tables
) -> None:
    known = await write(database, exercise, gym.coach, "theirs")
    assert (await coach.post(exercise.path, {"id": known, "body": "theirs"})).code == "conflict"
    await database.execute("delete from exercise_comments")
    assert (await coach.post(exercise.path, {"id": known, "body": "theirs"})).code == "conflict"
    said = {"id": str(uuid4()), "body": "ours"}
    await coach.post(exercise.path, said)
    await database.execute("delete from exercise_comments")
    assert (await coach.post(exercise.path, said)).code == "gone"
    assert await coach.bodies() == []


@pytest.mark.parametrize("change", ["deleted_at = now()", "published = false"])
async def test_a_member_reads_and_writes_what_is_assigned_and_published(
    coach: Talker, member: Talker, exercise: Exercise, database: Tables, change: str
) -> None:
    await coach.said("deeper")
    assert await member.bodies() == ["deeper"]
    await database.execute(f"update workout_assignments set {change}")  # noqa: S608 - a test's own words
    assert (await member.get(exercise.path)).code == "not_found"
    assert (await member.comment("and me?")).code == "not_found"
    assert await coach.bodies() == ["deeper"]


async def test_what_was_forked_for_a_member_is_theirs_and_so_is_what_it_was_forked_from(
    gym: Place, member: Talker, exercise: Exercise, database: Tables
) -> None:
    await database.execute(
        "update workout_assignments set workout_id = null, snapshot_workout_id = workout_id where user_id = $1",
        gym.member.user_id,
    )
    assert (await member.comment("mine")).status == 201
    other = await database.fetchval(
        "insert into workouts (organization_id, title) values ($1, 'Legs') returning id", gym.organization_id
    )
    await database.execute(
        "update workout_assignments set workout_id = snapshot_workout_id, snapshot_workout_id = $1", other
    )
    assert (await member.comment("still mine")).status == 201


async def test_nothing_of_a_deleted_workout_is_shown(
    coach: Talker, member: Talker, exercise: Exercise, database: Tables
) -> None:
    await coach.said("deeper")
    await database.execute("update workouts set deleted_at = now()")
    for one in (coach, member):
        assert (await one.get(exercise.path)).code == "not_found"
        assert (await one.comment("more")).code == "not_found"
    await database.execute("update workouts set deleted_at = null")
    assert await member.bodies() == ["deeper"]
