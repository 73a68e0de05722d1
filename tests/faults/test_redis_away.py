"""Redis dies, freezes, is not there, comes late: what it carried is found in the streams, and nobody waits for it."""

import asyncio
from statistics import median

from ..instances import instances
from ..services import EmbeddedRedis
from .conftest import Crowd, People

COMPARED = 3.0  # s; while the bus is unhealthy heads are compared each second
NOTICED = 5.0  # s; three canaries missed, and a comparison
FROZEN = 8.0  # s
PROMPT = 2.0  # s
PUBLISHED = 1.0  # s; what a Redis that is waited for would add to every `ok`, which takes some ms


async def test_nothing_is_lost_when_redis_is_killed_and_comes_back(
    database_url: str, own_redis: EmbeddedRedis, crowd: Crowd
) -> None:
    async with instances(2, database_url, own_redis.url) as servers:
        people = await crowd(servers)
        for server in servers:
            await server.says("bus.connected")
        own_redis.kill()
        assert await people.seconds_across() < COMPARED
        async with people.writing():
            await asyncio.sleep(1)
            await asyncio.to_thread(own_redis.start)
            await asyncio.sleep(2)
            own_redis.kill()
            await asyncio.to_thread(own_redis.start)
            await asyncio.sleep(0.5)
        assert await people.broken_promises() == []
        _assert_nobody_noticed(people)


async def test_nothing_is_lost_and_no_answer_waits_while_redis_is_frozen(
    database_url: str, own_redis: EmbeddedRedis, crowd: Crowd
) -> None:
    async with instances(2, database_url, own_redis.url) as servers:
        people = await crowd(servers)
        async with people.writing():
            await asyncio.sleep(0.5)
            own_redis.freeze()
            await asyncio.sleep(NOTICED)
            assert await people.seconds_across() < COMPARED
            await asyncio.sleep(FROZEN - NOTICED)
            own_redis.thaw()
            await asyncio.sleep(1)
        assert await people.broken_promises() == []
        _assert_nobody_noticed(people)


async def test_without_redis_instances_find_each_others_messages_by_comparing_heads(
    database_url: str, own_redis: EmbeddedRedis, crowd: Crowd
) -> None:
    own_redis.stop()
    async with instances(2, database_url, own_redis.url) as servers:
        people = await crowd(servers)
        assert await people.seconds_across() < COMPARED
        assert await people.broken_promises() == []
        async with people.writing():
            await asyncio.sleep(2)
        assert await people.broken_promises() == []
        _assert_nobody_noticed(people)


async def test_a_redis_that_appears_later_is_used(
    database_url: str, own_redis: EmbeddedRedis, crowd: Crowd
) -> None:
    own_redis.stop()
    async with instances(2, database_url, own_redis.url) as servers:
        people = await crowd(servers)
        async with people.writing():
            await asyncio.sleep(0.5)
            await asyncio.to_thread(own_redis.start)
            for server in servers:
                await server.says("bus.connected")
        await people.broken_promises()
        assert min([await people.seconds_across() for _ in range(5)]) < 0.1
        assert await people.broken_promises() == []
        _assert_nobody_noticed(people)


def _assert_nobody_noticed(people: People) -> None:
    """Redis is none of a client's business: no socket was closed, no answer waits for it, nothing refused."""
    assert [device.closed for device in people.devices] == [[], [], [], []]
    answers = [answer for sending in people.history.sendings for answer in sending.answers]
    assert {answer.code for answer in answers} == {"ok"}
    late = sorted(answer.after for answer in answers)
    assert median(late) < PUBLISHED
    assert late[-1 - len(late) // 100] < PROMPT  # the machine itself may stop for one in a hundred
