"""Read receipts: by ids or by conversation, set-wise, told once per reader, sender and statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Forbidden, NotFound, ProtocolError
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.receipts import MarkedRead, MessageRead, ReadMessages
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import UNSET

from coachwire.database import Query
from coachwire.operation import Again, Call, Delivery, Outcome, Result, Scope, batched
from coachwire.operations.messages import SEE
from coachwire.shown import membership, optional_id

BATCH = 128  # requests a statement
STEP = 1_000  # messages a transaction; a crash between two leaves a correct prefix, a retry does the rest


class Verdict(NamedTuple):
    code: str


class Unread(NamedTuple):
    code: str
    ids: list[UUID]


class UnreadInThread(NamedTuple):
    code: str
    ids: list[UUID]
    seen_at: datetime | None  # of the message through which staff have seen it by that, and its id
    seen_id: UUID | None


class Marked(NamedTuple):
    """An event in one stream; `user_id` is null for ids whose thread is being deleted, or whose reader has left,
    at this moment."""

    user_id: UUID | None
    position: int
    reader_id: UUID
    reader_membership_id: UUID | None
    sender_membership_id: UUID | None
    organization_id: UUID
    workout_assignment_id: UUID | None
    ids: list[UUID]
    at: datetime
    belongs: bool  # the user of the stream, to the organization, still


RESOLVE = Query("receipts/resolve", Verdict)
UNREAD = Query("receipts/unread", Unread)
UNREAD_THREAD = Query("receipts/unread_thread", UnreadInThread)
MARK = Query("receipts/mark", Marked)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a call has marked in its former steps."""

    count: int = 0
    read_at: str | None = None


@dataclass(slots=True)
class _Reading:
    """A call and what it wants marked in this step."""

    place: int  # in the order of arrival
    call: Call[ReadMessages]
    refusal: ProtocolError | None = None
    ids: Sequence[str] = ()
    unfinished: bool = False  # there is more than this step takes
    events: list[Marked] = field(default_factory=list)  # to be delivered with this call's result
    marked: int = 0
    read_at: str | None = None
    made: set[int] = field(
        default_factory=set
    )  # positions of own events with ids that this call was first to name


@batched(ReadMessages, most=BATCH)
async def read_messages(scope: Scope, calls: Sequence[Call[ReadMessages]]) -> list[Result]:
    """Mark what is unread and addressed to the caller. A request with an id that is not, marks nothing."""
    readings = [_Reading(place, call) for place, call in enumerate(calls)]
    await _resolve_ids(scope, [r for r in readings if r.call.request.message_ids is not UNSET])
    parties = [(r, r.call.request.conversation) for r in readings]
    direct = [r for r, party in parties if party and party.membership_id is not None]
    threads = [r for r, party in parties if party and party.workout_assignment_id is not None]
    most = STEP // max(1, len(direct) + len(threads))
    await _resolve_conversations(scope, direct, most)
    seen = await _resolve_threads(scope, threads, most)
    _keep_to_step(readings)
    readers = {
        message_id: r.call.actor.user_id for r in readings if r.refusal is None for message_id in r.ids
    }
    if readers:
        _assign(readings, await MARK.rows(scope.tx, list(readers), list(readers.values())))
    await _move_marks(scope, threads, seen)
    return [_result(reading) for reading in readings]


async def _resolve_ids(scope: Scope, readings: Sequence[_Reading]) -> None:
    asked = [(r, message_id) for r in readings for message_id in r.call.request.message_ids or ()]
    if not asked:
        return
    verdicts = await RESOLVE.rows(
        scope.tx,
        [r.call.actor.user_id for r, _ in asked],
        [r.call.request.organization_id for r, _ in asked],
        [message_id for _, message_id in asked],
    )
    for (reading, _), verdict in zip(asked, verdicts, strict=True):
        if verdict.code == "not_found":
            reading.refusal = NotFound()
        elif verdict.code == "forbidden" and reading.refusal is None:
            reading.refusal = Forbidden()
    for reading in readings:
        reading.ids = tuple(dict.fromkeys(reading.call.request.message_ids or ()))


async def _resolve_conversations(scope: Scope, readings: Sequence[_Reading], most: int) -> None:
    if not readings:
        return
    requests = [r.call.request for r in readings]
    found = await UNREAD.rows(
        scope.tx,
        [r.call.actor.user_id for r in readings],
        [request.organization_id for request in requests],
        [request.conversation.membership_id if request.conversation else None for request in requests],
        [request.up_to or None for request in requests],
        most,
    )
    for reading, unread in zip(readings, found, strict=True):
        _take(reading, unread, most)


