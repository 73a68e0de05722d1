"""Tells what was written into streams otherwise than by a call: by the worker of pending changes, or by a job."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query
from coachwire.fanout import Fanout
from coachwire.streams import Span, Streams


class Recount(NamedTuple):
    user_id: UUID


RECOUNT = Query("pending/recount", Recount)


class Telling:
    """Reads what has been committed and hands it on. What is lost on the way, the comparison of heads reveals."""

    def __init__(self, database: Database, streams: Streams, fanout: Fanout) -> None:
        self._database = database
        self._streams = streams
        self._fanout = fanout

    async def tell(self, written: Sequence[Span], *, gone: Sequence[UUID] = ()) -> None:
        """Each user gets the events after one position through another; the sockets of who is gone are closed."""
        for user_id in gone:
            self._fanout.gone(str(user_id))
        spans = list(written)
        try:
            while spans:
                pages = await self._streams.read(spans)
                for user, page in pages.items():
                    self._fanout.tell(user, page)
                spans = [
                    (user, pages[user][-1].through, through)
                    for user, _, through in spans
                    if user in pages and pages[user][-1].through < through
                ]
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


def spans_of(
    users: Sequence[UUID] | None, afters: Sequence[int] | None, throughs: Sequence[int] | None
) -> list[Span]:
    """What a statement says that it wrote, as spans of streams."""
    return [
        (str(user_id), after, through)
        for user_id, after, through in zip(users or (), afters or (), throughs or (), strict=True)
    ]
