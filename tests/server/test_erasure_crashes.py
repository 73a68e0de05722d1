"""Whoever dies over an erasure, at whatever step, the next one finishes it: nothing left out, nothing counted twice."""

from typing import Any

import asyncpg
import pytest

from ..comments.conftest import add_exercise
from ..gym import Place
from .platform import Tables, assign

STAGES = [
    "access",
    "ledger",
    "messages",
    "messages",
    "messages",
    "fingerprints",
    "comments",
    "values",
    "copies",
    "traces",
]


@pytest.mark.parametrize("dies", [None, 0, 1, 3, 5, 6, 7, 9])
async def test_a_step_that_was_cut_off_is_taken_again(
    dies: int | None, gym: Place, database: Tables, database_url: str
) -> None:
    await plant(database, gym)
    job = await database.fetchval("select begin_erasure($1, null, null)", gym.member.user_id)
    seen = []
    for number in range(len(STAGES) + 1):
        stage, state = await row(database, "select stage, state::text from jobs where id = $1", job)
        if state == "done":
            break
        seen.append(stage)
        if number == dies:
            victim = await asyncpg.connect(database_url)
            await victim.execute("begin")
            await victim.fetchrow("select * from erase_step($1)", job)
            assert (await row(database, "select busy from erase_step($1)", job)) == (True,)
            victim.terminate()
        await until_free(database, job)
    assert seen == STAGES
    counts = await database.fetchval("select counts::text from jobs where id = $1", job)
    assert counts == '{"grants": 1, "values": 3, "devices": 1, "comments": 2, "messages": 1003}'
    assert await row(
        database,
        "select (select count(*) from messages where content is not null),"
        " (select count(*) from message_ledger where erased_at is null or payload_hash is not null),"
        " (select count(*) from exercise_comments where body <> ''), (select count(*) from member_metrics)",
    ) == (0, 0, 0, 0)
    events = "select count(distinct position), max(position) from stream_events where user_id = $1"
    told, last = await row(database, events, gym.coach.user_id)
    assert (
        told
        == last
        == await database.fetchval("select position from user_streams where user_id = $1", gym.coach.user_id)
    )
    ids = "select count(distinct id), count(*) from stream_events, unnest(subject_ids) id where kind = 'message.erased'"
    assert await row(database, ids) == (1003, 1003)


async def until_free(tables: Tables, job: Any) -> None:
    """Take the step, as soon as a backend that died has let go of the job."""
    while True:
        busy, _ = await row(tables, "select busy, done from erase_step($1)", job)
        if not busy:
            return


async def row(tables: Tables, question: str, *arguments: Any) -> tuple[Any, ...]:
    found = await tables.fetchrow(question, *arguments)
    assert found is not None
    return tuple(found)


async def plant(tables: Tables, gym: Place) -> None:
    member, coach, place = gym.member.user_id, gym.coach.user_id, gym.organization_id
    await tables.execute(
        "insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content, created_at)"
        " select gen_random_uuid(), $1, $2, 'member', $3, 'words', now() - n * interval '1 minute'"
        " from generate_series(1, 1002) n",
        place, member, coach,
    )  # fmt: skip
    assignment = await assign(tables, gym.member, gym.coach)
    await tables.execute(
        "insert into messages"
        " (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)"
        " values (gen_random_uuid(), $1, $2, 'member', $3, $4, 'words')",
        place, member, coach, assignment,
    )  # fmt: skip
    exercise = await add_exercise(tables, gym, gym.member)
    await tables.execute(
        "insert into exercise_comments (id, workout_movement_id, author_id, body)"
        " select gen_random_uuid(), $1, $2, 'words' from generate_series(1, 2)",
        exercise.id, member,
    )  # fmt: skip
    await tables.execute(
        "insert into member_metrics (id, member_id, definition_id, value, unit)"
        " select gen_random_uuid(), $1, d.id, 1, d.unit from metric_definitions d order by d.id limit 3",
        member,
    )
    await tables.execute(
        "insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
        " select id, member_id, $1, member_id, now() from member_metrics order by id limit 2",
        place,
    )
    await tables.execute(
        "insert into metric_grants (user_id, organization_id) values ($1, $2)", member, place
    )
    await tables.execute("insert into devices (user_id, device_id) values ($1, gen_random_uuid())", member)
