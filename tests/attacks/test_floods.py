"""More than anybody needs, of what costs little to send: it ends where it comes from, and others notice nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp.test_utils import TestServer
from coachwire import limits
from coachwire.keys import SOCKETS
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from ..phone import Phone, SocketClosed
from ..server.conftest import OpenPhone
from .conftest import OpenLine
from .line import PING, PONG, TEXT, frame, hello

PROMPT = 3.0  # s for an answer meanwhile, on a busy machine; the flooded server does its part in milliseconds
EMPTY_SOCKETS, STORY, STORM, ROUNDS = 200, 320, 5, 3


@pytest.fixture
def settings(database_url: str) -> Settings:
    """New messages are limited elsewhere."""
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def slowest_while(work: Awaitable[object], ask: Callable[[], Awaitable[object]]) -> float:
    """How long the slowest answer took, asked one after the other while that goes on; what goes wrong there, raises."""
    clock, slowest = asyncio.get_running_loop().time, 0.0
    working = asyncio.ensure_future(work)
    while not working.done():
        began = clock()
        await ask()
        slowest = max(slowest, clock() - began)
    await working
    return slowest


def sending(phone: Phone, gym: Place) -> Callable[[], Awaitable[object]]:
    async def ask() -> None:
        assert (await phone.ask("message.send", **message_to(gym.member2)))["type"] == "ok"

    return ask


@pytest.mark.parametrize("opcode", [PING, PONG, TEXT], ids=["pings", "pongs", "empty frames"])
async def test_control_and_empty_frames_without_end_close_their_connection_and_delay_nobody(
    gym: Place, phone: OpenPhone, line: OpenLine, monkeypatch: pytest.MonkeyPatch, opcode: int
) -> None:
    monkeypatch.setattr(limits, "SUSTAINED", 1.0)
    coach, flooder = await phone(gym.coach), await line()
    await flooder.live(gym.member.token)

    async def pour() -> None:
        with suppress(ConnectionError):
            while True:
                await flooder.say(frame(opcode, b"") * 500)

    async def flood() -> int:
        pouring = asyncio.create_task(pour())
        try:
            return await flooder.close_code()
        finally:
            pouring.cancel()
            await asyncio.gather(pouring, return_exceptions=True)

    closing = asyncio.create_task(flood())
    assert await slowest_while(closing, sending(coach, gym)) < PROMPT
    assert closing.result() == 4005


async def test_sockets_that_say_nothing_are_all_closed_and_delay_nobody(
    gym: Place, phone: OpenPhone, line: OpenLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.socket.hello.HELLO", 1.0)
    coach = await phone(gym.coach)

    async def silent() -> int:
        one = await line()
        await one.upgrade()
        return await one.close_code()

    async def crowd() -> list[int]:
        return await asyncio.gather(*(silent() for _ in range(EMPTY_SOCKETS)))

    closing = asyncio.create_task(crowd())
    assert await slowest_while(closing, sending(coach, gym)) < PROMPT
    assert closing.result() == [4006] * EMPTY_SOCKETS


async def test_who_asks_for_everything_again_and_again_gets_it_and_delays_nobody(
    gym: Place, phone: OpenPhone
) -> None:
    coach = await phone(gym.coach)
    for first in range(0, STORY, 32):
        await coach.say(
            [{"type": "message.send", "ref": first + n, **message_to(gym.member)} for n in range(32)]
        )
    await coach.reach(STORY)
    greedy = [await phone(gym.member, connect=False) for _ in range(STORM)]
    resume = {"epoch": coach.epoch, "position": 0}

    async def once(one: Phone) -> None:
        while True:
            one.epoch, one.position = coach.epoch, 0
            try:
                assert (await one.connect(resume=resume))["events"] == STORY
            except SocketClosed as closed:
                if closed.code != 1013:  # "come back later": what waited too long for the database
                    raise
            else:
                return one.vanish()

    async def storm() -> None:
        for _ in range(ROUNDS):
            await asyncio.gather(*(once(one) for one in greedy))

    assert await slowest_while(storm(), sending(coach, gym)) < 2 * PROMPT


async def test_lines_that_went_dead_all_at_once_are_all_let_go(
    gym: Place, server: TestServer, phone: OpenPhone, line: OpenLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read there any more, and nothing said."""
    monkeypatch.setattr("coachwire.socket.heartbeat.HEARTBEAT_SECONDS", 1)  # instead of 25
    monkeypatch.setattr("coachwire.socket.heartbeat.PONG", 1.0)  # instead of 10
    people = [gym.owner, gym.admin, gym.coach2, gym.member, gym.member2]
    dead = [await line() for _ in range(50)]
    for place, one in enumerate(dead):
        await one.upgrade()
        await one.say(hello(people[place % len(people)].token))
    alive = await phone(gym.coach)
    sockets = server.app[SOCKETS]

    async def until_they_are_gone() -> None:
        async with asyncio.timeout(10):
            while len(sockets.connections) > 1:  # noqa: ASYNC110 - a test asks, who is served does not
                await asyncio.sleep(0.05)

    async def ask() -> None:
        await alive.ask("message.send", **message_to(gym.member2))
        await asyncio.sleep(0.02)

    assert await slowest_while(until_they_are_gone(), ask) < PROMPT
    assert len(sockets.connections) == 1
