"""Which index each hot statement uses, by name: with a hundred rows, before and after ANALYZE, and with 200,000.

A wrong index reads no table from end to end and still loses a hundredfold: "no sequential scan" would not show it."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire import app
from coachwire.database import QUERIES
from coachwire.operations.writing import CREATE_STREAMS
from coachwire.seed import Size, seed

from ..gym import Place, Someone, open_gym
from .calls import NOWHERE, Connection, Sending, assignment_of, ready_uploads, resolve, send

assert app  # its import loads all statements

Scans = dict[str, set[str]]  # by table, the names of the indexes; "sequential" for none

STREAMS = {"user_streams": {"user_streams_pkey"}}
PLATFORM = {
    "memberships": {"memberships_user_id_organization_id_key"},
    "organizations": {"organizations_pkey"},
    "workout_assignments": {"workout_assignments_pkey"},
}
DRAFTS = {"deleted_drafts": {"deleted_drafts_pkey"}}  # asked where a thread may be kept from somebody
TOPICS = {"topic_streams": {"topic_streams_pkey"}}
UPLOADS = {"uploads": {"uploads_pkey"}}
RESOLVING: Scans = (
    STREAMS
    | PLATFORM
    | {
        "memberships": {"memberships_pkey", "memberships_user_id_organization_id_key"},
        "users": {"users_pkey"},
        "message_ledger": {"message_ledger_pkey"},
        "messages": {
            "messages_pkey",
            "messages_workout_assignment_idx",
        },  # the latter: who wrote last in a thread
    }
)
SENDING: Scans = STREAMS | PLATFORM | {"users": {"users_pkey"}}
FUNCTIONS: dict[str, Scans] = {
    "resolve_sends": RESOLVING,
    "resolve_sends, with files": RESOLVING | UPLOADS,
    "send_messages": SENDING,
    "send_messages, in threads": SENDING | TOPICS | DRAFTS,
    "send_messages, with files": SENDING | UPLOADS | {"messages": {"messages_pkey"}},  # for the foreign key
    "mark_read": STREAMS
    | PLATFORM
    | DRAFTS
    | {"messages": {"messages_pkey"}, "outbox": {"outbox_subject_idx"}},
    "edit_message": STREAMS
    | PLATFORM
    | DRAFTS
    | TOPICS
    | {
        "messages": {"messages_pkey"},
        "message_ledger": {"message_ledger_pkey"},
        "message_attachments": {"message_attachments_message_idx"},
        "organization_settings": {"organization_settings_pkey"},
    },
    "delete_message": STREAMS
    | PLATFORM
    | DRAFTS
    | TOPICS
    | {
        "messages": {"messages_pkey"},
        "message_attachments": {"message_attachments_message_idx"},
        "outbox": {"outbox_subject_idx", "outbox_pkey"},
    },
}

# Of the other statements what they read of the tables that grow without end: small ones may be read as a whole.
GROWING = {"messages", "message_ledger", "message_attachments", "stream_events", "topic_events"}
FILES = {"message_attachments": {"message_attachments_message_idx"}}
SHOWN = FILES | {"messages": {"messages_pkey"}, "message_ledger": {"message_ledger_pkey"}}
UNREAD = {"messages": {"messages_recipient_read_at_idx"}}
TOLD: Scans = {"topic_events": {"topic_events_pkey"}}
THREAD = {"messages": {"messages_workout_assignment_idx"}}
POSTS: Scans = SHOWN | {"messages": {"messages_pkey", "messages_workout_assignment_idx"}}
PAGE: Scans = SHOWN | {"message_ledger": {"message_ledger_pair_idx", "message_ledger_pkey"}}
STATEMENTS: dict[str, Scans] = {
    "attachments/file": {
        "message_attachments": {"message_attachments_pkey"},
        "messages": {"messages_pkey"},
        "message_ledger": {"message_ledger_pkey"},
    },
    "conversations/first_unread": UNREAD,
    "conversations/history": PAGE,
    "conversations/list": PAGE | {"messages": {"messages_pkey", "messages_recipient_read_at_idx"}},
    "conversations/newer": PAGE,
    "messages/one": SHOWN,
    "receipts/resolve": {"messages": {"messages_pkey"}},
    "receipts/unread": UNREAD | {"message_ledger": {"message_ledger_pkey"}},
    "receipts/unread_thread": THREAD | {"message_ledger": {"message_ledger_pkey"}},
    "session/hello": UNREAD,
    "session/unread": UNREAD,
    "streams/events": SHOWN | {"stream_events": {"stream_events_pkey"}},
    "streams/kept": {"stream_events": {"stream_events_pkey"}},
    "threads/first_unread": THREAD,
    "threads/list": POSTS
    | {"messages": {"messages_pkey", "messages_recipient_read_at_idx", "messages_workout_assignment_idx"}},
    "threads/newer": POSTS,
    "threads/older": POSTS,
    "topics/events": TOLD,
    "topics/exercise": TOLD,
    "topics/kept": TOLD,
    "topics/messages": SHOWN,
    "topics/thread": TOLD | {"message_ledger": {"message_ledger_pkey"}},
}


class Explained:
    """A connection that is told the plan of each statement, also of those in functions."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx
        self._plans: list[dict[str, Any]] = []
        self._empty: set[str] = set()

    def keep(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        self._plans.append(json.loads(message.message.partition("plan:")[2])["Plan"])

    async def look(self) -> None:
        """Partitions without rows are read as it happens; what came before is forgotten."""
        rows = await self.tx.fetch(
            "select relname from pg_class where relispartition and relkind = 'r' and pg_relation_size(oid) = 0"
        )
        self._empty = {row["relname"] for row in rows}
        self._plans.clear()

    def scans(self) -> Scans:
        """Of everything since the last call."""
        found: Scans = defaultdict(set)
        for plan in self._plans:
            self._walk(plan, None, found)
        self._plans.clear()
        return dict(found)

    def _walk(self, node: dict[str, Any], table: str | None, found: Scans) -> None:
        table = node.get("Relation Name", table)
        index = node.get("Index Name", "sequential" if node["Node Type"] == "Seq Scan" else None)
        if table and index and table not in self._empty and not table.startswith("pg_"):
            found[_whole(table)].add(_whole(index))
        for child in node.get("Plans", ()):
            self._walk(child, table, found)


def _whole(partition: str) -> str:
    """The name without the partition's week."""
    return re.sub(r"_\d{8}", "", partition)


@asynccontextmanager
async def explained(dsn: str) -> AsyncIterator[Explained]:
    """A fresh connection: functions plan their statements once in each."""
    tx = await asyncpg.connect(dsn, server_settings={"jit": "off"})
    one = Explained(tx)
    try:
        try:
            await tx.execute("load 'auto_explain'")
        except asyncpg.PostgresError as error:
            pytest.skip(f"the server has no auto_explain for us: {error}")
        await tx.execute(
            """
            set auto_explain.log_min_duration = 0;
            set auto_explain.log_nested_statements = on;
            set auto_explain.log_format = json;
            set auto_explain.log_level = notice;
            """
        )
        tx.add_log_listener(one.keep)
        yield one
        tx.remove_log_listener(one.keep)
    finally:
        await tx.close()


async def talk(tx: Connection, gym: Place) -> list[Sending]:
    """Some 70 messages, direct and in a thread."""
    thread = await assignment_of(tx, gym.member)
    batch = [
        Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread if n % 7 == 0 else None)
        for n in range(70)
    ]
    await send(tx, *batch)
    return batch


