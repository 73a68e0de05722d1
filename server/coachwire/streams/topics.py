"""The topics' streams in the database: as the users' ones, but one for all who watch.

What a row is about is read by its kind, through `LOADERS`: whoever writes events of a kind enters who reads them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeAlias
from uuid import UUID

from coachwire_protocol.frames import Event
from coachwire_protocol.schema import EventKind
from coachwire_protocol.topics import ResetReason, Resume
from msgspec import Struct

from coachwire.blobs.links import Links
from coachwire.database import Database, Query, Tx
from coachwire.streams import PAGE, Frame, Head, Kept, Span, fold, reason_to_reset
from coachwire.streams.unreadable import Unreadable


class TopicRow(NamedTuple):
    """An event of a topic: a reference to what it is about."""

    topic: str
    position: int
    kind: str
    organization_id: UUID
    subject_ids: list[UUID]
    at: datetime


Load: TypeAlias = Callable[[Tx, Links, Sequence[TopicRow]], Awaitable[Sequence[Struct | None]]]

LOADERS: dict[str, Load] = {}

HEADS = Query("topics/heads", Head)
KEPT = Query("topics/kept", Kept)
EVENTS = Query("topics/events", TopicRow)


def loads_for_topic(*kinds: EventKind) -> Callable[[Load], Load]:
    """Enter a function as what reads events of these kinds: the data of each row, in order, as it is now; None for what
    is not told any more. What it returns is shown to everybody who may have the topic open."""

    def enter(load: Load) -> Load:
        LOADERS.update(dict.fromkeys(map(str, kinds), load))
        return load

    return enter


class TopicStreams:
    """Reads topics, always from the primary. Every method may raise `Unavailable`."""

    def __init__(self, database: Database, links: Links) -> None:
        self._database = database
        self._links = links
        self._unreadable = Unreadable()

    async def heads(self, topics: Sequence[str]) -> list[Head]:
        """Where these topics are, in order."""
        async with self._database.connection() as tx:
            return await HEADS.rows(tx, topics)

    async def reason_to_reset(self, topic: str, resume: Resume, head: Head) -> ResetReason | None:
        """Why the client must load the topic anew; None when all that it missed can be replayed."""

        async def kept() -> int:
            async with self._database.connection() as tx:
                return (await KEPT.one(tx, topic, resume.position, head.position)).rows

        reason = await reason_to_reset(resume, head, kept)
        return reason or ("too_old" if self._unreadable.follows(topic, resume.position) else None)

    async def read(self, spans: Sequence[Span]) -> dict[str, list[Frame]]:
        """The beginnings of these spans, at most a page each, in order and without gaps; a topic for which nothing is
        there, or whose next event cannot be shown, is left out."""
        return await self._unreadable.read(spans, self._pages)

    async def _pages(self, spans: Sequence[Span]) -> dict[str, list[Frame]]:
        topics, after, through = zip(*spans, strict=True)
        async with self._database.connection() as tx:
            rows = await EVENTS.rows(tx, topics, after, through, PAGE)
            events = await _events(tx, self._links, rows)
        told = zip(rows, events, strict=True)
        return {
            topic: fold(((row.position, event) for row, event in page), topic)
            for topic, page in groupby(told, lambda one: one[0].topic)
        }


async def _events(tx: Tx, links: Links, rows: Sequence[TopicRow]) -> list[Event | None]:
    """What these rows tell now, in order."""
    loaders: dict[Load, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if (load := LOADERS.get(row.kind)) is not None:
            loaders[load].append(place)
    events: list[Event | None] = [None] * len(rows)
    for load, places in loaders.items():
        for place, data in zip(places, await load(tx, links, [rows[place] for place in places]), strict=True):
            row = rows[place]
            if data is not None:
                events[place] = Event(row.kind, str(row.organization_id), data, topic=row.topic)
    return events
