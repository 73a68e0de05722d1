"""Several instances at one outbox: each row is one's at a time, and nothing dies with an instance."""

import asyncio
from uuid import UUID

from aiohttp import ClientSession, web

from ..gym import Place
from ..instances import instances
from ..phone import Phone
from .outbox import Outbox, Tables
from .receiver import PATIENCE, SECRET, Receiver

ROWS = 150


def posting_to(receiver: Receiver) -> dict[str, str]:
    return {
        "COACHWIRE_WEBHOOK_URL": receiver.url,
        "COACHWIRE_WEBHOOK_SECRETS": SECRET,
        "COACHWIRE_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8",
    }


async def test_two_instances_post_each_row_once(
    gym: Place, database_url: str, database: Tables, outbox: Outbox, receiver: Receiver
) -> None:
    async with (
        instances(2, database_url, **posting_to(receiver)) as servers,
        ClientSession() as http,
        Phone(http, servers[0].url, gym.coach.token) as coach,
    ):
        sent = [await outbox.message(coach, gym.member, due=False) for _ in range(ROWS)]
        await database.execute("update outbox set due_at = now()")
        told = [(await receiver.next()).verified()["data"]["messageId"] for _ in sent]
        async with asyncio.timeout(PATIENCE):
            while await database.fetchval("select count(*) from outbox where state <> 'sent'"):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.02)
    assert sorted(told) == sorted(sent)
    assert len(receiver.posts) == ROWS


async def test_what_was_posted_by_an_instance_that_was_killed_before_it_said_so_is_posted_again_with_the_same_id(
    gym: Place, database_url: str, database: Tables, outbox: Outbox, receiver: Receiver
) -> None:
    killed = asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        await killed.wait()
        return web.Response(status=204)

    receiver.answers = [hold]
    settings = posting_to(receiver)
    async with instances(1, database_url, **settings) as (first,), ClientSession() as http:
        async with Phone(http, first.url, gym.coach.token) as coach:
            id_ = await outbox.message(coach, gym.member)
            before = await receiver.next()
            first.kill()
            await first.exit_code()
            killed.set()
        async with instances(1, database_url, **settings):
            assert await outbox.rows(id_) == [("message", "waiting", 1, None)]
            held = await database.fetchval(
                "select extract(epoch from due_at - now())::float8 from outbox where subject_id = $1",
                UUID(id_),
            )
            assert 30 < held <= 60  # the lease, which the test does not wait for
            await outbox.due(id_)
            after = await receiver.next()
            assert await outbox.settled(id_, "sent") == [("message", "sent", 2, None)]
    assert before.id == after.id
    assert before.verified() == after.verified()


async def test_an_instance_says_what_it_gave_up_and_nothing_that_opens_a_door(
    gym: Place, database_url: str, outbox: Outbox, receiver: Receiver
) -> None:
    receiver.answers = [410]
    settings = posting_to(receiver) | {"COACHWIRE_LOG_LEVEL": "debug"}
    settings["COACHWIRE_WEBHOOK_URL"] += "/canary-path?canary-query"
    async with instances(1, database_url, **settings) as (server,), ClientSession() as http:
        async with Phone(http, server.url, gym.coach.token) as coach:
            await outbox.message(coach, gym.member, "canary-content")
        await server.says("notification_dead", problem="status 410", receiver="webhook", attempts=1)
        log = server.log.read_text()
    for canary in ("canary-", SECRET.removeprefix("whsec_"), gym.coach.name):
        assert canary not in log


async def test_an_instance_that_is_stopped_ends_what_it_is_posting(
    gym: Place, database_url: str, outbox: Outbox, receiver: Receiver
) -> None:
    arrived = asyncio.Event()

    async def slowly(_: web.Request) -> web.Response:
        await arrived.wait()
        await asyncio.sleep(0.2)
        return web.Response(status=204)

    receiver.answers = [slowly]
    async with instances(1, database_url, **posting_to(receiver)) as (server,), ClientSession() as http:
        async with Phone(http, server.url, gym.coach.token) as coach:
            id_ = await outbox.message(coach, gym.member)
            await receiver.next()
            server.terminate()
            arrived.set()
        assert await server.exit_code() == 0
        assert await outbox.rows(id_) == [("message", "sent", 1, None)]