async def call_functions(one: Explained, gym: Place) -> dict[str, Scans]:
    batch = await talk(one.tx, gym)
    await one.look()
    found = {}
    fresh = [sending.again(id=str(uuid4())) for sending in batch[:14]]
    await send(one.tx, *(sending for sending in fresh if sending.assignment_id is None))
    found["send_messages"] = one.scans()
    await send(one.tx, *(sending for sending in fresh if sending.assignment_id is not None), notify=True)
    found["send_messages, in threads"] = one.scans()
    uploads = await ready_uploads(one.tx, gym.coach, 400)
    one.scans()
    files = [fresh[1].again(id=str(uuid4()), upload_ids=tuple(uploads[n : n + 3])) for n in range(0, 12, 3)]
    await resolve(one.tx, *batch[:3], *(sending.again(id=str(uuid4())) for sending in batch[:14]))
    found["resolve_sends"] = one.scans()
    await resolve(one.tx, *files)
    found["resolve_sends, with files"] = one.scans()
    await send(one.tx, *files)
    found["send_messages, with files"] = one.scans()
    ids = [UUID(sending.id) for sending in batch]
    readers = [UUID(gym.member.user_id)] * len(ids)
    await one.tx.fetch("select * from mark_read($1, $2)", ids, readers)
    found["mark_read"] = one.scans()
    who = UUID(gym.organization_id), UUID(gym.coach.user_id)
    for id_ in ids[:2]:  # one in the thread, one not
        await one.tx.fetch("select * from edit_message($1, $2, $3, 'bye', false, '1 hour')", id_, *who)
    found["edit_message"] = one.scans()
    for id_ in ids[:2]:
        await one.tx.fetch("select * from delete_message($1, $2, $3)", id_, *who)
    found["delete_message"] = one.scans()
    return found


