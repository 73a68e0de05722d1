"""The bus over one Redis server."""

import asyncio
from collections.abc import Sequence

from coachwire.bus import Counts, Gap, Message, Receive
from coachwire.bus.connection import Address
from coachwire.bus.dialect import PLAIN
from coachwire.bus.link import Link, new_member
from coachwire.topics import canary_channel

START_TIMEOUT = 2.0  # s


class RedisBus:
    """A `Bus`. A server that belongs to a cluster is refused: that is what `ClusterBus` is for."""

    def __init__(self, url: str) -> None:
        """Raises `ValueError` for a URL that cannot be understood; connects to nothing yet."""
        self.counts = Counts()
        member = new_member()
        self._link = Link(Address.from_url(url), PLAIN, member, canary_channel(member), self.counts)
        self._gap: Gap = lambda: None

    @property
    def healthy(self) -> bool:
        return self._link.healthy

    def canary_age(self) -> float:
        return self._link.canary_age()

    async def start(self, receive: Receive, gap: Gap) -> None:
        """Returns when Redis is there, or is known to be away: then the bus connects when it appears."""
        first_outcome = self._link.open(receive, back=lambda: self._gap())
        await asyncio.wait((first_outcome,), timeout=START_TIMEOUT)
        self._gap = gap  # not before: who has just started cannot have lost anything

    def publish(self, messages: Sequence[Message]) -> None:
        self._link.publish(messages)

    async def subscribe(self, channel: str) -> None:
        await self._link.subscribe(channel)

    def unsubscribe(self, channel: str) -> None:
        self._link.unsubscribe(channel)

    async def close(self) -> None:
        await self._link.close()
