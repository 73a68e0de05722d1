"""What people saw while things went wrong, and what the database holds afterwards: the ground for `tests.judge`."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
from coachwire_protocol.times import wire_time

WATCH = """
create table receipt_changes (id uuid not null);
create function note_receipt_change() returns trigger language plpgsql as
  $$ begin insert into receipt_changes values (old.id); return null; end $$;
create trigger receipt_changed after update of read_at on messages for each row
  when (old.read_at is not null and new.read_at is distinct from old.read_at)
  execute function note_receipt_change();
"""


class Told(NamedTuple):
    """What a device was told for its positions from `position` through `through`."""

    position: int
    through: int
    kind: str  # of the event, or "skipped"
    ids: frozenset[str] | None = (
        None  # of its messages; None when an `ok` that does not name them stood for it
    )
    created_at: str | None = None  # of `message.created`
    content: str | None = None  # likewise; None also where an `ok` stood for it
    at: float = 0.0  # when
    read_at: str | None = None  # of `message.created` and `message.read`


@dataclass
class DeviceLog:
    """A device from a fresh start on. One that starts anew gets a new log, and the former is `ended`."""

    name: str
    user_id: str
    start: int  # it is told everything after this position
    told: list[Told] = field(default_factory=list)
    unread: int | None = None  # the last count it heard
    ended: bool = False
    seen: dict[str, float] = field(default_factory=dict)  # every id in any frame, and when it came first
    canaries: dict[str, float] = field(default_factory=dict)  # likewise the canary words of bodies

    @property
    def position(self) -> int:
        return self.told[-1].through if self.told else self.start


class Answer(NamedTuple):
    code: str  # "ok", or the error's
    at: float  # when it came
    after: float  # s since it was (last) asked
    created_at: str | None = None
    duplicate: bool = False
    turn: tuple[str, int] = ("", 0)  # which connection, and the how manieth request there


@dataclass
class Sending:
    """A message that somebody tried to send, as often as it took. Others may have tried the same id."""

    id: str
    sender_id: str
    recipient_id: str
    content: str
    answers: list[Answer] = field(default_factory=list)
    asked: int = 0  # times; what was asked on a connection that was cut may still take effect


@dataclass
class Connection:
    """One socket of a device, from its hello on."""

    device: str
    url: str
    opened: float
    live: float | None = None
    closed: float | None = None
    code: int | None = None
    draining: bool = False  # it was told so
    left: bool = False  # we cut it ourselves


class Jump(NamedTuple):
    """A device saw `position` after `after`, closed with 4003 and resumed."""

    device: str
    user_id: str
    at: float
    after: int
    position: int


class Heard(NamedTuple):
    """A frame of an organization that has no position."""

    device: str
    user_id: str
    at: float
    what: str
    organization_id: str


class Count(NamedTuple):
    """What a snapshot said was unread, with the stream's position in the same snapshot."""

    user_id: str
    source: str
    position: int
    unread: int


class Fault(NamedTuple):
    kind: str
    target: str
    began: float
    ended: float


class Drain(NamedTuple):
    """An instance was told to stop."""

    url: str
    at: float
    exited: float
    exit_code: int | None


@dataclass
class Suspension:
    """Somebody's access, ended and given back by the platform's SQL."""

    user_id: str
    organization_id: str
    begun: float  # before the statement
    committed: float
    reinstating: float | None = None  # before the statement that gave it back
    reinstated: float | None = None


@dataclass
class Watched:
    """What a device was told of a topic after `start`, by position: kind and message."""

    start: int
    told: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class History:
    devices: list[DeviceLog] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    read: set[str] = field(default_factory=set)  # messages whose reading was answered `ok`
    deleted: set[str] = field(default_factory=set)  # likewise
    organizations: dict[str, set[str]] = field(
        default_factory=dict
    )  # by canary word: all ids that belong to it
    homes: dict[str, str] = field(default_factory=dict)  # by user: the word of the organization
    connections: list[Connection] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    histories: dict[str, set[str]] = field(
        default_factory=dict
    )  # by user: ids in the conversations they can read
    staff: set[str] = field(default_factory=set)  # users
    watched: dict[tuple[str, str], Watched] = field(default_factory=dict)  # by device and topic
    began: float = 0.0  # the clock at the start; sentences count from it
    healed: float | None = None  # when the last fault was over and nobody wrote any more
    converged: float | None = None  # when everybody had been told everything
    ourselves_late: list[tuple[float, float]] = field(default_factory=list)  # when, and by how many s

    def answers(self, code: str) -> list[Answer]:
        return [answer for sending in self.sendings for answer in sending.answers if answer.code == code]


class Stored(NamedTuple):
    sender_id: str
    recipient_id: str
    content: str
    created_at: str
    read_at: str | None
    deleted: bool
    in_thread: bool = False

    @property
    def read(self) -> bool:
        return self.read_at is not None

    @property
    def parties(self) -> tuple[str, str]:
        return self.sender_id, self.recipient_id


class Row(NamedTuple):
    """An event in a user's stream."""

    position: int
    kind: str
    ids: frozenset[str]


@dataclass(frozen=True)
class Truth:
    """What is in the database."""

    messages: dict[str, Stored]
    heads: dict[str, int]
    streams: dict[str, list[Row]]  # by position
    reread: tuple[str, ...] = ()  # messages whose read_at was changed once it was set; see `watch_receipts`
    topics: dict[str, list[tuple[int, str, str]]] = field(
        default_factory=dict
    )  # by topic: position, kind, message

    def unread(self, user_id: str) -> int:
        return sum(m.recipient_id == user_id and not m.read and not m.deleted for m in self.messages.values())


async def read_truth(dsn: str) -> Truth:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            messages = await connection.fetch(
                "select id::text, sender_id::text, recipient_id::text, content, created_at,"
                " read_at, deleted_at is not null, workout_assignment_id is not null from messages"
            )
            heads = await connection.fetch("select user_id::text, position from user_streams")
            rows = await connection.fetch(
                "select user_id::text, position, kind::text, subject_ids::text[] from stream_events order by 1, 2"
            )
            events = await connection.fetch(
                "select topic, position, kind::text, subject_ids[1]::text from topic_events order by 1, 2"
            )
            watched = await connection.fetchval("select to_regclass('receipt_changes') is not null")
            changes = await connection.fetch("select id::text from receipt_changes") if watched else []
    finally:
        await connection.close()
    streams = defaultdict(list)
    for user_id, position, kind, ids in rows:
        streams[user_id].append(Row(position, kind, frozenset(ids)))
    topics = defaultdict(list)
    for topic, *event in events:
        topics[topic].append(tuple(event))
    return Truth(
        {
            id_: Stored(
                sender,
                recipient,
                content,
                wire_time(created_at),
                wire_time(read_at) if read_at else None,
                deleted,
                in_thread,
            )
            for id_, sender, recipient, content, created_at, read_at, deleted, in_thread in messages
        },
        {row["user_id"]: row["position"] for row in heads},
        dict(streams),
        tuple(row["id"] for row in changes),
        dict(topics),
    )


async def watch_receipts(dsn: str) -> None:
    """From now on the database notes each message whose `read_at` is changed after it was set."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(WATCH)
    finally:
        await connection.close()
