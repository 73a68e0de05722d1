"""Presence among instances that meet over a Redis Cluster."""

import asyncio

from aiohttp import ClientSession

from ..gym import Place
from ..instances import instances
from ..phone import Phone
from ..services import EmbeddedCluster
from .conftest import presence
from .test_watch import watch


async def test_presence_is_told_across_instances_again_after_a_master_has_died(
    gym: Place, database_url: str, redis_cluster: EmbeddedCluster
) -> None:
    async with instances(2, database_url, redis_cluster.url) as (here, there), ClientSession() as session:
        coach, member = (
            Phone(session, server.url, who.token) for server, who in ((here, gym.coach), (there, gym.member))
        )
        await coach.connect()
        assert await watch(coach, gym.member) == []
        await member.connect()
        assert await coach.next("signal") == presence(gym.member, True)

        master = redis_cluster.master_of(f"cw:presence:{gym.organization_id}")
        await asyncio.to_thread(master.kill)
        for server in (here, there):
            await server.says("bus.connected", times=4)
        await member.leave()

        assert await coach.next("signal") == presence(gym.member, False)
        await coach.leave()
