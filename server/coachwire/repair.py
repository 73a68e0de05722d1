"""What keeps the hub whole when hints get lost: reads gaps from the streams, and compares heads with the database."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.bus import Bus
from coachwire.hub import Hub
from coachwire.measures import (
    GAPS_REPAIRED,
    GAPS_UNREADABLE,
    HEADS_COMPARED,
    RESET_BEHIND,
    RESET_EPOCH,
    RESET_UNREADABLE,
)
from coachwire.streams import Heads, Span, Streams

log = structlog.get_logger()

PATIENCE = 0.02  # s; the hint of another lane or instance is usually on its way
COMPARE = 5.0  # s between comparisons
COMPARE_UNHEALTHY = 1.0  # s, while nothing comes over the bus
RETRY = 0.5  # s, while the database is away


class Repair:
    """Both loops run until their owner cancels them. Repair always ends: what cannot be repaired is closed (4000)."""

    def __init__(self, hub: Hub, streams: Streams, bus: Bus, *, changed: Callable[[str], None]) -> None:
        """`changed` is called with each user who was told what had been missing."""
        self._changed = changed
        self._hub = hub
        self._streams = streams
        self._bus = bus
        self._epoch: str | None = None
        self._missing = asyncio.Event()
        self._doubtful = asyncio.Event()
        hub.wake = self._missing.set

    async def begin(self) -> None:
        """Learn the epoch, before anybody is told one. Raises `Unavailable`."""
        await self._compare_heads()

    def doubt(self) -> None:
        """Something may have been lost: compare at once."""
        self._doubtful.set()

    async def close_gaps(self) -> None:
        while True:
            await self._missing.wait()
            await asyncio.sleep(PATIENCE)
            self._missing.clear()
            try:
                await self._read_gaps()
            except Unavailable:
                self._missing.set()
                await asyncio.sleep(RETRY)

    async def compare(self) -> None:
        while True:
            await self._until_due()
            self._doubtful.clear()
            try:
                await self._compare_heads()
            except Unavailable:
                self._doubtful.set()
                await asyncio.sleep(RETRY)

    async def _until_due(self) -> None:
        """Wait for a doubt, or for the time: the bus may fall ill meanwhile, so it is asked each second."""
        loop = asyncio.get_running_loop()
        due = loop.time() + COMPARE
        while (now := loop.time()) < due:
            try:
                async with asyncio.timeout_at(min(due, now + COMPARE_UNHEALTHY)):
                    await self._doubtful.wait()
                return
            except TimeoutError:
                if not self._bus.healthy:
                    return

    async def _read_gaps(self) -> None:
        while spans := list(self._spans()):
            pages = await self._streams.read(spans)
            for user_id, after, _ in spans:
                page = pages.get(user_id)
                if not page or page[0].position != after + 1:
                    log.warning("gap_unreadable", user_id=user_id, position=after + 1)
                    GAPS_UNREADABLE.inc()
                    RESET_UNREADABLE.inc()
                    self._hub.gaps.discard(user_id)
                    self._hub.reset([user_id])
                    continue
                for frame in page:
                    self._hub.deliver_read(user_id, frame.position, frame.through, frame.frame)
                self._changed(user_id)
                GAPS_REPAIRED.inc()

    def _spans(self) -> Iterable[Span]:
        """What is missing now: up to the first event that is held, or to the head."""
        for user_id in list(self._hub.gaps):
            inbox = self._hub.inboxes.get(user_id)
            if inbox is None or inbox.position is None or not inbox.behind:
                self._hub.gaps.discard(user_id)
                continue
            yield user_id, inbox.position, min(inbox.held, default=inbox.head + 1) - 1

    async def _compare_heads(self) -> None:
        before = {user_id: inbox.position or 0 for user_id, inbox in self._hub.inboxes.items()}
        devices = [
            (user_id, member.device, member.session)
            for user_id, inbox in self._hub.inboxes.items()
            for member in inbox.members
            if member.session
        ]
        self._apply(before, await self._streams.heads(list(before), devices))
        HEADS_COMPARED.inc(len(before))

    def _apply(self, before: dict[str, int], heads: Heads) -> None:
        if self._epoch not in (None, heads.epoch):
            log.warning("epoch_changed", epoch=heads.epoch)
            RESET_EPOCH.inc(len(self._hub.inboxes))
            self._hub.reset(self._hub.inboxes)  # also who said hello meanwhile
        self._epoch = heads.epoch
        found = {
            str(user_id): position for user_id, position in zip(heads.user_ids, heads.positions, strict=True)
        }
        for user_id, position in before.items():
            head = found.get(user_id, 0)
            if head < position:
                log.warning("head_behind", user_id=user_id, head=head, position=position)
                RESET_BEHIND.inc()
                self._hub.reset([user_id])
            else:
                self._hub.note(user_id, head)
        for gone in heads.gone_user_ids:
            self._hub.gone(str(gone))
        replaced = zip(heads.replaced_user_ids, heads.replaced_devices, heads.replaced_sessions, strict=True)
        signed_out = zip(
            heads.signed_out_user_ids, heads.signed_out_devices, heads.signed_out_sessions, strict=True
        )
        # Before the next: who is both is told to stay away.
        for signed_out_user, device, session in signed_out:
            self._hub.signed_out(str(signed_out_user), str(device), session)
        for replaced_user, device, session in replaced:
            self._hub.replaced(str(replaced_user), str(device), session)
