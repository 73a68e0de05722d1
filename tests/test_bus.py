"""One contract for both buses; and what Redis can do to the one that lives on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis
from coachwire.bus import Bus, Exchange, InProcessBus, Message
from coachwire.bus_redis import RedisBus

from .services import EmbeddedRedis

CHANNEL = "cw:user:0d3c6f4e-5a1b-4c8e-9d55-7f2f6a1f0c11"
OTHER = "cw:user:7b0a2c6e-91d4-4d1f-8a07-3e5d1b9c2f22"
LIMIT = 15  # s, for what the slowest machine does in a moment


class Member:
    """A bus with what it has received so far."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.received: list[Message] = []
        self.gaps = 0
        self._changed = asyncio.Event()

    def receive(self, channel: str, payload: bytes) -> None:
        self.received.append((channel, payload))
        self._changed.set()

    def gap(self) -> None:
        self.gaps += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_received(self, last: Message) -> list[Message]:
        await self.until(lambda: last in self.received)
        return self.received


Join = Callable[[], Awaitable[Member]]


@pytest.fixture(params=["in process", "redis"])
def new_bus(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    if request.param == "in process":
        exchange = Exchange()
        return lambda: InProcessBus(exchange)
    url: str = request.getfixturevalue("redis_url")
    return lambda: RedisBus(url)


@pytest.fixture
async def join(new_bus: Callable[[], Bus]) -> AsyncIterator[Join]:
    """Makes started members that meet one another."""
    members: list[Member] = []

    async def join() -> Member:
        members.append(member := Member(new_bus()))
        await member.bus.start(member.receive, member.gap)
        return member

    yield join
    for member in members:
        await member.bus.close()


@pytest.fixture
async def anna(join: Join) -> Member:
    return await join()


@pytest.fixture
async def ben(join: Join) -> Member:
    return await join()


async def test_a_message_reaches_every_other_member_once_and_never_its_publisher(join: Join) -> None:
    members = [await join() for _ in range(3)]
    for member in members:
        await member.bus.subscribe(CHANNEL)

    members[0].bus.publish([(CHANNEL, b"from the first")])
    for member in members[1:]:
        await member.until_received((CHANNEL, b"from the first"))
    members[1].bus.publish([(CHANNEL, b"from the second")])

    assert await members[0].until_received((CHANNEL, b"from the second")) == [(CHANNEL, b"from the second")]
    assert await members[2].until_received((CHANNEL, b"from the second")) == [
        (CHANNEL, b"from the first"),
        (CHANNEL, b"from the second"),
    ]
    assert members[1].received == [(CHANNEL, b"from the first")]


async def test_ten_thousand_messages_of_one_tick_arrive_in_order(anna: Member, ben: Member) -> None:
    await ben.bus.subscribe(CHANNEL)
    messages = [(CHANNEL, b"%d" % number) for number in range(10_000)]

    for message in messages:
        anna.bus.publish([message])

    assert await ben.until_received(messages[-1]) == messages


async def test_the_messages_of_one_publish_keep_their_order_across_channels(
    anna: Member, ben: Member
) -> None:
    await ben.bus.subscribe(CHANNEL)
    await ben.bus.subscribe(OTHER)
    messages = [((CHANNEL, OTHER)[number % 2], b"%d" % number) for number in range(100)]

    anna.bus.publish(messages)

    assert await ben.until_received(messages[-1]) == messages


async def test_what_is_published_once_a_subscription_is_confirmed_arrives(anna: Member, ben: Member) -> None:
    messages = [(f"cw:user:{number}", b"at once") for number in range(200)]
    for message in messages:
        await ben.bus.subscribe(message[0])
        anna.bus.publish([message])

    assert await ben.until_received(messages[-1]) == messages


async def test_a_channel_subscribed_twice_is_received_once(anna: Member, ben: Member) -> None:
    await asyncio.gather(ben.bus.subscribe(CHANNEL), ben.bus.subscribe(CHANNEL))
    await ben.bus.subscribe(CHANNEL)

    anna.bus.publish([(CHANNEL, b"once"), (CHANNEL, b"last")])

    assert await ben.until_received((CHANNEL, b"last")) == [(CHANNEL, b"once"), (CHANNEL, b"last")]


async def test_nothing_arrives_after_unsubscribing_not_even_what_was_under_way(
    anna: Member, ben: Member
) -> None:
    await ben.bus.subscribe(CHANNEL)
    await ben.bus.subscribe(OTHER)

    anna.bus.publish([(CHANNEL, b"under way")])
    ben.bus.unsubscribe(CHANNEL)
    anna.bus.publish([(CHANNEL, b"too late"), (OTHER, b"last")])

    assert await ben.until_received((OTHER, b"last")) == [(OTHER, b"last")]


async def test_unsubscribing_from_what_is_not_subscribed_is_nothing(anna: Member, ben: Member) -> None:
    await ben.bus.subscribe(CHANNEL)

    ben.bus.unsubscribe(OTHER)
    anna.bus.publish([(CHANNEL, b"still here")])

    assert await ben.until_received((CHANNEL, b"still here")) == [(CHANNEL, b"still here")]


async def test_whoever_leaves_a_channel_and_comes_back_at_once_is_subscribed(
    anna: Member, ben: Member
) -> None:
    await ben.bus.subscribe(CHANNEL)

    for number in range(50):
        ben.bus.unsubscribe(CHANNEL)
        await ben.bus.subscribe(CHANNEL)
        anna.bus.publish([(CHANNEL, b"%d" % number)])

    assert await ben.until_received((CHANNEL, b"49")) == [(CHANNEL, b"%d" % number) for number in range(50)]


@pytest.mark.parametrize(
    "payload",
    [b"", b"\0", b"\r\n$5\r\n", bytes(range(256)), b"\xff" * 65_536],
    ids=["empty", "NUL", "like Redis's own", "every byte", "64 KiB"],
)
async def test_a_payload_is_any_bytes(anna: Member, ben: Member, payload: bytes) -> None:
    await ben.bus.subscribe(CHANNEL)

    anna.bus.publish([(CHANNEL, payload)])

    assert await ben.until_received((CHANNEL, payload)) == [(CHANNEL, payload)]


async def test_three_thousand_channels_are_subscribed_together(anna: Member, ben: Member) -> None:
    messages = [(f"cw:user:{number}", b"%d" % number) for number in range(3_000)]
    await asyncio.gather(*[ben.bus.subscribe(channel) for channel, _ in messages])

    anna.bus.publish(messages)

    assert await ben.until_received(messages[-1]) == messages


async def test_a_member_that_has_just_started_is_healthy_and_has_missed_nothing(anna: Member) -> None:
    assert anna.bus.healthy
    assert anna.bus.canary_age() < 3
    assert anna.gaps == 0


async def test_what_passes_is_counted(anna: Member, ben: Member) -> None:
    await ben.bus.subscribe(CHANNEL)
    anna.bus.publish([(CHANNEL, b"1"), (OTHER, b"2"), (CHANNEL, b"3")])
    await ben.until_received((CHANNEL, b"3"))

    assert (anna.bus.counts.published, anna.bus.counts.dropped, anna.bus.counts.received) == (3, 0, 0)
    assert (ben.bus.counts.published, ben.bus.counts.dropped, ben.bus.counts.received) == (0, 0, 2)


async def test_a_closed_bus_receives_nothing_drops_what_is_published_and_keeps_no_task(join: Join) -> None:
    before = asyncio.all_tasks()
    anna, ben, carla = await join(), await join(), await join()
    await ben.bus.subscribe(CHANNEL)
    await carla.bus.subscribe(CHANNEL)

    await ben.bus.close()
    ben.bus.publish([(CHANNEL, b"into nothing")])
    await ben.bus.subscribe(OTHER)
    ben.bus.unsubscribe(CHANNEL)
    anna.bus.publish([(CHANNEL, b"last")])

    assert await carla.until_received((CHANNEL, b"last")) == [(CHANNEL, b"last")]
    assert ben.received == []
    assert ben.bus.counts.dropped == 1
    for member in (anna, ben, carla):
        await member.bus.close()
    assert asyncio.all_tasks() == before


class TestOnRedis:
    """What happens to Redis, told by a server of the test's own."""

    @pytest.fixture
    def new_bus(self, own_redis: EmbeddedRedis) -> Callable[[], Bus]:
        return lambda: RedisBus(own_redis.url)

    async def test_a_restart_is_a_gap_after_which_every_channel_is_received_again(
        self, own_redis: EmbeddedRedis, anna: Member, ben: Member
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
        self, own_redis: EmbeddedRedis, anna: Member, ben: Member, name: str
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
        self, own_redis: EmbeddedRedis, anna: Member, ben: Member
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
        self, own_redis: EmbeddedRedis, anna: Member
    ) -> None:
        own_redis.freeze()
        await until(lambda: not anna.bus.healthy)
        own_redis.thaw()

        await anna.until(lambda: anna.gaps == 1)

        assert anna.bus.healthy

    async def test_a_bus_starts_without_redis_and_finds_it_when_it_appears(
        self, own_redis: EmbeddedRedis, join: Join
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
        self, own_redis: EmbeddedRedis, anna: Member
    ) -> None:
        own_redis.freeze()
        for _ in range(1_600):  # 100 MiB
            anna.bus.publish([(CHANNEL, bytes(65_536))])
            await asyncio.sleep(0)  # a tick, in which it may be written

        counts = anna.bus.counts
        assert counts.published + counts.dropped == 1_600
        assert counts.published < 320  # 20 MiB: ours and what the kernel's socket buffers take

    async def test_publishing_while_redis_is_away_is_dropped_and_counted(
        self, own_redis: EmbeddedRedis, anna: Member
    ) -> None:
        own_redis.kill()
        await until(lambda: not anna.bus.healthy)

        anna.bus.publish([(CHANNEL, b"1"), (CHANNEL, b"2")])

        assert (anna.bus.counts.published, anna.bus.counts.dropped) == (0, 2)

    async def test_subscribing_on_a_frozen_redis_gives_up_after_half_a_second(
        self, own_redis: EmbeddedRedis, anna: Member, ben: Member
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
        self, own_redis: EmbeddedRedis, join: Join
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
        self, own_redis: EmbeddedRedis, join: Join, anna: Member
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

    async def test_an_account_with_no_more_rights_than_the_bus_needs_is_enough(
        self, own_redis: EmbeddedRedis
    ) -> None:
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


async def until(condition: Callable[[], bool]) -> None:
    """For what no event tells: the absence of a canary is only a time that passes."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - there is nothing to set an Event
            await asyncio.sleep(0.01)
