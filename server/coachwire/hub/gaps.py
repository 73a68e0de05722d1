"""Reads from the streams what an inbox misses: hints get lost, positions do not."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.hub.inboxes import Inboxes, M
from coachwire.measures import GAPS_REPAIRED, GAPS_UNREADABLE, RESET_UNREADABLE
from coachwire.streams import Frame, Span

log = structlog.get_logger()

PATIENCE = 0.02  # s; the hint of another lane or instance is usually on its way
RETRY = 0.5  # s, while the database is away


class Gaps(Generic[M]):
    """The gaps of one kind of streams. Repair always ends: what cannot be read is closed (4000)."""

    def __init__(
        self,
        inboxes: Inboxes[M],
        read: Callable[[Sequence[Span]], Awaitable[dict[str, list[Frame]]]],
        *,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`changed` is called with each stream that was told what had been missing, in the step that told it."""
        self._inboxes = inboxes
        self._read = read
        self._changed = changed
        self._missing = asyncio.Event()
        inboxes.wake = self._missing.set

    async def close(self) -> None:
        """Read for ever; the owner cancels it."""
        while True:
            await self._missing.wait()
            await asyncio.sleep(PATIENCE)
            self._missing.clear()
            try:
                await self._read_gaps()
            except Unavailable:
                self._missing.set()
                await asyncio.sleep(RETRY)

    async def _read_gaps(self) -> None:
        while spans := list(self._spans()):
            pages = await self._read(spans)
            for key, after, _ in spans:
                page = pages.get(key)
                if not page or page[0].position != after + 1:
                    log.warning("gap_unreadable", stream=key, position=after + 1)
                    GAPS_UNREADABLE.inc()
                    RESET_UNREADABLE.inc()
                    self._inboxes.gaps.discard(key)
                    self._inboxes.reset([key])
                    continue
                for frame in page:
                    self._inboxes.deliver_read(key, frame.position, frame.through, frame.frame)
                self._changed(key)
                GAPS_REPAIRED.inc()

    def _spans(self) -> Iterable[Span]:
        """What is missing now: up to the first event that is held, or to the head."""
        for key in list(self._inboxes.gaps):
            inbox = self._inboxes.inboxes.get(key)
            if inbox is None or inbox.position is None or not inbox.behind:
                self._inboxes.gaps.discard(key)
                continue
            yield key, inbox.position, min(inbox.held, default=inbox.head + 1) - 1
