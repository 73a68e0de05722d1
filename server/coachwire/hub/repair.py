"""Compares what was heard here with the database: where the streams are, which devices were replaced, who is gone."""

import asyncio
from collections.abc import Mapping

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.bus import Bus
from coachwire.hub import Hub
from coachwire.hub.inboxes import Inboxes, M
from coachwire.hub.views import Views
from coachwire.measures import HEADS_COMPARED, RESET_BEHIND, RESET_EPOCH
from coachwire.streams import Heads, Streams

log = structlog.get_logger()

COMPARE = 5.0  # s between comparisons
COMPARE_UNHEALTHY = 1.0  # s, while nothing comes over the bus
RETRY = 0.5  # s, while the database is away


class Repair:
    """Finds every lost hint: at the next comparison, or at once after a doubt."""

    def __init__(self, hub: Hub, views: Views, streams: Streams, bus: Bus) -> None:
        self._hub = hub
        self._views = views
        self._streams = streams
        self._bus = bus
        self._epoch: str | None = None
        self._doubtful = asyncio.Event()

    async def begin(self) -> None:
        """Learn the epoch, before anybody is told one. Raises `Unavailable`."""
        await self._compare_heads()

    def doubt(self) -> None:
        """Something may have been lost: compare at once."""
        self._doubtful.set()

    async def compare(self) -> None:
        """Compare for ever; the owner cancels it."""
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

    async def _compare_heads(self) -> None:
        users, topics = _positions(self._hub), _positions(self._views)
        devices = [
            (user_id, member.device, member.session)
            for user_id, inbox in self._hub.inboxes.items()
            for member in inbox.members
            if member.session
        ]
        heads = await self._streams.heads(list(users), devices, list(topics))
        self._apply_epoch(heads.epoch)
        found = map(str, heads.user_ids)
        _apply(self._hub, users, dict(zip(found, heads.positions, strict=True)))
        _apply(self._views, topics, dict(zip(heads.topics, heads.topic_positions, strict=True)))
        self._apply_devices(heads)
        HEADS_COMPARED.inc(len(users) + len(topics))

    def _apply_epoch(self, epoch: str) -> None:
        if self._epoch not in (None, epoch):
            log.warning("epoch_changed", epoch=epoch)
            RESET_EPOCH.inc(len(self._hub.inboxes))
            self._hub.reset(self._hub.inboxes)  # also who said hello meanwhile
            self._views.reset(self._views.inboxes)
        self._epoch = epoch

    def _apply_devices(self, heads: Heads) -> None:
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


def _positions(inboxes: Inboxes[M]) -> dict[str, int]:
    return {key: inbox.position or 0 for key, inbox in inboxes.inboxes.items()}


def _apply(inboxes: Inboxes[M], before: Mapping[str, int], heads: Mapping[str, int]) -> None:
    """What was there before the heads were read must not be ahead of them."""
    for key, position in before.items():
        head = heads.get(key, 0)
        if head < position:
            log.warning("head_behind", stream=key, head=head, position=position)
            RESET_BEHIND.inc()
            inboxes.reset([key])
        else:
            inboxes.note(key, head)
