"""The users' streams in the database: may a client resume, what did it miss, where are the heads.

Positions are dense and given in the transaction that makes the event, so `position + 1` is always what comes next.
Rows are references: the events are made from their subjects as they are when they are read. What is about messages,
memberships and assignments is read here; whoever writes events of another kind enters who reads them, in `LOADERS`."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeAlias
from uuid import UUID

from coachwire_protocol.frames import Event, encode, skipped_frame
from coachwire_protocol.memberships import (
    AssignmentPublished,
    AssignmentRemoved,
    MembershipChanged,
    MembershipEnded,
    Role,
    Status,
)
from coachwire_protocol.messages import MessageDeleted, MessageErased
from coachwire_protocol.receipts import HistoryTrimmed, MessageRead
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from coachwire_protocol.topics import ResetReason, Resume
from msgspec import Struct

from coachwire.blobs.links import Links
from coachwire.database import Database, Query, Tx
from coachwire.shown import MessageRow, membership, optional_id, show
from coachwire.streams.unreadable import Unreadable

PAGE = 256  # events
THROUGH_ALL = 2**62  # to the end of a stream, wherever that is
MOST_MISSING = 5_000  # positions; a client that misses more loads its state anew
# Statuses that have not ended, whatever else a platform has.
STANDING = ("active", "invited", "pending_invitation")


class EventRow(NamedTuple):
    user_id: UUID
    position: int
    kind: str
    organization_id: UUID | None
    subject_ids: list[UUID]
    at: datetime
    before: str | None  # of a trimmed history, as the wire tells it
    visible: bool
    sender_membership_id: UUID | None
    recipient_membership_id: UUID | None
    workout_assignment_id: UUID | None
    role: Role | None  # of the membership that the event is about, and below: null when it is gone
    status: Status | None
    published: bool  # the assignment that the event is about


class JoinedRow(NamedTuple):
    """An event and its message, whose columns are all null when it is gone."""

    event: EventRow
    message: MessageRow

    @classmethod
    def of(cls, *columns: object) -> "JoinedRow":
        width = len(EventRow._fields)
        return cls(EventRow._make(columns[:width]), MessageRow._make(columns[width:]))


class Head(NamedTuple):
    epoch: str
    position: int


class Heads(NamedTuple):
    epoch: str
    gone_user_ids: list[UUID]  # deleted, or not there at all
    user_ids: list[UUID]
    positions: list[int]
    replaced_user_ids: list[UUID]
    replaced_devices: list[UUID]
    replaced_sessions: list[int]
    signed_out_user_ids: list[UUID]
    signed_out_devices: list[UUID]
    signed_out_sessions: list[int]
    topics: list[str]
    topic_positions: list[int]


class Kept(NamedTuple):
    rows: int


class Frame(NamedTuple):
    """What a client is told for the positions from `position` through `through`."""

    position: int
    through: int
    frame: bytes


Span = tuple[str, int, int]  # user or topic, after this position, through that one
Load: TypeAlias = Callable[[Tx, Links, Sequence[EventRow]], Awaitable[Sequence[Struct | None]]]
Loaded: TypeAlias = Mapping[tuple[UUID, int], Struct]  # by user and position

LOADERS: dict[str, Load] = {}

EVENTS = Query("streams/events", JoinedRow.of)
KEPT = Query("streams/kept", Kept)
HEAD = Query("streams/head", Head)
HEADS = Query("streams/heads", Heads)


def loads_for_user(*kinds: EventKind) -> Callable[[Load], Load]:
    """Enter a function as what reads events of these kinds: the data of each row for its user, in order, as it is now;
    None for what is not told any more. It is given only what the user may be told by their membership."""

    def enter(load: Load) -> Load:
        LOADERS.update(dict.fromkeys(map(str, kinds), load))
        return load

    return enter


class Streams:
    """Reads streams, always from the primary. Every method may raise `Unavailable`."""

    def __init__(self, database: Database, links: Links) -> None:
        self._database = database
        self._links = links
        self._unreadable = Unreadable()

    async def reason_to_reset(self, user_id: str, resume: Resume, head: Head) -> ResetReason | None:
        """Why the client must start anew; None when all that it missed can be replayed."""

        async def kept() -> int:
            async with self._database.connection() as tx:
                return (await KEPT.one(tx, user_id, resume.position, head.position)).rows

        reason = await reason_to_reset(resume, head, kept)
        return reason or ("too_old" if self._unreadable.follows(user_id, resume.position) else None)

    async def read(self, spans: Sequence[Span]) -> dict[str, list[Frame]]:
        """The beginnings of these spans, at most a page each, in order and without gaps. What is not told (any more) is
        vouched for as skipped. A user for whom nothing is there, or whose next event cannot be shown, is left out."""
        return await self._unreadable.read(spans, self._pages)

    async def _pages(self, spans: Sequence[Span]) -> dict[str, list[Frame]]:
        users, after, through = zip(*spans, strict=True)
        async with self._database.connection() as tx:
            rows = await EVENTS.rows(tx, users, after, through, PAGE)
            loaded = await _loaded(tx, self._links, [row.event for row in rows if row.event.visible])
        pages = {
            str(user_id): frames_of(page, self._links, loaded)
            for user_id, page in groupby(rows, lambda row: row.event.user_id)
        }
        return {user: pages[user] for user in users if user in pages}

    async def head(self, user_id: str) -> Head | None:
        """Where a user's stream is. None: no such user, or deleted."""
        async with self._database.connection() as tx:
            return await HEAD.first(tx, user_id)

    async def heads(
        self, user_ids: list[str], devices: Iterable[tuple[str, str, int]], topics: list[str]
    ) -> Heads:
        """Where these users' and topics' streams are, and which of these devices (user, device, session) have a newer
        session, or have signed out."""
        columns = list(zip(*devices, strict=True)) or [(), (), ()]
        async with self._database.connection() as tx:
            return await HEADS.one(tx, user_ids, *columns, topics)


