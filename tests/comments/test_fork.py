"""What an edited workout takes along: its exercises under new ids, and what was said on them."""

import json
from typing import Any
from uuid import UUID, uuid4

from aiohttp import ClientSession

from ..gym import Place
from ..server.conftest import OpenPhone
from ..server.platform import Tables, head
from .conftest import UNKNOWN, Exercise, Talker, add_exercise


async def fork(tables: Tables, workout_id: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """As the platform calls it: the new workout, and the new ids of exercises and comments by the former ones."""
    row = await tables.fetchrow(
        "select workout_id::text, movements, comments from fork_workout($1)", UUID(workout_id)
    )
    assert row is not None
    return row["workout_id"], json.loads(row["movements"]), json.loads(row["comments"])


async def listed(talker: Talker) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await talker.get(talker.exercise.path, limit=100)).data["items"]
    return items


async def test_threads_authors_times_and_deletions_are_copied_under_new_ids(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    root = await coach.said("root")
    reply = await member.said("reply", root)
    answer = await coach.said("answer", reply)
    await coach.said("last", answer)
    gone = await member.said("gone")
    await member.deleted(gone)
    await member.deleted(reply)
    await coach.edited(answer, "better answer")
    erased = await member.said("erased")
    await database.execute("update comment_ledger set erased_at = now() where comment_id = $1", erased)
    before = await listed(coach)
    assert [item["body"] for item in before] == ["root", None, "better answer", "last", None]

    workout_id, movements, comments = await fork(database, exercise.workout_id)
    there = Talker(http, gym.coach, Exercise(gym.organization_id, workout_id, movements[exercise.id]))
    assert set(comments) == {item["id"] for item in before} | {gone}
    assert await listed(there) == [
        item
        | {
            "id": comments[item["id"]],
            "workoutMovementId": movements[exercise.id],
            "parentCommentId": comments.get(item["parentCommentId"]),
        }
        for item in before
    ]
    assert await listed(coach) == before
    assert await database.fetchval(
        "select deleted_at is not null from exercise_comments where id = $1", comments[gone]
    )


async def test_what_was_copied_goes_on_as_what_it_was_copied_from(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    parent = None
    ids = []
    for level in range(5):
        parent = await coach.said(str(level), parent)
        ids.append(parent)
    workout_id, movements, comments = await fork(database, exercise.workout_id)
    await database.execute("update workout_assignments set snapshot_workout_id = $1", UUID(workout_id))
    forked = Exercise(gym.organization_id, workout_id, movements[exercise.id])
    here, there = Talker(http, gym.coach, forked), Talker(http, gym.member, forked)
    assert (await there.comment("five", comments[ids[4]])).code == "bad_request"
    assert (await there.comment("four", comments[ids[3]])).status == 201
    assert (await there.comment("over there", ids[0])).code == "not_found"
    await here.edited(comments[ids[0]], "zero")
    await here.deleted(comments[ids[1]])
    assert await there.bodies() == ["zero", None, "2", "3", "4", "four"]
    assert await member.bodies() == ["0", "1", "2", "3", "4"]


async def test_ids_of_copies_are_taken(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    known = await coach.said("deeper")
    workout_id, movements, comments = await fork(database, exercise.workout_id)
    there = Talker(http, gym.coach, Exercise(gym.organization_id, workout_id, movements[exercise.id]))
    for one in (coach, there):
        again = {"id": comments[known], "body": "deeper"}
        assert (await one.post(one.exercise.path, again)).code == "conflict"
    assert (await coach.post(exercise.path, {"id": known, "body": "deeper"})).status == 200


async def test_a_workout_is_copied_with_all_its_exercises_and_columns(
    gym: Place, exercise: Exercise, database: Tables
) -> None:
    await database.execute("alter table workout_movements add column tempo text default '3-1-1'")
    try:
        await database.execute(
            "insert into workout_movements (workout_id, name, sort_order, prescription, tempo)"
            " select $1, 'Lunge ' || n, n, jsonb_build_object('sets', n), 'slow' from generate_series(1, 3) n",
            exercise.workout_id,
        )
        columns = "name, sort_order, prescription, tempo"
        statement = f"select {columns} from workout_movements where workout_id = $1 order by sort_order"  # noqa: S608 - names
        before = await database.fetch(statement, exercise.workout_id)
        workout_id, movements, comments = await fork(database, exercise.workout_id)
        assert await database.fetch(statement, workout_id) == before
        assert (len(movements), len(set(movements.values()) - set(movements)), comments) == (4, 4, {})
    finally:
        await database.execute("alter table workout_movements drop column tempo")
    made = await database.fetchrow(
        "select organization_id::text, title, is_snapshot, forked_from_id::text from workouts where id = $1",
        workout_id,
    )
    assert made is not None
    assert tuple(made) == (gym.organization_id, "Legs", True, exercise.workout_id)


async def test_a_workout_that_is_not_there_has_no_copy(database: Tables) -> None:
    row = await database.fetchrow("select * from fork_workout($1)", UUID(UNKNOWN))
    assert row is not None
    assert tuple(row) == (None, None, None)


async def test_nobody_is_told_and_nothing_is_counted(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    root = await member.said("root")
    await coach.said("reply", root)
    watching = await phone(gym.member)
    await watching.open_topic(exercise.topic)
    state = (
        "select (select count(*) from topic_events), (select count(*) from stream_events),"
        " (select count(*) from stream_pending)"
    )
    before = await database.fetchrow(state)
    heads = [await head(database, who) for who in (gym.coach, gym.member)]
    async with database.transaction():
        await database.execute("set local coachwire.quiet = off")
        await fork(database, exercise.workout_id)
    assert await database.fetchrow(state) == before
    assert [await head(database, who) for who in (gym.coach, gym.member)] == heads
    assert [frame for frame in await watching.drained() if frame["type"] == "event"] == []
    assert await database.fetchval("select sum(window_count) from user_streams") == 2


async def test_two_thousand_comments_are_copied_in_one_go(
    gym: Place, http: ClientSession, exercise: Exercise, database: Tables
) -> None:
    await write_many(database, exercise, gym, 2000)
    workout_id, movements, comments = await fork(database, exercise.workout_id)
    assert len(comments) == 2000
    here = Talker(http, gym.coach, exercise)
    there = Talker(http, gym.coach, Exercise(gym.organization_id, workout_id, movements[exercise.id]))
    bodies = await here.bodies()
    assert bodies == await there.bodies()
    assert bodies == [str(n) for n in range(1, 2001)]
    shape = """
        select c.body, p.body as parent, l.depth, l.created_at
        from comment_ledger l join exercise_comments c on c.id = l.comment_id
        left join exercise_comments p on p.id = c.parent_comment_id
        where l.workout_movement_id = $1 order by l.created_at, c.body
    """
    assert await database.fetch(shape, movements[exercise.id]) == await database.fetch(shape, exercise.id)


async def test_a_fork_of_a_fork_keeps_it_all(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    root = await coach.said("root")
    await coach.said("reply", root)
    once, movements, _ = await fork(database, exercise.workout_id)
    twice, again, comments = await fork(database, once)
    there = Talker(http, gym.coach, Exercise(gym.organization_id, twice, again[movements[exercise.id]]))
    assert await there.bodies() == ["root", "reply"]
    assert len(comments) == 2


async def test_another_gyms_workout_stays_its_own(
    gym: Place, other_gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    await coach.said("ours")
    theirs = await add_exercise(database, other_gym)
    workout_id, movements, comments = await fork(database, theirs.workout_id)
    there = Talker(
        http, other_gym.coach, Exercise(other_gym.organization_id, workout_id, movements[theirs.id])
    )
    assert (await there.bodies(), comments) == ([], {})


async def write_many(tables: Tables, exercise: Exercise, place: Place, count: int) -> None:
    """As the platform does it: chains of five, all at one moment."""
    ids = [str(uuid4()) for _ in range(count)]
    await tables.execute(
        "insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at)"
        " select id, $2, $3, n::text, case when n % 5 <> 1 then ($1::uuid[])[n - 1] end,"
        " now() + n * interval '1 ms' - interval '1 hour'"
        " from unnest($1::uuid[]) with ordinality t (id, n)",
        ids, exercise.id, place.coach.user_id,
    )  # fmt: skip
