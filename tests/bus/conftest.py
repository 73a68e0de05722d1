"""Members of a bus that meet one another, on each kind of bus there is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from coachwire.bus import Bus, Exchange, InProcessBus, Message
from coachwire.bus.cluster import ClusterBus
from coachwire.bus.redis import RedisBus

from ..services import EmbeddedCluster

CHANNEL = "cw:user:0d3c6f4e-5a1b-4c8e-9d55-7f2f6a1f0c11"
OTHER = "cw:user:7b0a2c6e-91d4-4d1f-8a07-3e5d1b9c2f22"
LIMIT = 15  # s, for what the slowest machine does in a moment


class Member:
    """A bus with what it has received so far."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.received: list[Message] = []
        self.gaps = 0
        self._changed = asyncio.Event()

    def receive(self, channel: str, payload: bytes) -> None:
        self.received.append((channel, payload))
        self._changed.set()

    def gap(self) -> None:
        self.gaps += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_received(self, last: Message) -> list[Message]:
        await self.until(lambda: last in self.received)
        return self.received

    async def until_all_received(self, messages: Sequence[Message]) -> list[Message]:
        """These and no others, each once, in whatever order: channels may travel apart."""
        await self.until(lambda: len(self.received) >= len(messages))
        assert sorted(self.received) == sorted(messages)
        return self.received


Join = Callable[[], Awaitable[Member]]


@pytest.fixture(params=["in process", "redis", "redis cluster"])
def new_bus(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    if request.param == "in process":
        exchange = Exchange()
        return lambda: InProcessBus(exchange)
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        return lambda: RedisBus(url)
    cluster: EmbeddedCluster = request.getfixturevalue("redis_cluster")
    return lambda: ClusterBus(cluster.url)


@pytest.fixture
async def join(new_bus: Callable[[], Bus]) -> AsyncIterator[Join]:
    """Makes started members that meet one another."""
    members: list[Member] = []

    async def join() -> Member:
        members.append(member := Member(new_bus()))
        await member.bus.start(member.receive, member.gap)
        return member

    yield join
    for member in members:
        await member.bus.close()


@pytest.fixture
async def anna(join: Join) -> Member:
    return await join()


@pytest.fixture
async def ben(join: Join) -> Member:
    return await join()


async def until(condition: Callable[[], bool]) -> None:
    """For what no event tells: the absence of a canary is only a time that passes."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - there is nothing to set an Event
            await asyncio.sleep(0.01)
