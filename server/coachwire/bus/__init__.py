"""Carries hints between the instances: the seam, and the bus for instances that share one process."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Message = tuple[str, bytes]  # (channel, payload)
Receive = Callable[[str, bytes], None]
Gap = Callable[[], None]


@dataclass(slots=True)
class Counts:
    """What passed through one member since it was made; only ever grows."""

    published: int = 0  # handed to the bus for the others; whether anyone listened is not known
    dropped: int = 0  # not even tried: no connection, or too much unsent
    received: int = 0  # from other members, on channels subscribed here
    reconnects: int = 0


class Bus(Protocol):
    """Carries hints between instances. At most once, maybe late, maybe twice.

    What is lost, the stream's position reveals.
    """

    @property
    def healthy(self) -> bool:
        """Whether what is published now will presumably arrive: the canary came back within 3 s."""

    @property
    def counts(self) -> Counts:
        """Live counters, for the metrics."""

    def canary_age(self) -> float:
        """Seconds since the newest canary that came back was published; infinite when there is none."""

    async def start(self, receive: Receive, gap: Gap) -> None:
        """Never fails for want of the other side. What it is given is called in the loop and must not raise.

        `receive(channel, payload)` gets what *other* members published on a channel subscribed here, each
        channel in the order of publication; `gap()` says that anything may have been lost until now.
        """

    def publish(self, messages: Sequence[Message]) -> None:
        """To the other members, in one write a tick. Never waits or raises; counts what cannot go out."""

    async def subscribe(self, channel: str) -> None:
        """Returns when confirmed, or unconfirmed after 0.5 s. Counts no references: its callers do."""

    def unsubscribe(self, channel: str) -> None:
        """Nothing of this channel is received from here on."""

    async def close(self) -> None:
        """Ends all tasks and connections; afterwards `publish` drops and nothing is received."""


class Exchange:
    """Where the members within one process meet."""

    def __init__(self) -> None:
        self.subscribers: dict[str, list[InProcessBus]] = {}


class InProcessBus:
    """The bus without Redis: alone in its process, or with the other members of one exchange and loop."""

    healthy = True

    def __init__(self, exchange: Exchange | None = None) -> None:
        self.counts = Counts()
        self._subscribers = (exchange or Exchange()).subscribers
        self._channels: set[str] = set()
        self._outgoing: list[Message] = []
        self._receive: Receive | None = None

    def canary_age(self) -> float:
        return 0.0

    async def start(self, receive: Receive, gap: Gap) -> None:
        self._receive = receive  # and never a gap: nothing is lost between objects

    def publish(self, messages: Sequence[Message]) -> None:
        if self._receive is None:
            self.counts.dropped += len(messages)
            return
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._outgoing += messages
        self.counts.published += len(messages)

    async def subscribe(self, channel: str) -> None:
        if self._receive is not None and channel not in self._channels:
            self._channels.add(channel)
            self._subscribers.setdefault(channel, []).append(self)

    def unsubscribe(self, channel: str) -> None:
        if channel not in self._channels:
            return
        self._channels.remove(channel)
        self._subscribers[channel].remove(self)
        if not self._subscribers[channel]:
            del self._subscribers[channel]

    async def close(self) -> None:
        self._receive = None
        for channel in tuple(self._channels):
            self.unsubscribe(channel)

    def _deliver(self) -> None:
        messages, self._outgoing = self._outgoing, []
        for channel, payload in messages:
            for member in tuple(self._subscribers.get(channel, ())):
                # Asked again for each message: a receiver may unsubscribe or close another in between.
                if member is not self and channel in member._channels and member._receive is not None:
                    member.counts.received += 1
                    member._receive(channel, payload)
