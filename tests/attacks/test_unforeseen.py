"""Failures that nobody foresaw, here a schema that lost something: each ends in an answer and a line of the log."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestServer
from coachwire.keys import FANOUT

from ..gym import Place, message_to
from ..server.conftest import OpenPhone
from ..server.platform import Tables
from .conftest import OpenLine
from .line import hello


@asynccontextmanager
async def without(database: Tables, kind: str, name: str) -> AsyncIterator[None]:
    """While the schema lacks this."""
    await database.execute(f"alter {kind} {name} rename to {name}_away")
    try:
        yield
    finally:
        await database.execute(f"alter {kind} {name}_away rename to {name}")


def taken_out(log: list[MutableMapping[str, Any]], event: str) -> list[str]:
    """The errors of these lines, which are no longer held against the test."""
    found = [line["error"] for line in log if line["event"] == event]
    log[:] = [line for line in log if line["event"] != event]
    return found


async def test_a_hello_that_fails_is_closed_with_1011(
    gym: Place, line: OpenLine, database: Tables, log: list[MutableMapping[str, Any]]
) -> None:
    one = await line()
    await one.upgrade()
    async with without(database, "table", "workout_assignments"):
        await one.say(hello(gym.member.token))
        assert await one.close_code() == 1011
    assert taken_out(log, "socket_failed") == ["UndefinedTableError"]


async def test_a_replay_that_fails_is_closed_with_1011(
    gym: Place, phone: OpenPhone, database: Tables, log: list[MutableMapping[str, Any]]
) -> None:
    member, coach = await phone(gym.member), await phone(gym.coach)
    await member.leave()
    await coach.ask("message.send", **message_to(gym.member))
    async with without(database, "view", "shown_messages"):
        await member.open()
        resume = {"epoch": member.epoch, "position": member.position}
        await member.say({"type": "hello", "token": member.token, "device": member.device, "resume": resume})
        assert await member.close_code() == 1011
    assert taken_out(log, "socket_failed") == ["UndefinedTableError"]
    assert await member.connect()
    assert [event["kind"] for event in member.events] == ["message.created"]


async def test_a_loop_that_fails_begins_anew(
    gym: Place,
    phone: OpenPhone,
    server: TestServer,
    database: Tables,
    log: list[MutableMapping[str, Any]],
) -> None:
    """The one that compares heads, of which nobody would notice that it has ended."""
    member = await phone(gym.member)
    compare = server.app[FANOUT].doubt
    async with without(database, "table", "stream_epoch"):
        compare()
        async with asyncio.timeout(10):
            while not any(line["event"] == "loop_failed" for line in log):  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.02)
    await database.execute("update stream_epoch set epoch = 'another'")
    compare()
    assert await member.close_code() == 4000
    assert set(taken_out(log, "loop_failed")) == {"UndefinedTableError"}
