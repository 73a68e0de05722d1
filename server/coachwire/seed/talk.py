"""Conversations written as if they had been held: messages, ledger, streams, receipts that agree, by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from coachwire.seed.phrases import dice

FLUSH = 20_000  # messages held before they are written; a few MB

MESSAGES = [
    "id",
    "organization_id",
    "sender_id",
    "sender_role",
    "recipient_id",
    "workout_assignment_id",
    "content",
    "created_at",
    "read_at",
]
LEDGER = [
    "message_id", "organization_id", "sender_id", "low_user_id", "high_user_id", "workout_assignment_id",
    "created_at", "sender_position", "recipient_position",
]  # fmt: skip
EVENTS = ["user_id", "position", "kind", "subject_ids", "organization_id", "at"]
CONVERSATIONS = ["organization_id", "low_user_id", "high_user_id", "first_message_at"]
STREAMS = ["user_id", "position", "last_at"]

Tx = Any  # asyncpg's connection in a transaction


@dataclass(frozen=True, slots=True)
class Party:
    """A member of an organization, as one end of a conversation."""

    user_id: UUID
    role: str

    @property
    def sent_as(self) -> str:
        return "admin" if self.role == "owner" else self.role


@dataclass(slots=True)
class Talk:
    """What is said among people who are new: their streams begin here, at position 1.

    Times must rise from call to call. Nothing is in the database before `flush`, heads and conversations only
    after `finish`; all of it belongs into one transaction, after `make_partitions` for its times.
    """

    heads: dict[UUID, int] = field(default_factory=dict)
    _last: dict[UUID, datetime] = field(default_factory=dict)
    _first: dict[tuple[UUID, UUID, UUID], datetime] = field(default_factory=dict)
    _messages: list[tuple[object, ...]] = field(default_factory=list)
    _ledger: list[tuple[object, ...]] = field(default_factory=list)
    _events: list[tuple[object, ...]] = field(default_factory=list)

    def say(
        self,
        organization_id: UUID,
        sender: Party,
        recipient: Party,
        content: str,
        at: datetime,
        *,
        read_at: datetime | None = None,
        assignment_id: UUID | None = None,
    ) -> UUID:
        """A message, direct or under an assigned workout; with `read_at` it counts as read then, and `read` must follow
        with its id."""
        message_id = uuid7(at)
        low, high = sorted((sender.user_id, recipient.user_id))
        positions = self._move(sender.user_id), self._move(recipient.user_id)
        self._messages.append(
            (
                message_id,
                organization_id,
                sender.user_id,
                sender.sent_as,
                recipient.user_id,
                assignment_id,
                content,
                at,
                read_at,
            )
        )
        self._ledger.append(
            (message_id, organization_id, sender.user_id, low, high, assignment_id, at, *positions)
        )
        for user_id, position in zip((sender.user_id, recipient.user_id), positions, strict=True):
            self._events.append((user_id, position, "message.created", [message_id], organization_id, at))
            self._last[user_id] = at
        if assignment_id is None:
            self._first.setdefault((organization_id, low, high), at)
        return message_id

    def read(
        self, organization_id: UUID, reader: Party, sender: Party, ids: Sequence[UUID], at: datetime
    ) -> None:
        """The receipt of at most 500 messages, in both streams."""
        for user_id in (reader.user_id, sender.user_id):
            position = self._move(user_id)
            self._events.append((user_id, position, "message.read", list(ids), organization_id, at))

    @property
    def full(self) -> bool:
        return len(self._messages) >= FLUSH

    async def flush(self, tx: Tx) -> None:
        for table, columns, records in (
            ("messages", MESSAGES, self._messages),
            ("message_ledger", LEDGER, self._ledger),
            ("stream_events", EVENTS, self._events),
        ):
            await tx.copy_records_to_table(table, records=records, columns=columns)
            records.clear()

    async def finish(self, tx: Tx) -> None:
        """Writes what is left, the conversations, and the heads of all who were named in `heads` or spoke."""
        await self.flush(tx)
        conversations = [(*pair, at) for pair, at in self._first.items()]
        await tx.copy_records_to_table("conversations", records=conversations, columns=CONVERSATIONS)
        streams = [(user_id, head, self._last.get(user_id)) for user_id, head in self.heads.items()]
        await tx.copy_records_to_table("user_streams", records=streams, columns=STREAMS)

    def _move(self, user_id: UUID) -> int:
        position = self.heads[user_id] = self.heads.get(user_id, 0) + 1
        return position


def uuid7(at: datetime) -> UUID:
    """An id that sorts by time, so that indexes grow at their end."""
    milliseconds = int(at.timestamp() * 1000)
    chance = dice.getrandbits(74)
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    )


async def make_partitions(tx: Tx, since: datetime, until: datetime) -> None:
    """The weeks of the streams in which something of the past is about to be written."""
    moment = since
    while moment < until + timedelta(days=7):
        await tx.execute("select make_stream_partition($1)", moment)
        moment += timedelta(days=7)


async def database_time(tx: Tx) -> datetime:
    now = await tx.fetchval("select now()")
    if not isinstance(now, datetime):
        raise asyncpg.InterfaceError("the database does not tell the time")
    return now