async def _resolve_threads(scope: Scope, readings: Sequence[_Reading], most: int) -> list[UnreadInThread]:
    if not readings:
        return []
    requests = [r.call.request for r in readings]
    found = await UNREAD_THREAD.rows(
        scope.tx,
        [r.call.actor.user_id for r in readings],
        [request.organization_id for request in requests],
        [
            request.conversation.workout_assignment_id if request.conversation else None
            for request in requests
        ],
        [request.up_to or None for request in requests],
        most,
    )
    for reading, unread in zip(readings, found, strict=True):
        _take(reading, unread, most)
    return found


def _take(reading: _Reading, unread: Unread | UnreadInThread, most: int) -> None:
    if unread.code == "known":
        reading.ids = [str(message_id) for message_id in unread.ids]
        reading.unfinished = len(reading.ids) == most
    else:
        reading.refusal = Forbidden() if unread.code == "forbidden" else NotFound()


async def _move_marks(scope: Scope, readings: Sequence[_Reading], seen: Sequence[UnreadInThread]) -> None:
    """Staff who open a thread have seen it, whoever is addressed. A statement of its own: what it leaves undone when it
    fails, the retry does."""
    moves = [
        (reading.call, row)
        for reading, row in zip(readings, seen, strict=True)
        if reading.refusal is None and row.seen_at is not None
    ]
    if moves:
        users = [call.actor.user_id for call, _ in moves]
        threads = [
            call.request.conversation.workout_assignment_id if call.request.conversation else None
            for call, _ in moves
        ]
        await SEE.run(
            scope.tx,
            users,
            threads,
            [row.seen_at for _, row in moves],
            [row.seen_id for _, row in moves],
            users,
        )


def _keep_to_step(readings: Sequence[_Reading]) -> None:
    """What goes beyond the step comes round again, in order of arrival."""
    room = STEP
    for reading in readings:
        if reading.refusal is not None:
            continue
        if len(reading.ids) > room:
            reading.ids, reading.unfinished = (), True
            room = 0
        room -= len(reading.ids)


def _assign(readings: Sequence[_Reading], rows: Sequence[Marked]) -> None:
    """A marked id counts for the first call that named it; an event goes with the last call that has part in it."""
    first: dict[str, _Reading] = {}
    last: dict[str, _Reading] = {}
    for reading in readings:
        for message_id in reading.ids if reading.refusal is None else ():
            first.setdefault(message_id, reading)
            last[message_id] = reading
    for row in rows:
        ids = [str(message_id) for message_id in row.ids]
        if row.user_id is None:
            for message_id in ids:
                last[message_id].unfinished = True
            continue
        max((last[message_id] for message_id in ids), key=lambda r: r.place).events.append(row)
        if row.user_id == row.reader_id:
            for namer in (first[message_id] for message_id in ids):
                namer.marked += 1
                namer.made.add(row.position)
                namer.read_at = wire_time(row.at)


def _result(reading: _Reading) -> Result:
    if reading.refusal is not None:
        return reading.refusal
    request, before = reading.call.request, reading.call.carry or Progress()
    deliveries = tuple(delivery for row in reading.events for delivery in _deliveries(row))
    progress = Progress(before.count + reading.marked, reading.read_at or before.read_at)
    if reading.unfinished:
        return Again(deliveries=deliveries, carry=progress if reading.marked or not reading.ids else None)
    own = [row.position for row in reading.events if row.user_id == row.reader_id]
    alone = request.message_ids is not UNSET and reading.call.carry is None and len(reading.made) == 1
    return Outcome(
        data=MarkedRead(marked_count=progress.count, read_at=progress.read_at or UNSET),
        deliveries=deliveries,
        position=own[0] if alone and own and own[0] in reading.made else None,
    )


def _deliveries(row: Marked) -> tuple[Delivery, ...]:
    data = MessageRead(
        reader_membership_id=membership(row.reader_membership_id),
        sender_membership_id=membership(row.sender_membership_id),
        workout_assignment_id=optional_id(row.workout_assignment_id),
        message_ids=tuple(map(str, row.ids)),
        read_at=wire_time(row.at),
    )
    event = Event(EventKind.MESSAGE_READ, str(row.organization_id), encode(data))
    return (Delivery(str(row.user_id), row.position, event if row.belongs else None),)
