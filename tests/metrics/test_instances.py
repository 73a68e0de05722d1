"""Values over two instances: what a member takes back at one leaves the screens at the other."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from aiohttp import ClientSession
from coachwire_protocol.times import wire_time

from ..gym import Place, Someone
from ..instances import Instance, instances
from ..phone import Phone
from .conftest import Trainer

ROUNDS = 5


@pytest.fixture
def database_url(own_database_url: str) -> str:
    return own_database_url


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncIterator[list[Instance]]:
    """Two that share a database and a Redis."""
    async with instances(2, database_url, redis_url) as servers:
        yield servers


async def test_what_is_withdrawn_at_one_instance_leaves_the_screen_at_the_other(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    servers: list[Instance],
    squat: str,
) -> None:
    topic = f"metrics:{abroad.membership_id}"
    async with (
        ClientSession(servers[0].url) as first,
        ClientSession(servers[1].url) as second,
        Phone(first, servers[0].url, other_gym.coach.token) as watcher,
    ):
        coach, member, recording = (
            Trainer(first, other_gym.coach),
            Trainer(second, gym.member),
            Trainer(second, gym.coach),
        )
        await watcher.open_topic(topic)
        seconds = []
        for ends in ["withdrawn"] * ROUNDS + ["passes"] * ROUNDS:
            await member.grant(other_gym)
            value = await recording.recorded(gym.member, squat, "1")
            assert (await watcher.in_topic(topic, "metric.recorded"))["data"]["id"] == value
            assert "1" in await coach.values(abroad)
            begin = time.time()
            if ends == "withdrawn":
                await member.withdraw(other_gym)
            else:
                begin += 1
                await member.grant(other_gym, until=wire_time(datetime.fromtimestamp(begin, UTC)))
            erased = await watcher.in_topic(topic, "metric.erased")
            seconds.append(time.time() - begin)
            assert value in erased["data"]["valueIds"]
            assert await coach.values(abroad) == []
            await recording.recorded(gym.member, squat, "2")
            assert [frame for frame in await watcher.drained() if frame.get("topic") == topic] == []
    most = max(seconds[:ROUNDS]), max(seconds[ROUNDS:])
    print(f"{most[0]:.3f} s from a withdrawal, {most[1]:.3f} s from an end")  # noqa: T201 - for whoever reads with -s


async def test_an_end_whose_server_died_is_told_by_the_other(
    gym: Place, other_gym: Place, abroad: Someone, servers: list[Instance], squat: str, database_url: str
) -> None:
    topic = f"metrics:{abroad.membership_id}"
    async with (
        ClientSession(servers[0].url) as first,
        ClientSession(servers[1].url) as second,
        Phone(first, servers[0].url, other_gym.coach.token) as watcher,
    ):
        await watcher.open_topic(topic)
        value = await Trainer(second, gym.coach).recorded(gym.member, squat)
        end = wire_time(datetime.now(UTC) + timedelta(seconds=1))
        await Trainer(second, gym.member).grant(other_gym, until=end)
        servers[1].kill()
        assert (await watcher.in_topic(topic, "metric.erased"))["data"]["valueIds"] == [value]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from topic_events where kind = 'metric.erased'") == 1
    await connection.close()
