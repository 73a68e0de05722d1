"""Plans that were made while the tables were empty, and known to be, must serve the same connection when they are full.

A connection plans the statements in functions once. Nothing tells it that tables grow until they are analyzed again."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from coachwire.operations.writing import CREATE_STREAMS

from ..gym import Place
from .calls import Connection, Sending, assignment_of, delete, mark_read, resolve, send

MESSAGES = 10_000  # and as many streams of people who say nothing
ROWS = 128  # the largest batch
WARM = 7  # calls after which every plan is settled
LOOKS = 10  # rows of a table for each of a batch: locked, changed, asked about; not each time the whole table

READ = """
select regexp_replace(relname, '_\\d{8}$', '') as name,
  sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint as count
from pg_stat_xact_user_tables
group by 1
"""
TABLES = ("messages", "message_ledger", "conversations", "user_streams", "stream_pending")

FILL = """
with one as (
  select gen_random_uuid() as id, n, now() - interval '1 hour' + n * interval '1 ms' as at, n % 7 = 0 as posted
  from generate_series(1, $1::int) n),
said as (
  insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content,
    created_at)
  select id, $2::uuid, $3::uuid, 'coach', $4::uuid, case when posted then $5::uuid end, 'hello', at from one),
kept as (
  insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id,
    created_at, sender_position, recipient_position)
  select id, $2, $3, least($3, $4), greatest($3, $4), case when posted then $5 end, at, $6::bigint + n, $7::bigint + n
  from one),
others as (
  insert into user_streams (user_id) select id from one),
moved as (
  update user_streams set position = case user_id when $3 then $6 else $7 end + $1 where user_id in ($3, $4))
insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
select e.user_id, e.position, 'message.created', array[id], $2, now()
from one cross join lateral (values ($3, $6 + n), ($4, $7 + n)) e (user_id, position)
"""

Called = Callable[[], Awaitable[None]]


@pytest.fixture
async def grown(tx: Connection, gym: Place) -> Connection:
    """On this connection every function was planned on empty tables; they are long now."""
    await tx.execute("set jit = off")
    weeks = await tx.fetch(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'stream_events'::regclass"
    )
    for table in (*TABLES, *(week["name"] for week in weeks)):
        await tx.execute(f"alter table {table} set (autovacuum_enabled = off)")
    await tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
    await tx.execute("analyze")
    for _ in range(WARM):
        transaction = tx.transaction()
        await transaction.start()
        batch = [Sending(sender=gym.coach, recipient=gym.member) for _ in range(3)]
        await resolve(tx, *batch)
        await send(tx, *batch)
        await mark_read(tx, *((one.id, gym.member) for one in batch))
        await edited(tx, gym, batch[0].id)
        await delete(tx, batch[0].id, gym.coach)
        await tx.execute("delete from messages where id = $1", UUID(batch[1].id))
        await tx.execute("select * from tell_pending(array(select id from stream_pending))")
        await transaction.rollback()
    thread = await assignment_of(tx, gym.member)
    heads = [await tx.fetchval("select position from user_streams where user_id = $1", UUID(one.user_id))
             for one in (gym.coach, gym.member)]  # fmt: skip
    await tx.execute(
        FILL, MESSAGES, gym.organization_id, gym.coach.user_id, gym.member.user_id, thread, *heads
    )
    return tx


async def edited(tx: Connection, gym: Place, message_id: str) -> str:
    who = UUID(gym.organization_id), UUID(gym.coach.user_id)
    return str(
        await tx.fetchval(
            "select code from edit_message($1, $2, $3, 'bye', false, '2 hours')", UUID(message_id), *who
        )
    )


async def rows_read(tx: Connection, call: Called) -> dict[str, int]:
    """How many rows of each table this call looks at, whatever its plans; what it does is taken back."""
    transaction = tx.transaction()
    await transaction.start()
    before = await looks(tx)
    await call()
    after = await looks(tx)
    await transaction.rollback()
    return {
        table: count - before.get(table, 0) for table, count in after.items() if count > before.get(table, 0)
    }


async def looks(tx: Connection) -> dict[str, int]:
    return {row["name"]: row["count"] for row in await tx.fetch(READ)}


async def test_functions_planned_on_empty_tables_look_only_at_what_they_are_asked_for(
    grown: Connection, gym: Place
) -> None:
    recent = await grown.fetch(
        "select id, workout_assignment_id from messages order by created_at desc limit $1", ROWS
    )
    ids = [str(row["id"]) for row in recent]
    new = [Sending(sender=gym.coach, recipient=gym.member) for _ in range(ROWS)]

    async def sent_again() -> None:
        found = await resolve(grown, *(one.again(id=id_) for one, id_ in zip(new, ids, strict=True)))
        assert {row.code for row in found} == {"conflict"}  # what is there has another hash

    async def resolved() -> None:
        assert {row.code for row in await resolve(grown, *new)} == {"new"}

    async def stored() -> None:
        assert set((await send(grown, *new)).codes) == {"stored"}

    async def read() -> None:
        marked = await mark_read(grown, *((id_, gym.member) for id_ in ids))
        assert sum(len(row.ids) for row in marked if row.user_id == UUID(gym.member.user_id)) == ROWS

    async def edits() -> None:
        assert {await edited(grown, gym, id_) for id_ in ids} == {"edited"}

    async def deletions() -> None:
        assert {(await delete(grown, id_, gym.coach)).code for id_ in ids} == {"deleted"}

    async def told() -> None:
        found = await grown.fetchrow("select * from tell_pending(array(select id from stream_pending))")
        assert found is not None
        assert len(found["users"]) == 2

    calls: list[Called] = [sent_again, resolved, stored, read, edits, deletions]
    reads = {call.__name__: await rows_read(grown, call) for call in calls}
    await grown.execute("delete from messages where id = any ($1)", [UUID(id_) for id_ in ids])
    reads["told"] = await rows_read(grown, told)
    assert {
        name: too_many
        for name, tables in reads.items()
        if (too_many := {table: count for table, count in tables.items() if count > LOOKS * ROWS})
    } == {}
