"""What nobody was told of is found by looking: rights that ended, and events that nobody hinted at."""

import asyncio

import pytest
from aiohttp.test_utils import TestServer
from coachwire.keys import FANOUT

from ..gym import Place
from .conftest import Board, Connection, OpenPhone, closed, watching


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.socket.topic_rights.EVERY", 0.1)
    monkeypatch.setattr("coachwire.hub.repair.COMPARE", 0.1)


async def test_a_right_that_ended_silently_closes_the_topic(
    gym: Place, phone: OpenPhone, board: Board, database: Connection
) -> None:
    watcher, witness = [await watching(phone, who, board.thread) for who in (gym.coach2, gym.owner)]
    await database.execute("set coachwire.quiet = on")
    await database.execute(
        "update memberships set status = 'suspended' where id = $1::uuid", gym.coach2.membership_id
    )
    assert await watcher.next("topic.closed") == closed(board.thread, "forbidden")
    (id_,) = await board.write()
    assert (await witness.in_topic(board.thread, "message.created"))["data"]["id"] == id_
    assert [frame for frame in await watcher.drained() if "topic" in frame] == []


async def test_events_that_nobody_hinted_at_are_read(gym: Place, phone: OpenPhone, board: Board) -> None:
    watcher = await watching(phone, gym.coach2, board.thread)
    ids = await board.write(times=300)
    told = [await watcher.in_topic(board.thread, "message.created") for _ in ids]
    assert [event["data"]["id"] for event in told] == ids


async def test_a_topic_below_where_it_was_begins_anew_with_the_connection(
    gym: Place, phone: OpenPhone, board: Board, database: Connection
) -> None:
    """A restore without a new epoch: the connection is closed to come back, and its position is ahead."""
    await board.write(times=3)
    watcher = await watching(phone, gym.coach2, board.thread)
    await database.execute("update topic_streams set position = 2")
    assert await watcher.close_code() == 4000
    await watcher.connect()
    assert (await watcher.open_topic(board.thread))["reason"] == "ahead"


async def test_another_epoch_closes_those_who_watch_as_well(
    gym: Place, phone: OpenPhone, board: Board, database: Connection
) -> None:
    watcher = await watching(phone, gym.coach2, board.thread)
    await database.execute("update stream_epoch set epoch = make_epoch()")
    assert await watcher.close_code() == 4000


async def test_it_is_found_also_while_somebody_is_doubted_all_the_time(
    gym: Place, phone: OpenPhone, board: Board, server: TestServer, database: Connection
) -> None:
    await watching(phone, gym.owner, board.thread)
    watcher = await watching(phone, gym.coach2, board.thread)

    async def doubt() -> None:
        while True:
            server.app[FANOUT].doubt_user(gym.owner.user_id)
            await asyncio.sleep(0.01)

    doubting = asyncio.create_task(doubt())
    try:
        await asyncio.sleep(0.2)  # a look that had begun before is over
        await database.execute("set coachwire.quiet = on")
        await database.execute(
            "update memberships set status = 'suspended' where id = $1::uuid", gym.coach2.membership_id
        )
        assert await watcher.next("topic.closed") == closed(board.thread, "forbidden")
    finally:
        doubting.cancel()
