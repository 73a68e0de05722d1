"""Hints get lost, come twice, late or from nowhere: the stream's positions put it right."""

import asyncio
import json

import redis.asyncio
from aiohttp import ClientSession

from ..gym import Place, message_to
from ..instances import Instance, instances
from ..phone import Frame, Phone

REPAIRED = 1.0  # s; a gap is awaited 20 ms and then read
COMPARED = 6.0  # s; heads are compared every 5 s while the bus is healthy


async def test_an_event_whose_hint_was_lost_is_read_when_the_next_one_comes(
    database_url: str, servers: list[Instance], gym: Place
) -> None:
    async with (
        instances(1, database_url) as (mute,),  # on no bus: nobody hears of what it stores
        ClientSession() as session,
        Phone(session, mute.url, gym.coach.token) as unheard,
        Phone(session, servers[0].url, gym.coach.token) as heard,
        Phone(session, servers[1].url, gym.member.token) as member,
    ):
        lost = [message_to(gym.member, f"lost {number}") for number in range(3)]
        for message in lost:
            assert (await unheard.ask("message.send", **message))["type"] == "ok"
        last = message_to(gym.member, "heard")
        assert (await heard.ask("message.send", **last))["type"] == "ok"
        for phone in (member, heard):
            async with asyncio.timeout(REPAIRED):
                told = [await phone.event("message.created") for _ in range(4)]
            assert [event["data"]["id"] for event in told] == [message["id"] for message in (*lost, last)]
            assert [event["position"] for event in told] == [1, 2, 3, 4]


async def test_an_event_whose_hint_was_lost_is_found_by_comparison_when_nothing_follows(
    database_url: str, servers: list[Instance], gym: Place
) -> None:
    async with (
        instances(1, database_url) as (mute,),
        ClientSession() as session,
        Phone(session, mute.url, gym.coach.token) as unheard,
        Phone(session, servers[1].url, gym.member.token) as member,
    ):
        message = message_to(gym.member)
        assert (await unheard.ask("message.send", **message))["type"] == "ok"
        async with asyncio.timeout(COMPARED):
            assert (await member.event("message.created"))["data"]["id"] == message["id"]


async def test_hints_that_come_twice_in_the_wrong_order_or_broken_are_told_once_in_order(
    database_url: str, redis_url: str, servers: list[Instance], gym: Place
) -> None:
    async with (
        instances(1, database_url) as (mute,),
        ClientSession() as session,
        Phone(session, mute.url, gym.coach.token) as unheard,
        Phone(session, mute.url, gym.member.token) as witness,
        Phone(session, servers[0].url, gym.coach.token) as heard,
        Phone(session, servers[1].url, gym.member.token) as member,
        redis.asyncio.from_url(redis_url) as publisher,
    ):
        for number in range(3):
            message = message_to(gym.member, f"number {number}")
            assert (await unheard.ask("message.send", **message))["type"] == "ok"
        events = [await witness.event("message.created") for _ in range(3)]
        hints = [_hint(event) for event in events]
        for hint in (hints[2], b"E", b"E1", b"Ex 1 {}", b"?", b"", hints[0], hints[0], hints[2], hints[1]):
            await publisher.publish(f"cw:user:{gym.member.user_id}", b"somebody" + hint)
        async with asyncio.timeout(REPAIRED):
            told = [await member.event("message.created") for _ in range(3)]
        assert told == events
        assert (await heard.ask("message.send", **message_to(gym.member)))["type"] == "ok"
        assert (await member.event("message.created"))["position"] == 4


def _hint(event: Frame) -> bytes:
    """As one instance tells another of an event; eight bytes that name the publisher stand before it."""
    return b"E%d %d %b" % (event["position"], event["position"], json.dumps(event).encode())
