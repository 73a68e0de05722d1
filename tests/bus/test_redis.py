"""What a Redis can do to the bus that lives on it, told by a server of each test's own."""

import asyncio
import time
from collections.abc import Callable

import pytest
import redis
from coachwire.bus import Bus
from coachwire.bus.redis import RedisBus

from ..services import EmbeddedCluster, EmbeddedRedis
from .conftest import CHANNEL, LIMIT, Join, Member, until


@pytest.fixture
def new_bus(own_redis: EmbeddedRedis) -> Callable[[], Bus]:
    return lambda: RedisBus(own_redis.url)


async def test_a_restart_is_a_gap_after_which_every_channel_is_received_again(
    own_redis: EmbeddedRedis, anna: Member, ben: Member
) -> None:
    messages = [(f"cw:user:{number}", b"%d" % number) for number in range(1_200)]
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel, _ in messages])

    own_redis.kill()
    await until(lambda: not anna.bus.healthy and not ben.bus.healthy)
    own_redis.start()
    await asyncio.gather(anna.until(lambda: anna.gaps == 1), ben.until(lambda: ben.gaps == 1))

    assert anna.bus.healthy
    assert ben.bus.healthy
    anna.bus.publish(messages)
    assert await ben.until_received(messages[-1]) == messages
    assert (anna.gaps, ben.gaps, ben.bus.counts.reconnects) == (1, 1, 1)


@pytest.mark.parametrize("name", ["coachwire-publish", "coachwire-subscribe"])
async def test_the_loss_of_either_connection_is_a_gap(
    own_redis: EmbeddedRedis, anna: Member, ben: Member, name: str
) -> None:
    await ben.bus.subscribe(CHANNEL)

    with redis.Redis.from_url(own_redis.url) as client:
        for connection in client.client_list():
            if connection["name"] == name:
                client.client_kill_filter(_id=connection["id"])
    await asyncio.gather(anna.until(lambda: anna.gaps == 1), ben.until(lambda: ben.gaps == 1))

    anna.bus.publish([(CHANNEL, b"again")])
    assert await ben.until_received((CHANNEL, b"again")) == [(CHANNEL, b"again")]


async def test_a_frozen_redis_shows_within_five_seconds_and_ends_in_one_gap(
    own_redis: EmbeddedRedis, anna: Member, ben: Member
) -> None:
    await ben.bus.subscribe(CHANNEL)

    own_redis.freeze()
    frozen = time.monotonic()
    await until(lambda: not anna.bus.healthy and not ben.bus.healthy)
    assert time.monotonic() - frozen < 5
    assert (anna.gaps, ben.gaps) == (0, 0)

    await until(lambda: anna.bus.canary_age() == ben.bus.canary_age() == float("inf"))  # given up
    own_redis.thaw()
    await asyncio.gather(anna.until(lambda: anna.gaps == 1), ben.until(lambda: ben.gaps == 1))
    assert anna.bus.healthy
    assert ben.bus.healthy
    anna.bus.publish([(CHANNEL, b"again")])
    assert await ben.until_received((CHANNEL, b"again")) == [(CHANNEL, b"again")]
    assert (anna.gaps, ben.gaps) == (1, 1)


async def test_a_pause_that_costs_no_connection_is_a_gap_if_the_canary_was_overdue(
    own_redis: EmbeddedRedis, anna: Member
) -> None:
    own_redis.freeze()
    await until(lambda: not anna.bus.healthy)
    own_redis.thaw()

    await anna.until(lambda: anna.gaps == 1)

    assert anna.bus.healthy


async def test_a_bus_starts_without_redis_and_finds_it_when_it_appears(
    own_redis: EmbeddedRedis, join: Join
) -> None:
    own_redis.kill()
    anna, ben = await join(), await join()
    assert not anna.bus.healthy
    assert anna.bus.canary_age() == float("inf")
    await ben.bus.subscribe(CHANNEL)
    anna.bus.publish([(CHANNEL, b"into nothing")])

    own_redis.start()
    await asyncio.gather(anna.until(lambda: anna.gaps == 1), ben.until(lambda: ben.gaps == 1))

    anna.bus.publish([(CHANNEL, b"at last")])
    assert await ben.until_received((CHANNEL, b"at last")) == [(CHANNEL, b"at last")]
    assert (anna.bus.counts.dropped, anna.bus.counts.reconnects) == (1, 0)


