"""An instance dies while everybody writes."""

import asyncio

from ..instances import Instance
from .conftest import Crowd

BACK = 5.0  # s until everybody whose instance died is live on the other


async def test_nothing_is_lost_or_doubled_when_an_instance_is_killed(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    cut_off = [device for device in people.devices if device.url == servers[0].url]
    async with people.writing():
        await asyncio.sleep(1)
        servers[0].kill()
        await servers[0].exit_code()
        async with asyncio.timeout(BACK):
            for device in cut_off:
                await device.came_back()
        await asyncio.sleep(1)
        await servers[0].start()
        await asyncio.sleep(0.5)
    assert await people.broken_promises() == []
    assert len(cut_off) == 2
    assert {device.url for device in people.devices} == {servers[1].url}


async def test_both_instances_killed_and_started_again_go_on_where_they_were(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    async with people.writing():
        await asyncio.sleep(1)
        for server in servers:
            server.kill()
        for server in servers:
            await server.exit_code()
        await asyncio.gather(*(server.start() for server in servers))
        async with asyncio.timeout(BACK):
            for device in people.devices:
                await device.came_back()
        await asyncio.sleep(0.5)
    assert await people.broken_promises() == []


async def test_a_frozen_instance_that_wakes_again_loses_nothing(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    async with people.writing():
        await asyncio.sleep(0.5)
        servers[0].freeze()
        await asyncio.sleep(5)
        servers[0].thaw()
        await asyncio.sleep(1)
    assert await people.broken_promises() == []


async def test_an_instance_that_is_told_to_stop_lets_everybody_go_and_loses_nothing(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    async with people.writing():
        await asyncio.sleep(1)
        servers[0].terminate()
        assert await servers[0].exit_code() == 0
        await asyncio.sleep(0.5)
    assert await people.broken_promises() == []
    assert [device.closed for device in people.devices] == [[4000], [], [], [4000]]
