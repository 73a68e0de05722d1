"""What a Redis Cluster can do to the bus that lives on it: masters die and freeze, slots move, nodes are away."""

import asyncio
import time
from collections.abc import Callable

import pytest
import redis
from coachwire.bus import Bus
from coachwire.bus.cluster import ClusterBus
from redis.crc import key_slot

from ..services import EmbeddedCluster, EmbeddedRedis
from .conftest import CHANNEL, LIMIT, OTHER, Join, Member, until

CHANNELS = [f"cw:user:{number}" for number in range(600)]


@pytest.fixture
def new_bus(redis_cluster: EmbeddedCluster) -> Callable[[], Bus]:
    return lambda: ClusterBus(redis_cluster.url)


async def test_channels_are_spread_over_the_masters(redis_cluster: EmbeddedCluster, ben: Member) -> None:
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in CHANNELS])

    shares = [len(node.ask("PUBSUB", "SHARDCHANNELS", "cw:user:*")) for node in redis_cluster.masters()]

    assert sum(shares) == len(CHANNELS)
    assert min(shares) > len(CHANNELS) / 4


async def test_a_master_that_dies_is_replaced_and_every_channel_is_received_again(
    redis_cluster: EmbeddedCluster, anna: Member, ben: Member
) -> None:
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in CHANNELS])
    lost = CHANNELS[0]
    master = redis_cluster.master_of(lost)
    kept = next(channel for channel in CHANNELS if redis_cluster.master_of(channel) is not master)

    master.kill()
    died = time.monotonic()
    await until(lambda: not anna.bus.healthy and not ben.bus.healthy)
    anna.bus.publish([(lost, b"into nothing"), (kept, b"meanwhile")])

    assert await ben.until_received((kept, b"meanwhile")) == [(kept, b"meanwhile")]
    assert anna.bus.counts.dropped == 1
    await asyncio.gather(
        anna.until(lambda: anna.bus.healthy and anna.gaps > 0),
        ben.until(lambda: ben.bus.healthy and ben.gaps > 0),
    )
    assert time.monotonic() - died < LIMIT
    ben.received.clear()
    await _assert_all_arrive(anna, ben)
    assert anna.bus.counts.dropped == 1


async def test_a_master_that_freezes_is_replaced_and_may_come_back(
    redis_cluster: EmbeddedCluster, anna: Member, ben: Member
) -> None:
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in CHANNELS])
    master = redis_cluster.master_of(CHANNEL)

    master.freeze()
    await until(lambda: not anna.bus.healthy and not ben.bus.healthy)
    await asyncio.gather(anna.until(lambda: anna.bus.healthy), ben.until(lambda: ben.bus.healthy))
    await _assert_all_arrive(anna, ben)

    await asyncio.to_thread(redis_cluster.settle)
    ben.received.clear()
    await _assert_all_arrive(anna, ben)


async def test_a_slot_that_moves_takes_its_channels_along(
    redis_cluster: EmbeddedCluster, anna: Member, ben: Member
) -> None:
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in (CHANNEL, OTHER)])
    source, slot = redis_cluster.master_of(CHANNEL), key_slot(CHANNEL.encode())
    target = next(node for node in redis_cluster.masters() if node is not source)

    redis_cluster.move(slot, source, target)
    await ben.until(lambda: ben.gaps > 0 and ben.bus.healthy)
    anna.bus.publish([(CHANNEL, b"may be lost: it tells anna where the slot is not")])
    for number in range(100):
        anna.bus.publish([(CHANNEL, b"%d" % number), (OTHER, b"%d" % number)])
        await asyncio.sleep(0.05)
        if any(channel == CHANNEL for channel, _ in ben.received):
            break

    ben.received.clear()
    anna.bus.publish([(CHANNEL, b"there"), (OTHER, b"as ever")])
    await ben.until_received((CHANNEL, b"there"))
    await ben.until_received((OTHER, b"as ever"))
    assert (anna.bus.counts.reconnects, ben.bus.counts.reconnects) == (0, 0)


