"""One contract for all buses: in one process, over a Redis, over a Redis Cluster."""

import asyncio

import pytest

from .conftest import CHANNEL, OTHER, Join, Member


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


async def test_each_channel_keeps_its_order_when_one_publish_mixes_them(anna: Member, ben: Member) -> None:
    await ben.bus.subscribe(CHANNEL)
    await ben.bus.subscribe(OTHER)
    messages = [((CHANNEL, OTHER)[number % 2], b"%d" % number) for number in range(100)]

    anna.bus.publish(messages)

    received = await ben.until_all_received(messages)
    assert [message for message in received if message[0] == CHANNEL] == messages[::2]
    assert [message for message in received if message[0] == OTHER] == messages[1::2]


async def test_what_is_published_once_a_subscription_is_confirmed_arrives(anna: Member, ben: Member) -> None:
    messages = [(f"cw:user:{number}", b"at once") for number in range(200)]
    for message in messages:
        await ben.bus.subscribe(message[0])
        anna.bus.publish([message])

    await ben.until_all_received(messages)


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

    await ben.until_all_received(messages)


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
