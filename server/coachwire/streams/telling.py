"""Tells what was written into streams otherwise than by a call: by the worker of pending changes, or by a job."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query
from coachwire.hub.fanout import Fanout
from coachwire.streams import Frame, Span, Streams
from coachwire.streams.topics import TopicStreams


class Recount(NamedTuple):
    user_id: UUID


RECOUNT = Query("pending/recount", Recount)


class Telling:
    """Reads what has been committed and hands it on. What is lost on the way, the comparison of heads reveals."""

    def __init__(
        self, database: Database, streams: Streams, topic_streams: TopicStreams, fanout: Fanout
    ) -> None:
        self._database = database
        self._streams = streams
        self._topic_streams = topic_streams
        self._fanout = fanout

    async def tell(
        self,
        written: Sequence[Span] = (),
        *,
        topics: Sequence[Span] = (),
        gone: Sequence[UUID] = (),
        revoked: Sequence[str] = (),
        doubted: Sequence[UUID] = (),
    ) -> None:
        """Each user and topic gets the events after one position through another; the sockets of who is `gone` are
        closed. `revoked` topics, and those of `doubted` users, are kept from everybody until rights were read."""
        for topic in revoked:
            self._fanout.revoke_topic(topic)
        for user_id in doubted:
            self._fanout.doubt_user(str(user_id))
        for user_id in gone:
            self._fanout.gone(str(user_id))
        try:
            await _hand_on(written, self._streams.read, self._fanout.tell)
            await _hand_on(topics, self._topic_streams.read, self._fanout.tell_topic)
            if written:
                await self._recount(written)
        except Unavailable:
            self._fanout.doubt()  # the heads say it, as soon as the database answers
        finally:
            self._fanout.flush()

    async def _recount(self, spans: Sequence[Span]) -> None:
        async with self._database.connection() as tx:
            for row in await RECOUNT.rows(tx, *zip(*spans, strict=True)):
                self._fanout.recount(str(row.user_id))


async def _hand_on(
    spans: Sequence[Span],
    read: Callable[[Sequence[Span]], Awaitable[dict[str, list[Frame]]]],
    tell: Callable[[str, list[Frame]], None],
) -> None:
    while spans:
        pages = await read(spans)
        for key, page in pages.items():
            tell(key, page)
        spans = [
            (key, pages[key][-1].through, through)
            for key, _, through in spans
            if key in pages and pages[key][-1].through < through
        ]


def spans_of(
    keys: Sequence[UUID | str] | None, afters: Sequence[int] | None, throughs: Sequence[int] | None
) -> list[Span]:
    """What a statement says that it wrote, as spans of streams."""
    return [
        (str(key), after, through)
        for key, after, through in zip(keys or (), afters or (), throughs or (), strict=True)
    ]
