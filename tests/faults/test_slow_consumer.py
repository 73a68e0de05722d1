"""A peer that stops reading, and one that falls silent: each ends alone, and soon."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest

from ..gym import Place, Someone
from ..instances import Instance
from ..stalled import PING, StalledPeer
from .conftest import Crowd, People

FREED = 4.0  # s after the close; it is aborted after 2
PROMPT = 2.0  # s; while megabytes go to somebody who does not take them
STOPPED = 15.0  # s from SIGTERM to the end
SILENCE, PONG, TURN = 25, 10, 1  # s; the heartbeat's, and the turn of its wheel
LONG = "ש" * 5000

Stall = Callable[[Someone], Awaitable[StalledPeer]]


@pytest.fixture
async def stall(servers: list[Instance]) -> AsyncIterator[Stall]:
    """`await stall(gym.member)` is a live peer on the first instance that reads no more."""
    peers: list[StalledPeer] = []

    async def open_peer(someone: Someone) -> StalledPeer:
        peer = StalledPeer(servers[0].url, someone.token, str(uuid4()))
        peers.append(peer)
        await peer.connect()
        return peer

    yield open_peer
    for peer in peers:
        peer.leave()


async def test_a_slow_consumer_is_closed_alone_and_its_descriptor_freed(
    servers: list[Instance], crowd: Crowd, gym: Place, stall: Stall
) -> None:
    people = await crowd(servers)
    slow = await stall(gym.member)
    reads_again = await stall(gym.coach)
    assert slow.is_held()
    flood = asyncio.create_task(_flood(people))
    await servers[0].says("socket_closed", times=2, code=4001)
    assert await reads_again.close_code() == 4001
    async with asyncio.timeout(FREED):
        while slow.is_held():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.1)
    await flood
    assert await people.broken_promises() == []
    assert [device.closed for device in people.devices] == [[], [], [], []]
    assert max(answer.after for answer in people.history.answers("ok")) < PROMPT


async def test_an_instance_with_stalled_peers_stops_in_time(
    servers: list[Instance], crowd: Crowd, gym: Place, stall: Stall
) -> None:
    people = await crowd(servers)
    for _ in range(3):
        await stall(gym.member)
        await stall(gym.coach)
    for turn in range(40):  # enough that writing to them waits, too little to close them
        await people.say(people.coach, LONG[turn:])
    servers[0].terminate()
    async with asyncio.timeout(STOPPED):
        assert await servers[0].exit_code() == 0
    assert await people.broken_promises() == []


@pytest.mark.timeout(90)
async def test_a_silent_peer_is_pinged_and_then_closed_and_one_that_answers_stays(
    servers: list[Instance], crowd: Crowd, gym: Place, stall: Stall
) -> None:
    people = await crowd(servers)
    silent = await stall(gym.member)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (await silent.frame())[0] != PING:
        pass
    assert SILENCE - TURN <= loop.time() - began <= SILENCE + 3 * TURN
    assert await silent.close_code() == 4002
    assert SILENCE + PONG - TURN <= loop.time() - began <= SILENCE + PONG + 3 * TURN
    async with asyncio.timeout(FREED):
        while silent.is_held():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.1)
    assert [device.closed for device in people.devices] == [[], [], [], []]


async def _flood(people: People) -> None:
    """Megabytes to the member, in as many messages at once as a client may have in flight."""
    for _ in range(30):
        await asyncio.gather(*(people.say(people.coach, LONG) for _ in range(32)))
