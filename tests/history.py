"""What people saw while things went wrong, and whether every promise was kept.

A `History` is written while a test runs; when all is quiet, `check` holds it against the database and names each
broken promise in a sentence:

- nothing that was answered `ok` is lost, and nothing is stored or told twice;
- positions are dense, in the database and on every device, and every device was told everything;
- there is one order, that of `created_at`, and on one connection it is the order of sending;
- what is told unread is what is unread."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
from coachwire_protocol.times import wire_time

RETRIABLE = {
    "unavailable",
    "overloaded",
    "internal",
    "rate_limited",
}  # after these an id may have been stored


class Told(NamedTuple):
    """What a device was told for its positions from `position` through `through`."""

    position: int
    through: int
    kind: str  # of the event, or "skipped"
    ids: frozenset[str] | None = (
        None  # of its messages; None when an `ok` stood for it that does not name them
    )
    created_at: str | None = None  # of `message.created`
    content: str | None = None  # likewise; None also where an `ok` stood for it


@dataclass
class DeviceLog:
    """A device from a fresh start on. One that starts anew gets a new log, and the former is `ended`."""

    name: str
    user_id: str
    start: int  # it is told everything after this position
    told: list[Told] = field(default_factory=list)
    unread: int | None = None  # the last count it heard
    ended: bool = False

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


@dataclass
class History:
    devices: list[DeviceLog] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    read: set[str] = field(default_factory=set)  # messages whose reading was answered `ok`
    deleted: set[str] = field(default_factory=set)  # likewise

    def answers(self, code: str) -> list[Answer]:
        return [answer for sending in self.sendings for answer in sending.answers if answer.code == code]


class Stored(NamedTuple):
    sender_id: str
    recipient_id: str
    content: str
    created_at: str
    read: bool
    deleted: bool


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

    def unread(self, user_id: str) -> int:
        return sum(m.recipient_id == user_id and not m.read and not m.deleted for m in self.messages.values())


async def check(history: History, dsn: str) -> list[str]:
    """The broken promises. To be called when every request is answered and every device has had time to catch up."""
    return judge(history, await read_truth(dsn))


def judge(history: History, truth: Truth) -> list[str]:
    """The same, against what the database was found to hold."""
    return [
        *_check_streams(truth),
        *_check_answers(history, truth),
        *_check_order_of_sending(history),
        *(broken for device in history.devices for broken in _check_device(device, truth)),
    ]


async def read_truth(dsn: str) -> Truth:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            messages = await connection.fetch(
                "select id::text, sender_id::text, recipient_id::text, content, created_at,"
                " read_at is not null, deleted_at is not null from messages"
            )
            heads = await connection.fetch("select user_id::text, position from user_streams")
            rows = await connection.fetch(
                "select user_id::text, position, kind::text, subject_ids::text[] from stream_events order by 1, 2"
            )
    finally:
        await connection.close()
    streams = defaultdict(list)
    for user_id, position, kind, ids in rows:
        streams[user_id].append(Row(position, kind, frozenset(ids)))
    return Truth(
        {
            id_: Stored(sender, recipient, content, wire_time(created_at), read, deleted)
            for id_, sender, recipient, content, created_at, read, deleted in messages
        },
        {row["user_id"]: row["position"] for row in heads},
        dict(streams),
    )


def _check_streams(truth: Truth) -> Iterator[str]:
    """Each stream is dense, and holds each thing that happened to each of its messages once, in one order."""
    happened = {
        "message.created": set(truth.messages),
        "message.read": {id_ for id_, message in truth.messages.items() if message.read},
        "message.deleted": {id_ for id_, message in truth.messages.items() if message.deleted},
    }
    parties = {user for m in truth.messages.values() for user in (m.sender_id, m.recipient_id)}
    for user_id in parties | truth.heads.keys() | truth.streams.keys():
        stream = truth.streams.get(user_id, [])
        positions = [row.position for row in stream]
        if positions != list(range(1, truth.heads.get(user_id, 0) + 1)):
            yield f"stream {user_id}: positions {_ranges(positions)} with head {truth.heads.get(user_id)}"
        for kind, ids in happened.items():
            own = Counter(
                id_
                for id_ in ids
                if user_id in (truth.messages[id_].sender_id, truth.messages[id_].recipient_id)
            )
            there = Counter(id_ for row in stream if row.kind == kind for id_ in row.ids)
            for id_ in own - there:
                yield f"stream {user_id}: no {kind} of {id_}"
            for id_ in there - own:
                yield f"stream {user_id}: {kind} of {id_} too often, or without cause"
        created = [
            truth.messages[id_].created_at
            for row in stream
            if row.kind == "message.created"
            for id_ in row.ids
            if id_ in truth.messages
        ]
        if not _rises(created):
            yield f"stream {user_id}: created_at does not rise with position"


def _check_answers(history: History, truth: Truth) -> Iterator[str]:
    """What was answered is so."""
    maybe_stored = set()
    for sending in history.sendings:
        stored = truth.messages.get(sending.id)
        oks = [answer for answer in sending.answers if answer.code == "ok"]
        if oks or not sending.answers or any(a.code in RETRIABLE for a in sending.answers):
            maybe_stored.add((sending.id, sending.sender_id, sending.recipient_id, sending.content))
        if oks and stored is None:
            yield f"lost: {sending.id} was answered ok"
        elif oks and stored is not None:
            if (stored.sender_id, stored.content) != (sending.sender_id, sending.content):
                yield f"lost: {sending.id} was answered ok, and something else is stored"
            if {ok.created_at for ok in oks} != {stored.created_at}:
                yield f"ok with another createdAt than is stored: {sending.id}"
    first = Counter(s.id for s in history.sendings for a in s.answers if a.code == "ok" and not a.duplicate)
    for id_ in (id_ for id_, times in first.items() if times > 1):
        yield f"twice: {id_} was answered ok as new {first[id_]} times"
    for id_, message in truth.messages.items():
        if (id_, message.sender_id, message.recipient_id, message.content) not in maybe_stored:
            yield f"stored, though nobody sent it or all was refused: {id_}"
    for id_ in history.read:
        marked = truth.messages.get(id_)
        if marked is None or not (
            marked.read or marked.deleted
        ):  # a message taken back is not marked any more
            yield f"lost: the receipt of {id_} was answered ok"
    for id_ in history.deleted:
        if id_ not in truth.messages or not truth.messages[id_].deleted:
            yield f"lost: the deletion of {id_} was answered ok"


def _check_order_of_sending(history: History) -> Iterator[str]:
    connections: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for sending in history.sendings:
        for answer in sending.answers:
            if answer.created_at is not None and not answer.duplicate:
                connections[answer.turn[0]].append((answer.turn[1], answer.created_at))
    for connection, turns in connections.items():
        if not _rises(created_at for _, created_at in sorted(turns)):
            yield f"connection {connection}: created_at does not rise in the order of sending"


def _check_device(device: DeviceLog, truth: Truth) -> Iterator[str]:
    """It was told what is in its user's stream, everything, once, in order."""
    rows = {row.position: row for row in truth.streams.get(device.user_id, ())}
    position = device.start
    for told in device.told:
        if told.position != position + 1:
            yield f"{device.name}: position {told.position} after {position}"
        position = told.through
        if told.kind == "skipped":
            withheld = [
                p for p in range(told.position, told.through + 1) if p in rows and rows[p].kind != "skipped"
            ]
            if withheld:
                yield f"{device.name}: positions {_ranges(withheld)} were skipped, and are events"
            continue
        row = rows.get(told.position)
        if row is None or row.kind != told.kind or (told.ids is not None and told.ids != row.ids):
            yield f"{device.name}: told {told.kind} at {told.position}, where the stream has {row}"
        elif told.kind == "message.created":
            yield from _check_message(device, told, truth)
    if not _rises(told.created_at for told in device.told if told.created_at is not None):
        yield f"{device.name}: createdAt does not rise in the order of telling"
    if device.ended:
        return
    head = truth.heads.get(device.user_id, 0)
    if device.position != head:
        yield f"{device.name}: told up to {device.position} of {head}"
    if device.unread is not None and device.unread != truth.unread(device.user_id):
        yield f"{device.name}: told {device.unread} unread of {truth.unread(device.user_id)}"


def _check_message(device: DeviceLog, told: Told, truth: Truth) -> Iterator[str]:
    for id_ in told.ids or ():
        stored = truth.messages.get(id_)
        if stored is None:
            yield f"{device.name}: told of {id_}, which is not stored"
        elif told.created_at != stored.created_at:
            yield f"{device.name}: told another createdAt of {id_} than is stored"
        elif told.content not in (None, stored.content):
            yield f"{device.name}: told another content of {id_} than is stored"


def _rises(values: Iterable[str]) -> bool:
    former = ""
    for value in values:
        if value <= former:
            return False
        former = value
    return True


def _ranges(positions: list[int]) -> str:
    """`1-3 5`, for people."""
    parts: list[list[int]] = []
    for position in positions:
        if parts and position == parts[-1][1] + 1:
            parts[-1][1] = position
        else:
            parts.append([position, position])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts) or "none"