async def test_publishing_to_a_frozen_redis_neither_waits_nor_fills_the_memory(
    own_redis: EmbeddedRedis, anna: Member
) -> None:
    own_redis.freeze()
    for _ in range(1_600):  # 100 MiB
        anna.bus.publish([(CHANNEL, bytes(65_536))])
        await asyncio.sleep(0)  # a tick, in which it may be written

    counts = anna.bus.counts
    assert counts.published + counts.dropped == 1_600
    assert counts.published < 320  # 20 MiB: ours and what the kernel's socket buffers take


async def test_publishing_while_redis_is_away_is_dropped_and_counted(
    own_redis: EmbeddedRedis, anna: Member
) -> None:
    own_redis.kill()
    await until(lambda: not anna.bus.healthy)

    anna.bus.publish([(CHANNEL, b"1"), (CHANNEL, b"2")])

    assert (anna.bus.counts.published, anna.bus.counts.dropped) == (0, 2)


async def test_subscribing_on_a_frozen_redis_gives_up_after_half_a_second(
    own_redis: EmbeddedRedis, anna: Member, ben: Member
) -> None:
    own_redis.freeze()
    asked = time.monotonic()
    await ben.bus.subscribe(CHANNEL)
    assert 0.4 < time.monotonic() - asked < 1.5

    own_redis.thaw()
    await ben.bus.subscribe(CHANNEL)  # confirmed now
    anna.bus.publish([(CHANNEL, b"again")])
    assert await ben.until_received((CHANNEL, b"again")) == [(CHANNEL, b"again")]


async def test_closing_while_redis_is_frozen_or_away_keeps_no_task(
    own_redis: EmbeddedRedis, join: Join
) -> None:
    before = asyncio.all_tasks()
    anna = await join()
    own_redis.freeze()
    ben = await join()  # Redis accepts the connection and says nothing
    assert not ben.bus.healthy
    await asyncio.wait_for(asyncio.gather(anna.bus.close(), ben.bus.close()), LIMIT)

    own_redis.kill()
    carla = await join()
    await asyncio.wait_for(carla.bus.close(), LIMIT)

    assert asyncio.all_tasks() == before


async def test_a_password_is_needed_where_redis_asks_for_one(
    own_redis: EmbeddedRedis, join: Join, anna: Member
) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("requirepass", "open: sesame")
    right = Member(RedisBus(own_redis.url.replace("redis://", "redis://:open%3A%20sesame@")))
    wrong = Member(RedisBus(own_redis.url.replace("redis://", "redis://:wrong@")))

    for member in (right, wrong):
        await member.bus.start(member.receive, member.gap)
    without = await join()

    assert [member.bus.healthy for member in (right, wrong, without)] == [True, False, False]
    for member in (right, wrong):
        await member.bus.close()


async def test_an_account_with_no_more_rights_than_the_bus_needs_is_enough(own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command(
            "ACL", "SETUSER", "bus", "reset", "on", ">secret", "&cw:*",
            "+publish", "+subscribe", "+unsubscribe", "+ping",
        )  # fmt: skip
    url = own_redis.url.replace("redis://", "redis://bus:secret@")
    anna, ben = Member(RedisBus(url)), Member(RedisBus(url))
    for member in (anna, ben):
        await member.bus.start(member.receive, member.gap)

    await ben.bus.subscribe(CHANNEL)
    anna.bus.publish([(CHANNEL, b"allowed")])

    assert await ben.until_received((CHANNEL, b"allowed")) == [(CHANNEL, b"allowed")]
    for member in (anna, ben):
        await member.bus.close()


@pytest.mark.parametrize("url", ["", "http://redis", "redis://redis:port", "redis://redis?nope=1"])
def test_a_url_that_is_not_redis_s_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|Port"):
        RedisBus(url)


async def test_a_node_of_a_cluster_is_refused_since_plain_channels_would_reach_every_node(
    redis_cluster: EmbeddedCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    member = Member(RedisBus(redis_cluster.master_of(CHANNEL).url))

    await member.bus.start(member.receive, member.gap)

    assert not member.bus.healthy
    assert "must begin with redis+cluster://" in capsys.readouterr().out
    await member.bus.close()