async def reason_to_reset(
    resume: Resume, head: Head, kept: Callable[[], Awaitable[int]]
) -> ResetReason | None:
    """Why what was missed of a stream cannot be replayed; `kept` counts the rows of it that are still there."""
    if resume.epoch != head.epoch:
        return "epoch"
    missing = head.position - resume.position
    if missing < 0:
        return "ahead"
    if missing > MOST_MISSING:
        return "too_many"
    return "too_old" if missing and await kept() < missing else None


def frames_of(rows: Iterable[JoinedRow], links: Links, loaded: Loaded) -> list[Frame]:
    """Frames of rows in order."""
    return fold((row.event.position, _event(row, links, loaded)) for row in rows)


def fold(told: Iterable[tuple[int, Event | None]], topic: str | None = None) -> list[Frame]:
    """Frames for consecutive positions; neighbours that are not told fold into one range."""
    ranges: list[tuple[int, int, Event | None]] = []
    for position, event in told:
        if event is None and ranges and ranges[-1][2] is None:
            ranges[-1] = (ranges[-1][0], position, None)
        else:
            ranges.append((position, position, event))
    return [
        Frame(first, last, event.frame(first) if event else skipped_frame(first, last, topic))
        for first, last, event in ranges
    ]


async def _loaded(tx: Tx, links: Links, rows: Sequence[EventRow]) -> Loaded:
    """What those who are entered say of these rows."""
    groups: dict[Load, list[EventRow]] = defaultdict(list)
    for row in rows:
        if (load := LOADERS.get(row.kind)) is not None:
            groups[load].append(row)
    return {
        (row.user_id, row.position): data
        for load, group in groups.items()
        for row, data in zip(group, await load(tx, links, group), strict=True)
        if data is not None
    }


def _event(row: JoinedRow, links: Links, loaded: Loaded) -> Event | None:
    """The event as it is told now; None when it is not: the organization was left, the subject is gone."""
    event = row.event
    if event.organization_id is None:
        return None
    organization_id = str(event.organization_id)
    if event.kind in (EventKind.MEMBERSHIP_CHANGED, EventKind.MEMBERSHIP_ENDED):
        return _membership(event, organization_id)  # also, and above all, to whoever has left
    if not event.visible:
        return None
    match event.kind:
        case EventKind.MESSAGE_CREATED | EventKind.MESSAGE_EDITED:
            if row.message.id is None:
                return None
            return Event(event.kind, organization_id, encode(show(row.message, links)))
        case EventKind.MESSAGE_DELETED:
            deleted = MessageDeleted(
                id=str(event.subject_ids[0]),
                sender_membership_id=membership(event.sender_membership_id),
                workout_assignment_id=optional_id(event.workout_assignment_id),
                deleted_at=wire_time(event.at),
            )
            return Event(event.kind, organization_id, encode(deleted))
        case EventKind.MESSAGE_ERASED:
            erased = MessageErased(
                sender_membership_id=membership(event.sender_membership_id),
                message_ids=tuple(map(str, event.subject_ids)),
            )
            return Event(event.kind, organization_id, encode(erased))
        case EventKind.HISTORY_TRIMMED if event.before is not None:
            return Event(event.kind, organization_id, encode(HistoryTrimmed(before=event.before)))
        case EventKind.MESSAGE_READ:
            read = MessageRead(
                reader_membership_id=membership(event.recipient_membership_id),
                sender_membership_id=membership(event.sender_membership_id),
                workout_assignment_id=optional_id(event.workout_assignment_id),
                message_ids=tuple(map(str, event.subject_ids)),
                read_at=wire_time(event.at),
            )
            return Event(event.kind, organization_id, encode(read))
        case EventKind.ASSIGNMENT_PUBLISHED | EventKind.ASSIGNMENT_REMOVED:
            id_ = str(event.subject_ids[0])
            if event.published:
                published = AssignmentPublished(workout_assignment_id=id_)
                return Event(EventKind.ASSIGNMENT_PUBLISHED, organization_id, encode(published))
            removed = AssignmentRemoved(workout_assignment_id=id_)
            return Event(EventKind.ASSIGNMENT_REMOVED, organization_id, encode(removed))
        case _:
            data = loaded.get((event.user_id, event.position))
            return None if data is None else Event(event.kind, organization_id, data)


def _membership(event: EventRow, organization_id: str) -> Event:
    """How the user stands in the organization now; which change made the event does not matter."""
    id_ = str(event.subject_ids[0])
    if event.role is None or event.status not in STANDING:
        return Event(EventKind.MEMBERSHIP_ENDED, organization_id, encode(MembershipEnded(membership_id=id_)))
    changed = MembershipChanged(
        membership_id=id_, role=event.role, status=event.status, reload=event.status == "active"
    )
    return Event(EventKind.MEMBERSHIP_CHANGED, organization_id, encode(changed))
