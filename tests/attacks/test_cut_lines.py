"""The network goes away at every step of a request: whoever asks again with the same id and resumes has lost nothing,
and sees nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import TestServer
from coachwire.keys import SOCKETS
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, message_to
from ..phone import Frame, Phone, SocketClosed
from ..server.conftest import OpenPhone
from ..server.platform import Tables, stored
from .proxy import Proxy

LOST = (ClientError, SocketClosed, OSError)


class Walker(Phone):
    """A phone on a line that is cut: it comes back, resumes, and asks again."""

    async def come_back(self) -> Frame:
        """Leave what was left of the old connection behind, and connect until it holds."""
        self._early.clear()
        return await self.connect()

    async def lose(self, kind: str, **fields: Any) -> None:
        """Make a request whose answer does not come, since the line is cut."""
        with pytest.raises(LOST):
            await self.ask(kind, **fields)


OpenWalker = Callable[[Someone], Awaitable[Walker]]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url).running() as proxy:
        yield proxy


@pytest.fixture
async def walker(http: ClientSession, proxy: Proxy) -> AsyncIterator[OpenWalker]:
    """`await walker(gym.coach)` is a phone that is connected through the proxy."""
    walkers: list[Walker] = []

    async def open_walker(who: Someone) -> Walker:
        walkers.append(Walker(http, proxy.url, who.token))
        await walkers[-1].connect()
        return walkers[-1]

    yield open_walker
    for one in walkers:
        await one.leave()


def told(phone: Phone, kind: str = "message.created") -> list[str]:
    """The messages of its events of this kind, in order. What an `ok` stood for is not among them."""
    events = [event["data"] for event in phone.events if event.get("kind") == kind]
    return [id_ for data in events for id_ in data.get("messageIds", [data.get("id")])]


async def head_of(phone: Phone, database: Tables, who: Someone) -> int:
    """The head of the stream, once the phone has reached it."""
    head = int(await database.fetchval("select position from user_streams where user_id = $1", who.user_id))
    await phone.reach(head)
    return head


async def test_a_send_that_was_cut_between_any_two_bytes_is_stored_once(
    gym: Place, phone: OpenPhone, walker: OpenWalker, proxy: Proxy, database: Tables
) -> None:
    member, coach = await phone(gym.member), await walker(gym.coach)
    sent = []
    for cut in [*range(16), *range(16, 321, 12)]:
        fields = message_to(gym.member, f"cut after {cut} bytes".ljust(100))
        sent.append(fields["id"])
        proxy.cut_after(up=cut)
        await coach.lose("message.send", **fields)
        await coach.come_back()
        answer = await coach.ask("message.send", **fields)
        assert answer["type"] == "ok", answer
    await head_of(coach, database, gym.coach)
    await head_of(member, database, gym.member)
    assert told(member) == sent
    assert await stored(database) == len(sent)
    assert coach.position == len(sent)


async def test_a_send_whose_ok_was_lost_is_answered_as_a_repetition(
    gym: Place, phone: OpenPhone, walker: OpenWalker, proxy: Proxy, database: Tables
) -> None:
    member, coach = await phone(gym.member), await walker(gym.coach)
    sent = []
    for cut in (0, 1, 2, 60, 150):
        fields = message_to(gym.member)
        sent.append(fields["id"])
        proxy.cut_after(down=cut)
        await coach.lose("message.send", **fields)
        event = await member.event("message.created")
        welcome = await coach.come_back()
        assert (welcome["resume"], welcome["events"]) == ("resumed", 1)
        answer = await coach.ask("message.send", **fields)
        assert answer["data"] == {
            "id": fields["id"],
            "recipientMembershipId": gym.member.membership_id,
            "createdAt": event["data"]["createdAt"],
            "duplicate": True,
        }
        assert "position" not in answer
    assert await head_of(coach, database, gym.coach) == len(sent)
    assert told(coach) == told(member) == sent
    assert await stored(database) == len(sent)


async def test_many_sends_in_flight_on_a_cut_line_are_stored_once_and_in_order(
    gym: Place, phone: OpenPhone, walker: OpenWalker, proxy: Proxy, database: Tables
) -> None:
    """Asked again in their order, those that had arrived are repetitions and the rest follow them."""
    member, coach = await phone(gym.member), await walker(gym.coach)
    sent: list[str] = []
    for cut in (1_000, 2_500, 4_000):
        batch = [message_to(gym.member, f"{n}") for n in range(20)]
        sent += [fields["id"] for fields in batch]
        proxy.cut_after(up=cut)
        with suppress(*LOST):
            for n, fields in enumerate(batch):
                await coach.say({"type": "message.send", "ref": n, **fields})
            await coach.answer(19)
        await coach.come_back()
        for n, fields in enumerate(batch):
            await coach.say({"type": "message.send", "ref": n, **fields})
        answers = [await coach.answer(n) for n in range(20)]
        assert {answer["type"] for answer in answers} == {"ok"}
        times = [answer["data"]["createdAt"] for answer in answers]
        assert times == sorted(set(times))
    await head_of(member, database, gym.member)
    assert told(member) == sent
    assert await head_of(coach, database, gym.coach) == len(sent)


async def test_receipts_and_deletions_whose_ok_was_lost_are_told_once(
    gym: Place, phone: OpenPhone, walker: OpenWalker, proxy: Proxy, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await walker(gym.member)
    org = gym.organization_id
    ids = [(await coach.ask("message.send", **message_to(gym.member)))["data"]["id"] for _ in range(2)]
    await member.reach(2)

    proxy.cut_after(down=0)
    await member.lose("message.read", organizationId=org, messageIds=ids)
    assert (await coach.event("message.read"))["data"]["messageIds"]
    await member.come_back()
    again = await member.ask("message.read", organizationId=org, messageIds=ids)
    assert again["data"] == {"markedCount": 0}

    own = (await member.ask("message.send", **message_to(gym.coach)))["data"]["id"]
    proxy.cut_after(down=0)
    await member.lose("message.delete", organizationId=org, id=own)
    deleted = await coach.event("message.deleted")
    await member.come_back()
    again = await member.ask("message.delete", organizationId=org, id=own)
    assert again["data"] == {"id": own, "deletedAt": deleted["data"]["deletedAt"]}

    await head_of(coach, database, gym.coach)
    await head_of(member, database, gym.member)
    for one in (coach, member):
        assert sorted(told(one, "message.read")) == sorted(ids)
        assert told(one, "message.deleted") == [own]


async def test_a_replay_that_is_cut_again_and_again_ends_complete(
    gym: Place, phone: OpenPhone, walker: OpenWalker, proxy: Proxy, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await walker(gym.member)
    await member.leave()
    batch = [message_to(gym.member, f"{n}") for n in range(300)]
    for start in range(0, 300, 30):
        await coach.say([{"type": "message.send", "ref": n, **batch[n]} for n in range(start, start + 30)])
        await coach.answer(start + 29)
    cuts = 0
    for cut in range(600, 60_000, 7_001):
        proxy.cut_after(down=cut)
        with suppress(*LOST):
            await member.come_back()
            break
        cuts += 1
    proxy.cut_after()
    await member.come_back()
    await head_of(member, database, gym.member)
    assert cuts >= 5
    assert told(member) == [fields["id"] for fields in batch]


async def test_a_hello_that_was_cut_anywhere_leaves_nobody_behind(
    gym: Place, walker: OpenWalker, proxy: Proxy, server: TestServer
) -> None:
    member = await walker(gym.member)
    await member.leave()
    for direction in ("up", "down"):
        for cut in (1, 40, 200, 240, 260, 300, 400, 500, 700, 900):
            proxy.cut_after(**{direction: cut})
            with suppress(*LOST):
                await member.come_back()
                proxy.cut()
            proxy.cut_after()
    await member.come_back()
    async with asyncio.timeout(5):
        while len(server.app[SOCKETS].connections) > 1:  # noqa: ASYNC110 - a set has no event
            await asyncio.sleep(0.01)
    answer = await member.ask("message.send", **message_to(gym.coach, id=str(uuid4())))
    assert answer["position"] == 1