@pytest.mark.parametrize("name", ["coachwire-publish", "coachwire-subscribe"])
async def test_the_loss_of_one_connection_is_one_gap(
    redis_cluster: EmbeddedCluster, anna: Member, ben: Member, name: str
) -> None:
    await ben.bus.subscribe(CHANNEL)

    with redis.Redis.from_url(redis_cluster.master_of(CHANNEL).url) as client:
        for connection in client.client_list():
            if connection["name"] == name:
                client.client_kill_filter(_id=connection["id"])
    await asyncio.gather(anna.until(lambda: anna.gaps == 1), ben.until(lambda: ben.gaps == 1))

    anna.bus.publish([(CHANNEL, b"again")])
    assert await ben.until_received((CHANNEL, b"again")) == [(CHANNEL, b"again")]


async def test_one_node_of_those_named_is_enough_to_find_the_others(
    redis_cluster: EmbeddedCluster, own_redis: EmbeddedRedis, anna: Member
) -> None:
    own_redis.kill()
    port = redis_cluster.master_of(CHANNEL).port
    ben = Member(ClusterBus(f"redis+cluster://127.0.0.1:{own_redis.port},127.0.0.1:{port}"))
    await ben.bus.start(ben.receive, ben.gap)
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in CHANNELS])

    await _assert_all_arrive(anna, ben)

    await ben.bus.close()


async def test_a_server_that_belongs_to_no_cluster_is_no_bus_and_keeps_no_task(
    own_redis: EmbeddedRedis, capsys: pytest.CaptureFixture[str]
) -> None:
    before = asyncio.all_tasks()
    member = Member(ClusterBus(own_redis.url.replace("redis://", "redis+cluster://").removesuffix("/0")))
    await member.bus.start(member.receive, member.gap)
    await member.bus.subscribe(CHANNEL)
    member.bus.publish([(CHANNEL, b"into nothing")])

    assert not member.bus.healthy
    assert member.bus.canary_age() == float("inf")
    assert member.bus.counts.dropped == 1
    assert "cluster support disabled" in capsys.readouterr().out
    await asyncio.wait_for(member.bus.close(), LIMIT)
    assert asyncio.all_tasks() == before


async def test_closing_while_a_master_is_frozen_keeps_no_task(
    redis_cluster: EmbeddedCluster, join: Join
) -> None:
    before = asyncio.all_tasks()
    anna = await join()
    redis_cluster.master_of(CHANNEL).freeze()
    ben = await join()
    assert not ben.bus.healthy

    await asyncio.wait_for(asyncio.gather(anna.bus.close(), ben.bus.close()), LIMIT)

    assert asyncio.all_tasks() == before


async def test_an_account_with_no_more_rights_than_the_bus_needs_is_enough(
    redis_cluster: EmbeddedCluster,
) -> None:
    for node in redis_cluster.nodes:
        node.ask(
            "ACL", "SETUSER", "bus", "reset", "on", ">open: sesame", "&cw:*",
            "+spublish", "+ssubscribe", "+sunsubscribe", "+ping", "+cluster|info", "+cluster|slots",
        )  # fmt: skip
    url = redis_cluster.url.replace("://", "://bus:open%3A%20sesame@")
    anna, ben = Member(ClusterBus(url)), Member(ClusterBus(url))
    for member in (anna, ben):
        await member.bus.start(member.receive, member.gap)
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel in CHANNELS])

    await _assert_all_arrive(anna, ben)

    for member in (anna, ben):
        await member.bus.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://one,two:port",
        "unix+cluster:///tmp/redis,two",
        "redis+cluster://one?nope=1",
    ],
)
def test_a_url_that_is_not_a_cluster_s_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|Port"):
        ClusterBus(url)


async def _assert_all_arrive(anna: Member, ben: Member) -> None:
    messages = [(channel, b"to all") for channel in CHANNELS]
    anna.bus.publish(messages)
    await ben.until_all_received(messages)
