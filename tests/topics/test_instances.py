"""Topics over two instances: what one stores is told by the other, whatever becomes of the hints between them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import redis.asyncio
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..instances import Instance, instances
from ..phone import Frame, Phone
from ..services import EmbeddedRedis
from .conftest import Board, Platform, closed

COMPARED = 6.0  # s; heads are compared every 5 s while the bus is healthy
LOOKED = 11.0  # s; rights are looked at every 10 s


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncIterator[list[Instance]]:
    """Two that share a database and a Redis."""
    async with instances(2, database_url, redis_url) as servers:
        yield servers


@asynccontextmanager
async def watching(server: Instance, *people: Someone, topic: str) -> AsyncIterator[list[Phone]]:
    """Phones on this instance that have the topic open."""
    async with ClientSession() as session:
        phones = [Phone(session, server.url, who.token) for who in people]
        for phone in phones:
            await phone.connect()
            await phone.open_topic(topic)
        yield phones
        for phone in phones:
            await phone.leave()


def comment_on(board: Board, body: str = "knees out") -> dict[str, Any]:
    return {
        "organizationId": board.gym.organization_id,
        "id": str(uuid4()),
        "workoutMovementId": board.movement_id,
        "body": body,
    }


async def test_a_comment_reaches_whoever_watches_on_either_instance(
    gym: Place, board: Board, servers: list[Instance]
) -> None:
    first, second = servers
    async with (
        watching(first, gym.coach, gym.coach2, topic=board.exercise) as here,
        watching(second, gym.owner, gym.member, topic=board.exercise) as there,
    ):
        for number in range(5):
            comment = comment_on(board, f"number {number}")
            answer = await here[0].ask("comment.create", **comment)
            assert answer["type"] == "ok"
            assert "topic" not in answer["data"]
            events = [await phone.in_topic(board.exercise, "comment.created") for phone in (*here, *there)]
            assert {event["data"]["id"] for event in events} == {comment["id"]}
            assert {event["position"] for event in events} == {number + 1}


async def test_what_an_instance_on_no_bus_stores_is_read_when_the_next_hint_comes_or_at_the_comparison(
    gym: Place, board: Board, database_url: str, servers: list[Instance]
) -> None:
    async with (
        instances(1, database_url) as (mute,),  # on no bus: nobody hears of what it stores
        watching(mute, gym.coach, topic=board.exercise) as (unheard,),
        watching(servers[0], gym.coach2, topic=board.exercise) as (heard,),
        watching(servers[1], gym.owner, topic=board.exercise) as (owner,),
    ):
        lost = [comment_on(board, f"lost {number}") for number in range(3)]
        for comment in lost:
            assert (await unheard.ask("comment.create", **comment))["type"] == "ok"
        last = comment_on(board, "heard")
        assert (await heard.ask("comment.create", **last))["type"] == "ok"
        for phone in (owner, heard):
            told = [await phone.in_topic(board.exercise, "comment.created") for _ in range(4)]
            assert [event["data"]["id"] for event in told] == [comment["id"] for comment in (*lost, last)]
        alone = comment_on(board, "alone")
        assert (await unheard.ask("comment.create", **alone))["type"] == "ok"
        async with asyncio.timeout(COMPARED):
            assert (await owner.in_topic(board.exercise, "comment.created"))["data"]["id"] == alone["id"]


async def test_hints_that_come_twice_in_the_wrong_order_or_broken_are_told_once_in_order(
    gym: Place, board: Board, database_url: str, redis_url: str, servers: list[Instance]
) -> None:
    async with (
        instances(1, database_url) as (mute,),
        watching(mute, gym.coach, topic=board.exercise) as (unheard,),
        watching(servers[1], gym.owner, topic=board.exercise) as (owner,),
        redis.asyncio.from_url(redis_url) as publisher,
    ):
        events = []
        for number in range(3):
            assert (await unheard.ask("comment.create", **comment_on(board, f"number {number}")))[
                "type"
            ] == "ok"
            events.append(await unheard.in_topic(board.exercise, "comment.created"))
        hints = [_hint(event) for event in events]
        for hint in (
            hints[2],
            b"E",
            b"E1",
            b"Ex 1 {}",
            b"?",
            b"",
            b"S",
            b"R",
            hints[0],
            hints[0],
            hints[2],
            hints[1],
        ):
            await publisher.publish(f"cw:topic:{board.exercise}", b"somebody" + hint)
        assert [await owner.in_topic(board.exercise, "comment.created") for _ in range(3)] == events


async def test_a_right_that_ends_closes_the_topic_on_the_other_instance(
    gym: Place, board: Board, platform: Platform, servers: list[Instance]
) -> None:
    async with (
        watching(servers[0], gym.coach2, gym.member, topic=board.thread) as here,
        watching(servers[1], gym.coach2, gym.member, topic=board.thread) as there,
    ):
        await platform.set_status(gym.coach2, "suspended")
        for phone in (here[0], there[0]):
            assert await phone.next("topic.closed") == closed(board.thread, "forbidden")
        await platform.do(
            "update workout_assignments set deleted_at = now() where id = $1", board.assignment_id
        )
        for phone in (here[1], there[1]):
            assert await phone.next("topic.closed") == closed(board.thread, "gone")


async def test_a_right_whose_end_was_told_to_nobody_is_found(
    gym: Place, board: Board, database_url: str, servers: list[Instance]
) -> None:
    async with watching(servers[0], gym.coach2, topic=board.thread) as (coach,):
        silent = await asyncpg.connect(database_url, server_settings={"coachwire.quiet": "on"})
        await silent.execute(
            "update memberships set status = 'suspended' where id = $1", UUID(gym.coach2.membership_id)
        )
        await silent.close()
        async with asyncio.timeout(LOOKED):
            assert await coach.next("topic.closed") == closed(board.thread, "forbidden")


async def test_nothing_is_lost_when_redis_is_killed_and_comes_back(
    gym: Place, board: Board, database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with (
        instances(2, database_url, own_redis.url) as (first, second),
        watching(first, gym.coach, topic=board.exercise) as (writer,),
        watching(second, gym.owner, gym.member, topic=board.exercise) as watchers,
    ):
        written: list[str] = []

        async def write(times: int) -> None:
            for _ in range(times):
                comment = comment_on(board)
                assert (await writer.ask("comment.create", **comment))["type"] == "ok"
                written.append(comment["id"])

        await write(20)
        own_redis.kill()
        await write(20)
        await asyncio.to_thread(own_redis.start)
        await write(20)
        for phone in (writer, *watchers):
            told = [await phone.in_topic(board.exercise, "comment.created") for _ in written]
            assert [event["data"]["id"] for event in told] == written


async def test_when_an_instance_is_killed_its_clients_go_on_at_the_other(
    gym: Place, board: Board, servers: list[Instance]
) -> None:
    async with (
        watching(servers[0], gym.owner, topic=board.exercise) as (owner,),
        watching(servers[1], gym.coach, topic=board.exercise) as (coach,),
    ):
        ids = []
        for number in range(6):
            if number == 3:
                servers[0].kill()
                await owner.close_code()
            comment = comment_on(board)
            assert (await coach.ask("comment.create", **comment))["type"] == "ok"
            ids.append(comment["id"])
        moved = Phone(owner._session, servers[1].url, owner.token, owner.device)
        moved.epoch, moved.position, moved.topics = owner.epoch, owner.position, owner.topics
        resume = {"epoch": moved.epoch, "position": moved.topics[board.exercise]}
        await moved.connect(topics=[{"topic": board.exercise, "resume": resume}])
        assert (await moved.next("topic.opened"))["resume"] == "resumed"
        missed = ids[owner.topics[board.exercise] :]
        told = [await moved.in_topic(board.exercise, "comment.created") for _ in missed]
        assert [event["data"]["id"] for event in told] == missed
        await moved.leave()


async def test_no_channel_stays_subscribed_when_nobody_watches_any_more(
    gym: Place, board: Board, redis_url: str, servers: list[Instance]
) -> None:
    async with watching(servers[0], gym.coach, topic=board.thread) as (coach,):
        both = [{"type": f"topic.{what}", "topic": board.exercise} for what in ("open", "close")]
        for _ in range(5):
            await coach.say(both)
        await coach.say(both[:1])  # and ends with the connection
        await coach.drained()
    async with asyncio.timeout(COMPARED), redis.asyncio.from_url(redis_url) as looking:
        while await looking.pubsub_channels("cw:topic:*"):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.05)


def _hint(event: Frame) -> bytes:
    """As one instance tells another of an event; eight bytes that name the publisher stand before it."""
    return b"E%d %d %b" % (event["position"], event["position"], json.dumps(event).encode())
