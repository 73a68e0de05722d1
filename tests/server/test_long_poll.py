"""The user's stream over REST: positions as on the socket, and a wait that an event ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.keys import POLLS
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from .caller import Answer, Caller
from .conftest import OpenPhone
from .platform import Tables, add_skipped, delete_user

EVENTS = "/v1/events"


async def begin(caller: Caller) -> dict[str, Any]:
    """Where the stream is, in the form of the next question."""
    fresh = (await caller.get(EVENTS)).data
    return {"epoch": fresh["epoch"], "position": fresh["position"]}


async def polls_waiting(server: TestServer, count: int) -> None:
    """Until so many polls wait on this server."""
    polls = server.app[POLLS]
    async with asyncio.timeout(10):
        while True:
            if sum(map(len, polls._waiting.values())) == count:
                return
            await asyncio.sleep(0.01)


async def test_without_an_epoch_it_tells_where_the_stream_is(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await add_skipped(database, gym.member, 3)
    epoch = await database.fetchval("select epoch from stream_epoch")
    fresh = await Caller(http, gym.member).get(EVENTS, wait=25)
    assert fresh.data == {"resume": "fresh", "epoch": epoch, "position": 3, "events": []}


async def test_what_was_missed_comes_as_the_socket_tells_it(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    socket = await phone(gym.member)
    place = await begin(member)
    sent = (await coach.post("messages", message_to(gym.member, "one"))).data
    await coach.patch(f"messages/{sent['id']}", {"content": "two"})
    await member.put(f"messages/{sent['id']}/read")

    part = (await member.get(EVENTS, **place)).data

    while len(socket.events) < 3:
        await socket.read()
    subject = {"content": "two", "editedAt": part["events"][1]["data"]["editedAt"]}
    subject["readAt"] = part["events"][2]["data"]["readAt"]
    live = [socket.events[0] | {"data": socket.events[0]["data"] | subject}]
    live += [socket.events[1] | {"data": socket.events[1]["data"] | {"readAt": subject["readAt"]}}]
    live += [socket.events[2]]
    assert part == {"resume": "resumed", "epoch": place["epoch"], "position": 3, "events": live}
    empty = (await member.get(EVENTS, epoch=place["epoch"], position=3)).data
    assert empty == {"resume": "resumed", "epoch": place["epoch"], "position": 3, "events": []}


async def test_at_most_256_events_come_at_once(gym: Place, http: ClientSession, database: Tables) -> None:
    member = Caller(http, gym.member)
    place = await begin(member)
    await add_skipped(database, gym.member, 300)
    await Caller(http, gym.coach).post("messages", message_to(gym.member, "the 301st"))

    first = (await member.get(EVENTS, **place)).data
    second = (await member.get(EVENTS, epoch=place["epoch"], position=first["position"])).data

    assert first["events"] == [{"type": "event", "kind": "skipped", "position": 1, "through": 256}]
    assert (first["position"], second["position"]) == (256, 301)
    assert second["events"][0] == {"type": "event", "kind": "skipped", "position": 257, "through": 300}
    assert second["events"][1]["data"]["content"] == "the 301st"


async def test_an_event_ends_the_wait(gym: Place, server: TestServer, http: ClientSession) -> None:
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    waiting = asyncio.create_task(member.get(EVENTS, **await begin(member), wait=25))
    await polls_waiting(server, 1)
    await coach.post("messages", message_to(gym.member, "now"))

    async with asyncio.timeout(5):
        part = (await waiting).data

    assert (part["position"], [event["data"]["content"] for event in part["events"]]) == (1, ["now"])


async def test_a_wait_asks_the_database_nothing(
    gym: Place, server: TestServer, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Caller(http, gym.member)
    reads = 0
    read = asyncpg.pool.PoolConnectionProxy.fetchrow

    async def counting(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        nonlocal reads
        reads += "stream_epoch" in query and "from living_users" in query
        return await read(self, query, *arguments, **more)

    place = await begin(member)
    monkeypatch.setattr(asyncpg.pool.PoolConnectionProxy, "fetchrow", counting)
    part = (await member.get(EVENTS, **place, wait=2)).data
    assert (part["resume"], part["events"], part["position"]) == ("resumed", [], 0)
    assert reads == 2  # at the beginning and at the end


async def test_a_socket_beside_a_poll_gets_its_events_as_ever(
    gym: Place, server: TestServer, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    for waits_first in (True, False):
        place = await begin(member)
        socket = None if waits_first else await phone(gym.member)
        waiting = asyncio.create_task(member.get(EVENTS, **place, wait=25))
        await polls_waiting(server, 1)
        socket = socket or await phone(gym.member)
        await coach.post("messages", message_to(gym.member))
        assert (await socket.event("message.created"))["position"] == place["position"] + 1
        assert (await waiting).data["position"] == place["position"] + 1
        await coach.post("messages", message_to(gym.member))
        assert (await socket.event("message.created"))["position"] == place["position"] + 2
        await socket.leave()


async def test_positions_that_mean_nothing_are_reset(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    member = Caller(http, gym.member)
    place = await begin(member)
    await add_skipped(database, gym.member, 5_001)

    async def reset(**query: Any) -> tuple[str, str, int, list[Any]]:
        part = (await member.get(EVENTS, wait=25, **query)).data
        assert part["epoch"] == place["epoch"]
        return part["resume"], part["reason"], part["position"], part["events"]

    assert await reset(epoch="other", position=5_000) == ("reset", "epoch", 5_001, [])
    assert await reset(epoch=place["epoch"], position=5_002) == ("reset", "ahead", 5_001, [])
    assert await reset(epoch=place["epoch"], position=0) == ("reset", "too_many", 5_001, [])
    await database.execute("delete from stream_events where position = 5000")
    assert await reset(epoch=place["epoch"], position=4_999) == ("reset", "too_old", 5_001, [])


async def test_a_new_epoch_ends_the_wait_with_a_reset(
    gym: Place,
    server: TestServer,
    http: ClientSession,
    database: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = Caller(http, gym.member)
    monkeypatch.setattr("coachwire.hub.repair.COMPARE", 0.1)
    waiting = asyncio.create_task(member.get(EVENTS, **await begin(member), wait=25))
    await polls_waiting(server, 1)
    await database.execute("update stream_epoch set epoch = 'k2'")
    async with asyncio.timeout(10):
        assert (await waiting).data == {
            "resume": "reset",
            "reason": "epoch",
            "epoch": "k2",
            "position": 0,
            "events": [],
        }


async def test_the_eleventh_poll_ends_the_oldest(gym: Place, server: TestServer, http: ClientSession) -> None:
    member = Caller(http, gym.member)
    place = await begin(member)
    polls = []
    for number in range(10):
        polls.append(asyncio.create_task(member.get(EVENTS, **place, wait=25)))
        await polls_waiting(server, number + 1)

    polls.append(asyncio.create_task(member.get(EVENTS, **place, wait=25)))

    async with asyncio.timeout(5):
        assert (await polls[0]).data["events"] == []
    await Caller(http, gym.coach).post("messages", message_to(gym.member))
    async with asyncio.timeout(5):
        parts = await asyncio.gather(*polls[1:])
    assert [part.data["position"] for part in parts] == [1] * 10


async def test_who_is_deleted_while_waiting_is_unauthenticated(
    gym: Place, server: TestServer, http: ClientSession, database: Tables
) -> None:
    member = Caller(http, gym.member)
    waiting = asyncio.create_task(member.get(EVENTS, **await begin(member), wait=2))
    await polls_waiting(server, 1)
    await delete_user(database, gym.member)
    assert (await waiting).code == "unauthenticated"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"epoch": "k"}, "position"),
        ({"epoch": "k", "position": "-1"}, "position"),
        ({"epoch": "k" * 17, "position": "0"}, "epoch"),
        ({"wait": "26"}, "wait"),
        ({"wait": "soon"}, "wait"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    gym: Place, http: ClientSession, query: dict[str, str], field: str
) -> None:
    refused = await Caller(http, gym.member).get(EVENTS, **query)
    assert refused.code == "bad_request"
    assert [error["field"] for error in refused.body["errors"]] == [field]


async def test_a_drain_ends_every_wait(settings: Settings, gym: Place) -> None:
    server = TestServer(init_app(settings))
    await server.start_server()
    async with ClientSession(base_url=str(server.make_url(""))) as http:
        member = Caller(http, gym.member)
        place = await begin(member)
        waiting = asyncio.create_task(member.get(EVENTS, **place, wait=25))
        await polls_waiting(server, 1)
        async with asyncio.timeout(10):
            await asyncio.gather(server.close(), _ends_empty(waiting, place))


async def _ends_empty(waiting: "asyncio.Task[Answer]", place: dict[str, Any]) -> None:
    assert (await waiting).data == {"resume": "resumed", "events": [], **place}


class TestOverRedis:
    @pytest.fixture
    def settings(self, database_url: str, redis_url: str) -> Settings:
        return Settings(database_url=database_url, jwt_secret=SECRET, redis_url=redis_url)

    @pytest.fixture
    async def elsewhere(self, settings: Settings, gym: Place) -> AsyncIterator[ClientSession]:
        async with (
            TestServer(init_app(settings)) as server,
            ClientSession(base_url=str(server.make_url(""))) as session,
        ):
            yield session

    async def test_an_event_of_another_instance_ends_the_wait(
        self,
        gym: Place,
        server: TestServer,
        http: ClientSession,
        elsewhere: ClientSession,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("coachwire.hub.repair.Repair.doubt", lambda repair: None)
        member = Caller(http, gym.member)
        for _ in range(2):  # the second time the channel was left in between
            waiting = asyncio.create_task(member.get(EVENTS, **await begin(member), wait=25))
            await polls_waiting(server, 1)
            await Caller(elsewhere, gym.coach).post("messages", message_to(gym.member))
            async with asyncio.timeout(3):
                assert len((await waiting).data["events"]) == 1
