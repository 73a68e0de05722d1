"""The operator begins a new epoch: whoever is connected anywhere is closed and begins anew."""

import asyncio
import os
import sys

from aiohttp import ClientSession

from ..gym import Place, message_to
from ..instances import Instance
from ..phone import Phone
from .conftest import Crowd

NOTICED = 6.0  # s; instances compare every 5 s


async def test_a_new_epoch_closes_everybody_and_resets_who_resumes(
    database_url: str, servers: list[Instance], gym: Place
) -> None:
    async with (
        ClientSession() as session,
        Phone(session, servers[0].url, gym.coach.token) as coach,
        Phone(session, servers[1].url, gym.member.token) as member,
    ):
        assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"
        await member.event("message.created")
        former = coach.epoch
        epoch = await _new_epoch(database_url)
        assert epoch != former
        async with asyncio.timeout(NOTICED):
            assert [await phone.close_code() for phone in (coach, member)] == [4000, 4000]
        for phone in (coach, member):
            welcome = await phone.connect()
            assert {key: welcome[key] for key in ("resume", "reason", "epoch", "position", "events")} == {
                "resume": "reset",
                "reason": "epoch",
                "epoch": epoch,
                "position": 1,
                "events": 0,
            }


async def test_a_new_epoch_while_everybody_writes_loses_nothing(
    database_url: str, servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    async with people.writing():
        await asyncio.sleep(0.5)
        epoch = await _new_epoch(database_url)
        async with asyncio.timeout(NOTICED):
            for device in people.devices:
                await device.came_back()
    assert await people.broken_promises() == []
    assert {device.epoch for device in people.devices} == {epoch}
    # Twice for who came to the other instance before that had noticed as well.
    assert {code for device in people.devices for code in device.closed} == {4000}


async def _new_epoch(dsn: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coachwire", "epoch", "--new",
        env={**os.environ, "DATABASE_URL": dsn}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()