async def write_threads(tx: Connection, organization_id: str) -> None:
    """Twenty posts under each workout of the organization, by whoever assigned it; read, and told on its topic."""
    await tx.execute(
        """
        with posts as (
          insert into messages
            (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content,
             created_at, read_at)
          select gen_random_uuid(), organization_id, assigned_by, 'coach', user_id, id, 'well done',
            now() - n * interval '1 hour', now()
          from workout_assignments cross join generate_series(1, 20) n
          where organization_id = $1
          returning *),
        told as (
          insert into topic_events (topic, position, kind, subject_ids, organization_id, at)
          select 'thread:' || workout_assignment_id,
            row_number() over (partition by workout_assignment_id order by created_at),
            'message.created', array[id], organization_id, now()
          from posts)
        insert into message_ledger
          (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id, created_at)
        select id, organization_id, sender_id, least(sender_id, recipient_id), greatest(sender_id, recipient_id),
          workout_assignment_id, created_at
        from posts
        """,
        UUID(organization_id),
    )


async def write_files(tx: Connection) -> None:
    """Two pictures in one of five messages."""
    await tx.execute(
        """
        insert into message_attachments (id, message_id, type, r2_key, size, mime_type)
        select gen_random_uuid(), id, 'image', id || '.jpg', 1000, 'image/jpeg'
        from (select id, row_number() over () as n from messages) m cross join generate_series(1, 2)
        where n % 5 = 0
        """
    )


