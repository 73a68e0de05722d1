"""Receivers that fail, stall, lead astray or say too much: tried again, in the end given up, and nobody is held up."""

import asyncio
import time
from collections.abc import MutableMapping
from email.utils import formatdate
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from coachwire.notifications.outbox import ATTEMPTS, pause

from ..gym import Place
from ..server.conftest import OpenPhone
from .outbox import Outbox, Tables
from .receiver import PATIENCE, Receiver

Log = list[MutableMapping[str, Any]]


async def take_out(log: Log, event: str) -> MutableMapping[str, Any]:
    """The line of this event, as soon as it is there: it is no mistake of the test's."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for entry in log:
                if entry["event"] == event:
                    log.remove(entry)
                    return entry
            await asyncio.sleep(0)


async def test_what_failed_is_posted_again_with_the_same_id_and_signed_anew(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    receiver.answers = [500, 404, 429]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    posts = [await receiver.next() for _ in range(4)]
    assert await outbox.settled(id_, "sent") == [("message", "sent", 4, None)]
    assert len({post.id for post in posts}) == 1
    assert [post.verified()["data"]["messageId"] for post in posts] == [id_] * 4


async def test_after_the_last_attempt_it_is_given_up_and_said(
    gym: Place,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    log: Log,
) -> None:
    monkeypatch.setattr("coachwire.notifications.outbox.ATTEMPTS", 3)
    receiver.answers = [503, 503, 503]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "dead") == [("message", "dead", 3, "status 503")]
    assert len(receiver.posts) == 3
    dead = await take_out(log, "notification_dead")
    assert (dead["kind"], dead["attempts"], dead["problem"]) == ("message", 3, "status 503")


async def test_who_says_gone_is_not_asked_again(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, log: Log
) -> None:
    receiver.answers = [410]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "dead") == [("message", "dead", 1, "status 410")]
    assert (await take_out(log, "notification_dead"))["attempts"] == 1


def test_pauses_grow_to_four_hours_and_are_never_the_same() -> None:
    for attempt in range(1, ATTEMPTS):
        longest = min(14_400, 5 * 2 ** (attempt - 1))
        pauses = [pause(attempt) for _ in range(200)]
        assert 0 <= min(pauses) < longest / 4 < longest / 2 < max(pauses) <= longest
    assert sum(min(14_400, 5 * 2**n) for n in range(ATTEMPTS - 1)) / 2 > 24 * 3600


@pytest.fixture(autouse=True)
def _usual_pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pauses" in request.node.name:
        monkeypatch.setattr("coachwire.notifications.outbox.PAUSES", (5.0, 14_400.0))


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("120", 115, 120), ("999999", 3595, 3600), ("-5", -5, 5), ("soon", -5, 5)]
)
async def test_a_receiver_may_ask_for_time_within_bounds(
    gym: Place,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    database: Tables,
    asked: str,
    least: float,
    most: float,
) -> None:
    async def later(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": asked})

    receiver.answers = [later]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    await receiver.next()
    assert least <= await _waits(database, id_) <= most


async def test_or_until_a_date(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    async def later(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": formatdate(time.time() + 300, usegmt=True)})

    receiver.answers = [later]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    await receiver.next()
    assert 295 <= await _waits(database, id_) <= 305


async def _waits(database: Tables, id_: str) -> float:
    """For how long it is set aside, once that is written."""
    while True:
        row = await database.fetchrow(
            "select extract(epoch from due_at - now())::float8 as wait from outbox"
            " where subject_id = $1 and problem is not null",
            UUID(id_),
        )
        if row is not None:
            return float(row["wait"])


async def test_a_redirect_is_not_followed(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{receiver.url}/elsewhere"})

    receiver.answers = [elsewhere]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    first, second = await receiver.next(), await receiver.next()
    assert await outbox.settled(id_, "sent") == [("message", "sent", 2, None)]
    assert (first.id, len(receiver.posts)) == (second.id, 2)


async def test_who_never_answers_is_left_and_holds_up_nobody(
    gym: Place,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    database: Tables,
) -> None:
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    coach = await phone(gym.coach)
    receiver.answers = [hang]
    stuck = await outbox.message(coach, gym.member)
    await receiver.next()
    others = [await outbox.message(coach, gym.member) for _ in range(20)]
    told = {(await receiver.next()).told["data"]["messageId"] for _ in others}
    assert told == set(others)
    assert await outbox.rows(stuck) == [("message", "waiting", 1, None)]
    never.set()
    await outbox.settled(stuck, "sent")


async def test_an_answer_without_end_is_not_read_to_it(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            sent += 65_536

    receiver.answers = [endless]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)]
    assert sent < 50_000_000


async def test_an_answer_that_stops_in_its_middle_counts_by_its_status(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.notifications.posting.DRAIN", 0.05)
    never = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"thank")
        await never.wait()
        return response

    receiver.answers = [stall]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)]
    never.set()


async def test_a_receiver_that_is_not_there_is_tried_again(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.answers = [cut]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "sent") == [("message", "sent", 2, None)]
