"""Presence among instances: a hash in Redis, hints over the bus, and what is left when either is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis.asyncio
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from ..instances import Instance, instances
from ..phone import Phone
from ..server.caller import Caller
from ..server.platform import Tables
from ..services import EmbeddedRedis
from .conftest import delivered, presence, signals, until
from .test_watch import CLOSED, suspend, watch

At = Callable[[Someone, Instance], Awaitable[Phone]]

KILLED = 15.0  # s in which a killed instance shows
REFRESHED = 14.0  # s; longer than a field that is not refreshed lives


@pytest.fixture
async def at(http: ClientSession) -> AsyncIterator[At]:
    """`await at(gym.coach, server)` is a phone connected to that instance."""
    phones: list[Phone] = []

    async def connect(who: Someone, server: Instance) -> Phone:
        one = Phone(http, server.url, who.token)
        phones.append(one)
        await one.connect()
        return one

    yield connect
    for one in phones:
        await one.leave()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncIterator[list[Instance]]:
    async with instances(2, database_url, redis_url) as servers:
        yield servers


async def fields_of(url: str, gym: Place) -> int:
    """How many instances have people online there."""
    async with redis.asyncio.Redis.from_url(url) as client:
        return len(await client.hgetall(f"cw:presence:{gym.organization_id}"))


async def test_who_comes_and_goes_on_one_instance_is_told_on_the_other(
    gym: Place, servers: list[Instance], at: At, redis_url: str
) -> None:
    here, there = servers
    coach, _ = await at(gym.coach, here), await at(gym.admin, there)
    assert await watch(coach, gym.admin, gym.member) == [gym.admin.membership_id]
    member = await at(gym.member, there)
    assert await coach.next("signal") == presence(gym.member, True)
    began = time.monotonic()
    await member.leave()
    assert await coach.next("signal") == presence(gym.member, False)
    assert time.monotonic() - began < CLOSED
    assert await fields_of(redis_url, gym) == 2


async def test_who_moves_to_another_instance_stays_online(
    gym: Place, servers: list[Instance], at: At
) -> None:
    here, there = servers
    coach, member = await at(gym.coach, here), await at(gym.member, here)
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    for server in (there, here, there):
        await member.leave()
        member = await at(gym.member, server)
    await asyncio.sleep(3)
    assert await signals(coach) == []


async def test_a_message_is_delivered_across_instances(gym: Place, servers: list[Instance], at: At) -> None:
    coach, member = await at(gym.coach, servers[0]), await at(gym.member, servers[1])
    message = message_to(gym.member)
    await coach.ask("message.send", **message)
    await member.ask("ack", position=1)
    assert await coach.next("signal") == delivered(gym.member, message["id"])


async def test_the_members_list_knows_of_all_instances(
    gym: Place, servers: list[Instance], at: At, http: ClientSession
) -> None:
    here, there = servers
    await at(gym.coach, here)
    await at(gym.member, there)

    async def online(server: Instance) -> set[str]:
        async with ClientSession(base_url=server.url) as session:
            page = (await Caller(session, gym.owner).get("members")).data
            return {row["membershipId"] for row in page["items"] if row["online"]}

    both = {gym.coach.membership_id, gym.member.membership_id}
    for server in servers:

        async def knows_both(server: Instance = server) -> bool:
            return await online(server) == both

        await until(knows_both, 5)


async def test_a_suspension_shows_on_all_instances(
    gym: Place, servers: list[Instance], at: At, database: Tables
) -> None:
    here, there = servers
    coach, admin = await at(gym.coach, here), await at(gym.admin, there)
    await asyncio.sleep(0.5)
    assert await watch(coach, gym.admin) == [gym.admin.membership_id]
    assert await watch(admin, gym.coach, gym.member) == [gym.coach.membership_id]
    await suspend(database, gym.admin)
    assert await coach.next("signal") == presence(gym.admin, False)
    await at(gym.member, here)
    await asyncio.sleep(1)
    assert await signals(admin) == []


async def test_a_drained_instances_people_stay_online_if_they_come_back_elsewhere_at_once(
    gym: Place, servers: list[Instance], at: At
) -> None:
    here, there = servers
    coach, member, _ = await at(gym.coach, here), await at(gym.member, there), await at(gym.member2, there)
    await asyncio.sleep(0.5)
    assert len(await watch(coach, gym.member, gym.member2)) == 2
    there.terminate()
    assert await member.close_code() == 4000
    await at(gym.member, here)
    began = time.monotonic()
    assert await there.exit_code() == 0
    assert await coach.next("signal") == presence(gym.member2, False)
    assert time.monotonic() - began < 6
    await asyncio.sleep(1)
    assert await signals(coach) == []


@pytest.mark.parametrize("cause", ["killed", "frozen"])
async def test_people_of_an_instance_that_dies_are_offline_within_15_s_and_others_stay(
    gym: Place, database_url: str, redis_url: str, at: At, cause: str
) -> None:
    async with instances(3, database_url, redis_url) as (here, there, doomed):
        coach = await at(gym.coach, here)
        await at(gym.admin, there)
        await at(gym.member, doomed)
        await asyncio.sleep(0.5)
        assert len(await watch(coach, gym.admin, gym.member)) == 2
        await asyncio.sleep(REFRESHED)
        assert await signals(coach) == []
        if cause == "killed":
            doomed.kill()
        else:
            doomed.freeze()
        began = time.monotonic()
        told = await until(lambda: signals(coach), KILLED + 1)
        assert time.monotonic() - began < KILLED
        assert told == [presence(gym.member, False)]
        late = await at(gym.owner, there)
        assert await watch(late, gym.coach, gym.member) == [gym.coach.membership_id]


async def test_without_redis_each_instance_knows_its_own(
    gym: Place, database_url: str, own_redis: EmbeddedRedis, at: At
) -> None:
    async with instances(2, database_url, own_redis.url) as (here, there):
        coach, admin = await at(gym.coach, here), await at(gym.admin, here)
        await at(gym.member, there)
        await asyncio.sleep(0.5)
        assert await watch(coach, gym.member, gym.admin) == [
            gym.member.membership_id,
            gym.admin.membership_id,
        ]
        await asyncio.to_thread(own_redis.kill)
        await here.says("presence_away")
        await admin.leave()
        began = time.monotonic()
        assert await coach.next("signal") == presence(gym.admin, False)
        assert time.monotonic() - began < CLOSED
        told = await until(lambda: signals(coach), KILLED)
        assert told == [presence(gym.member, False)]
        await at(gym.admin, here)
        assert await coach.next("signal") == presence(gym.admin, True)

        await asyncio.to_thread(own_redis.start)  # empty
        assert await coach.next("signal") == presence(gym.member, True)


async def test_a_frozen_redis_delays_nobody(
    gym: Place, database_url: str, own_redis: EmbeddedRedis, at: At
) -> None:
    async with instances(2, database_url, own_redis.url) as (here, there):
        coach, member = await at(gym.coach, here), await at(gym.member, here)
        await at(gym.admin, there)
        own_redis.freeze()
        try:
            for _ in range(3):
                began = time.monotonic()
                assert gym.member.membership_id in await watch(coach, gym.member)
                assert time.monotonic() - began < 2
            began = time.monotonic()
            await member.leave()
            assert await coach.next("signal") == presence(gym.member, False)
            assert time.monotonic() - began < CLOSED
        finally:
            own_redis.thaw()
        await watch(coach, gym.admin)
        assert await until(lambda: watch(coach, gym.admin), 10) == [gym.admin.membership_id]


async def test_a_restarted_redis_shows_no_change(
    gym: Place, database_url: str, own_redis: EmbeddedRedis, at: At
) -> None:
    async with instances(2, database_url, own_redis.url) as (here, there):
        coach = await at(gym.coach, here)
        await at(gym.member, there)
        await asyncio.sleep(0.5)
        assert await watch(coach, gym.member) == [gym.member.membership_id]
        await asyncio.to_thread(own_redis.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_redis.start)

        async def both_wrote() -> bool:
            return await fields_of(own_redis.url, gym) == 2

        await until(both_wrote, 15)
        assert await signals(coach) == []
