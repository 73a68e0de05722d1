"""Events that cannot be shown, whatever the reason: each is in the way of its own stream only."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg
import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.measures import EVENTS_UNREADABLE
from coachwire.observe import place

log = structlog.get_logger()

PAGE = 256  # events that a read brings at most
REMEMBERED = 10_000  # streams; beyond that the one met first is forgotten, and met again

P = TypeVar("P")
Span = tuple[str, int, int]  # a stream, after this position, through that one
Read = Callable[[Sequence[Span]], Awaitable[dict[str, P]]]


class Unreadable:
    """Where streams of one kind cannot be read any further, as far as it was met here. Who stands before such an event
    is to begin anew: nobody vouches for it."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def follows(self, key: str, position: int) -> bool:
        """Whether one lies after this position."""
        return self._last.get(key, 0) > position

    async def read(self, spans: Sequence[Span], read: Read[P]) -> dict[str, P]:
        """As `read`. Where that fails because of an event, halves, so that it fails alone: a page ends before it, and a
        stream that begins with it is left out. Raises `Unavailable`, and what is wrong with the database rather
        than with an event."""
        try:
            return await read(spans)
        except Unavailable:
            raise
        except asyncpg.PostgresError as error:
            if not isinstance(
                error, asyncpg.DataError
            ):  # a schema that lost something, a right that was taken away
                raise
            failure: Exception = error
        except (
            Exception
        ) as error:  # the edge: what nobody foresaw in one event must not cut off all the others
            failure = error
        if len(spans) > 1:
            middle = len(spans) // 2
            return await self.read(spans[:middle], read) | await self.read(spans[middle:], read)
        key, after, through = spans[0]
        if through > after + 1:
            return await self.read([(key, after, after + min(PAGE, through - after) // 2)], read)
        self._note(key, through, failure)
        return {}

    def _note(self, key: str, position: int, failure: Exception) -> None:
        """Told once: those who come back are not led here again."""
        if self.follows(key, position - 1):
            return
        self._last[key] = position
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        EVENTS_UNREADABLE.inc()
        log.error(
            "event_unreadable",
            stream=key,
            position=position,
            error=type(failure).__name__,
            place=place(failure),
        )
