"""A master of a Redis Cluster dies: its replica carries on, and what was lost meanwhile is found in the streams."""

import asyncio

from ..instances import instances
from ..services import EmbeddedCluster
from .conftest import Crowd

PROMPT = 2.0  # s; as in `test_redis_away`: nobody waits for a Redis
OVER_THE_BUS = 0.1  # s; a comparison of heads would take one to five seconds
AFTERWARDS = 0.5  # s


async def test_nothing_is_lost_when_a_master_dies_and_its_replica_carries_on(
    database_url: str, redis_cluster: EmbeddedCluster, crowd: Crowd
) -> None:
    async with instances(2, database_url, redis_cluster.url) as servers:
        people = await crowd(servers)
        master = redis_cluster.master_of(f"cw:user:{people.member.someone.user_id}")
        async with people.writing():
            await asyncio.sleep(0.5)
            await asyncio.to_thread(master.kill)
            for server in servers:
                await server.says("bus.cluster", times=2)  # at the start, and with the replica promoted
            for server in servers:
                await server.says("bus.connected", times=4)
            await asyncio.sleep(AFTERWARDS)
        assert await people.broken_promises() == []
        assert min([await people.seconds_across() for _ in range(5)]) < OVER_THE_BUS
        assert await people.broken_promises() == []
        assert [device.closed for device in people.devices] == [[], [], [], []]
        answers = [answer for sending in people.history.sendings for answer in sending.answers]
        assert {answer.code for answer in answers} == {"ok"}
        assert max(answer.after for answer in answers) < PROMPT
