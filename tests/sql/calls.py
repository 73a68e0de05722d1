"""The statements of messages and receipts as the application calls them, and what they leave in the tables."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg
from coachwire.database import Tx
from coachwire.operation import NO_LIMIT
from coachwire.operations.deleting import DELETE, Taken
from coachwire.operations.messages import RESOLVE, SEND, Stored
from coachwire.operations.receipts import MARK, Marked
from coachwire.operations.sent import Resolved

from ..gym import Place, Someone

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

MINUTE = timedelta(minutes=1)
NOWHERE = "00000000-0000-4000-8000-000000000000"  # no row has this id


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What somebody wants to say, and what resolve will make of it."""

    sender: Someone
    recipient: Someone
    id: str = field(default_factory=lambda: str(uuid4()))
    organization_id: str = ""  # else the recipient's
    assignment_id: str | None = None
    content: str = "hello"
    upload_ids: tuple[str, ...] = ()

    @property
    def organization(self) -> str:
        return self.organization_id or self.recipient.organization_id

    @property
    def hash(self) -> bytes:
        return self.content.encode()

    def again(self, **changes: object) -> "Sending":
        return replace(self, **changes)  # type: ignore[arg-type] # names of fields


class Entry(NamedTuple):
    """An event in somebody's stream."""

    position: int
    kind: str
    ids: list[str]


async def resolve(
    tx: Connection, *sendings: Sending, limit: int = NO_LIMIT, window: timedelta = MINUTE
) -> list[Resolved]:
    return await RESOLVE.rows(
        cast("Tx", tx),
        [s.id for s in sendings],
        [s.organization for s in sendings],
        [s.sender.user_id for s in sendings],
        [None if s.assignment_id else s.recipient.membership_id for s in sendings],
        [s.assignment_id for s in sendings],
        [s.hash for s in sendings],
        *uploads(sendings),
        limit,
        window,
    )


async def codes(tx: Connection, *sendings: Sending, limit: int = NO_LIMIT) -> list[str]:
    return [row.code for row in await resolve(tx, *sendings, limit=limit)]


async def send(
    tx: Connection,
    *sendings: Sending,
    limit: int = NO_LIMIT,
    window: timedelta = MINUTE,
    notify: bool = False,
) -> Stored:
    """What resolve let pass, in order of arrival."""
    users = sorted({user for s in sendings for user in (s.sender.user_id, s.recipient.user_id)})
    return await SEND.one(
        cast("Tx", tx),
        [s.id for s in sendings],
        [s.organization for s in sendings],
        [s.sender.user_id for s in sendings],
        ["member" if s.sender.role == "member" else "coach" for s in sendings],
        [s.recipient.user_id for s in sendings],
        [s.assignment_id for s in sendings],
        [s.content for s in sendings],
        [s.hash for s in sendings],
        [users.index(s.sender.user_id) + 1 for s in sendings],
        [users.index(s.recipient.user_id) + 1 for s in sendings],
        users,
        sorted({s.organization for s in sendings}),
        sorted({s.assignment_id for s in sendings if s.assignment_id}),
        *uploads(sendings),
        notify,
        limit,
        window,
    )


def uploads(sendings: Sequence[Sending]) -> tuple[list[str], list[int]]:
    """All their files in order, and the row of each, counted from 1."""
    rows = [(upload, row) for row, s in enumerate(sendings, 1) for upload in s.upload_ids]
    return [upload for upload, _ in rows], [row for _, row in rows]


async def ready_uploads(tx: Connection, owner: Someone, count: int) -> list[str]:
    """Files that this person may send."""
    rows = await tx.fetch(
        """
        insert into uploads (id, organization_id, user_id, type, mime_type, size, state, upload_key, key, thumbnail_key)
        select id, $1, $2, 'image', 'image/jpeg', 1000, 'ready', 'incoming/' || id, id || '.jpg', id || '.thumb.webp'
        from (select gen_random_uuid() as id from generate_series(1, $3)) u
        returning id
        """,
        UUID(owner.organization_id),
        UUID(owner.user_id),
        count,
    )
    return [str(row["id"]) for row in rows]


async def mark_read(tx: Connection, *pairs: tuple[str, Someone]) -> list[Marked]:
    """(message, reader) pairs."""
    return await MARK.rows(
        cast("Tx", tx), [message_id for message_id, _ in pairs], [reader.user_id for _, reader in pairs]
    )


async def delete(tx: Connection, message_id: str, actor: Someone, organization_id: str = "") -> Taken:
    return await DELETE.one(
        cast("Tx", tx), message_id, organization_id or actor.organization_id, actor.user_id
    )


async def assignment_of(tx: Connection, member: Someone, *, published: bool = True) -> str:
    """One of this member's workouts."""
    return str(
        await tx.fetchval(
            "select id from workout_assignments where user_id = $1 and published = $2 order by date limit 1",
            UUID(member.user_id),
            published,
        )
    )


async def stream(tx: Connection, someone: Someone) -> list[Entry]:
    """All events of this person, which must be dense up to the head."""
    rows = await tx.fetch(
        "select position, kind::text, subject_ids from stream_events where user_id = $1 order by position",
        UUID(someone.user_id),
    )
    entries = [Entry(row["position"], row["kind"], [str(id_) for id_ in row["subject_ids"]]) for row in rows]
    assert [entry.position for entry in entries] == list(range(1, await head(tx, someone) + 1))
    return entries


async def head(tx: Connection, someone: Someone) -> int:
    found = await tx.fetchval("select position from user_streams where user_id = $1", UUID(someone.user_id))
    return int(found or 0)


async def heads(tx: Connection, gym: Place) -> dict[str, int]:
    return {name: await head(tx, someone) for name, someone in gym.people.items()}


async def messages(tx: Connection) -> list[str]:
    """The ids of all that is stored, in order of creation."""
    return [str(row["id"]) for row in await tx.fetch("select id from messages order by created_at, id")]


async def created_in_order(tx: Connection, someone: Someone) -> list[datetime]:
    """The times of this person's messages, by their positions."""
    rows = await tx.fetch(
        """
        select l.created_at
        from stream_events e
        join message_ledger l on l.message_id = e.subject_ids[1]
        where e.user_id = $1 and e.kind = 'message.created'
        order by e.position
        """,
        UUID(someone.user_id),
    )
    return [row["created_at"] for row in rows]


def rising(times: Sequence[datetime]) -> bool:
    return all(before < after for before, after in pairwise(times))


async def waiting_for_a_lock(watching: Connection) -> None:
    """Until somebody in this database waits for another's transaction."""
    async with asyncio.timeout(5):
        while not await watching.fetchval(  # noqa: ASYNC110 - the database tells nobody
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.002)
