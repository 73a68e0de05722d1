"""One device has one socket, whichever instance it is on."""

import asyncio

from aiohttp import ClientSession

from ..gym import Place
from ..instances import Instance, instances
from ..phone import Phone
from ..services import EmbeddedRedis

BY_HINT = 1.0  # s
BY_COMPARISON = 3.0  # s, without Redis


async def test_a_newer_hello_on_the_other_instance_closes_the_older_socket(
    servers: list[Instance], gym: Place
) -> None:
    assert await _seconds_until_replaced(servers, gym) < BY_HINT


async def test_without_redis_the_comparison_closes_the_older_socket(
    database_url: str, own_redis: EmbeddedRedis, gym: Place
) -> None:
    own_redis.stop()
    async with instances(2, database_url, own_redis.url) as servers:
        assert await _seconds_until_replaced(servers, gym) < BY_COMPARISON


async def _seconds_until_replaced(servers: list[Instance], gym: Place) -> float:
    """The other devices of the same person, and the same device of others, stay."""
    loop = asyncio.get_running_loop()
    async with (
        ClientSession() as session,
        Phone(session, servers[0].url, gym.coach.token) as older,
        Phone(session, servers[0].url, gym.coach.token) as another,
        Phone(session, servers[0].url, gym.member.token, older.device) as somebody_else,
        Phone(session, servers[1].url, gym.coach.token, older.device) as newer,
    ):
        began = loop.time()
        assert await older.close_code() == 4505
        took = loop.time() - began
        for stays in (another, somebody_else, newer):
            await stays.drained()
        assert int(newer.welcome["session"]) > int(older.welcome["session"])
    return took