async def run_statements(one: Explained, gym: Place, coach: Someone, member: Someone) -> dict[str, Scans]:
    """For a coach with a long history; often enough that plans without the values are tried as well."""
    me, here, they = coach.user_id, coach.organization_id, member.user_id
    recent = await one.tx.fetch("select id from messages where recipient_id = $1 limit 100", UUID(me))
    head = await one.tx.fetchval("select position from user_streams where user_id = $1", UUID(me))
    thread = await assignment_of(one.tx, member)
    post = await one.tx.fetchval("select id from messages where workout_assignment_id = $1", UUID(thread))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    file = await one.tx.fetchval("select id from message_attachments limit 1")
    movement = await one.tx.fetchval("select id from workout_movements limit 1")
    arguments: dict[str, Sequence[object]] = {
        "attachments/file": (file, here, me),
        "conversations/first_unread": (me, here, they),
        "conversations/history": (me, here, they, None, None, 51),
        "conversations/list": (me, here, None, None, 51),
        "conversations/newer": (me, here, they, datetime.now(UTC) - timedelta(days=3), NOWHERE, 51),
        "messages/one": (recent[0]["id"], here, me),
        "receipts/resolve": ([me] * 100, [here] * 100, [row["id"] for row in recent]),
        "receipts/unread": ([me], [here], [member.membership_id], [recent[0]["id"]], 1000),
        "receipts/unread_thread": ([me], [here], [thread], [post], 1000),
        "session/hello": (me, uuid4(), None, True),
        "session/unread": ([me, they],),
        "streams/events": ([me], [head - 300], [head], 256),
        "streams/kept": (me, head - 4000, head),
        "threads/first_unread": (me, thread, False),
        "threads/list": (me, here, True, False, None, None, 51),
        "threads/newer": (me, thread, yesterday, NOWHERE, 51),
        "threads/older": (me, thread, None, None, 51),
        "topics/events": ([f"thread:{thread}"] * 2, [0, 10], [10, 20], 256),
        "topics/exercise": ([me, they], [movement, NOWHERE]),
        "topics/kept": (f"thread:{thread}", 5, 20),
        "topics/messages": ([row["id"] for row in recent],),
        "topics/thread": ([me, they] * 250, [thread, NOWHERE] * 250),
    }
    await one.look()
    found = {}
    for name in STATEMENTS:
        for _ in range(7):
            transaction = one.tx.transaction()
            await transaction.start()
            await one.tx.fetch(QUERIES[name].sql, *arguments[name])
            await transaction.rollback()
        found[name] = {table: names for table, names in one.scans().items() if table in GROWING}
    return found


async def test_every_scan_uses_its_index_before_there_are_statistics(database_url: str) -> None:
    gym = await open_gym(database_url, "harbor")
    async with explained(database_url) as one:
        await one.tx.execute("alter table messages set (autovacuum_enabled = off)")
        await one.tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
        assert await call_functions(one, gym) == FUNCTIONS


async def test_every_scan_uses_its_index_with_a_hundred_rows(database_url: str) -> None:
    gym = await open_gym(database_url, "harbor")
    async with explained(database_url) as one:
        await one.tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
        await talk(one.tx, gym)
        await one.tx.execute("analyze")
        assert await call_functions(one, gym) == FUNCTIONS


async def test_every_scan_uses_its_index_with_200_000_messages(database_url: str) -> None:
    made = await seed(
        database_url,
        Size(organizations=1, coaches=4, members=300, messages=200_000),
        sign=lambda user_id: user_id,
    )
    gym = await open_gym(database_url, "harbor")
    async with explained(database_url) as one:
        await one.tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
        await write_threads(one.tx, made["organizations"][0]["organizationId"])
        await write_files(one.tx)
        await one.tx.execute("analyze")
        assert await call_functions(one, gym) == FUNCTIONS
        coach, member = await busiest(one.tx, made["organizations"][0])
        assert await run_statements(one, gym, coach, member) == STATEMENTS


async def busiest(tx: Connection, organization: dict[str, Any]) -> tuple[Someone, Someone]:
    """The pair with the longest history, the coach first."""
    people = {
        person["userId"]: Someone(
            person["userId"],
            person["membershipId"],
            organization["organizationId"],
            person["name"],
            person["role"],
        )
        for person in organization["people"]
    }
    row = await tx.fetchrow(
        "select low_user_id, high_user_id from message_ledger group by 1, 2 order by count(*) desc limit 1"
    )
    assert row is not None
    pair = [people[str(row["low_user_id"])], people[str(row["high_user_id"])]]
    first, second = sorted(pair, key=lambda someone: someone.role)  # coach before member
    return first, second
