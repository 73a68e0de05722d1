"""What is said in a thread while others watch it: events of the topic, typing, and readers that are too slow."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone
from ..phone import Frame, Phone
from ..stalled import StalledPeer
from .conftest import Board, OpenPhone, Platform, closed, watching

LONG = "ש" * 5000


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Without a limit of messages."""
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


def post_in(board: Board, content: str = "well done") -> dict[str, Any]:
    return {
        "organizationId": board.gym.organization_id,
        "id": str(uuid4()),
        "to": {"workoutAssignmentId": board.assignment_id},
        "content": content,
    }


def typing_in(board: Board, active: bool = True) -> Frame:
    to = {"workoutAssignmentId": board.assignment_id}
    return {"type": "typing", "organizationId": board.gym.organization_id, "to": to, "active": active}


def typed_by(who: Someone, board: Board) -> Frame:
    data = {"fromMembershipId": who.membership_id, "workoutAssignmentId": board.assignment_id, "active": True}
    return {"type": "signal", "kind": "typing", "organizationId": who.organization_id, "data": data}


async def test_a_party_that_watches_gets_a_message_in_the_stream_and_with_the_topic_others_only_there(
    gym: Place, phone: OpenPhone, board: Board
) -> None:
    coach, member, owner = [
        await watching(phone, who, board.thread) for who in (gym.coach, gym.member, gym.owner)
    ]
    message = post_in(board)
    answer = await coach.ask("message.send", **message)
    assert (answer["type"], answer["position"]) == ("ok", 1), "the ok stands for the stream's event only"
    own = await coach.in_topic(board.thread, "message.created")
    assert (own["position"], own["data"]["id"]) == (1, message["id"])
    assert "delivered" not in own["data"]
    assert await member.in_topic(board.thread, "message.created") == own
    assert await owner.in_topic(board.thread, "message.created") == own
    assert (await member.event("message.created"))["data"]["id"] == message["id"]
    assert [frame for frame in await owner.drained() if frame["type"] == "event"] == []


async def test_edits_and_deletions_are_told_to_whoever_watches(
    gym: Place, phone: OpenPhone, board: Board
) -> None:
    coach, owner = [await watching(phone, who, board.thread) for who in (gym.coach, gym.owner)]
    message = post_in(board, "before")
    await coach.ask("message.send", **message)
    by_id = {"organizationId": gym.organization_id, "id": message["id"]}
    assert (await coach.ask("message.edit", content="after", **by_id))["type"] == "ok"
    assert (await coach.ask("message.delete", **by_id))["type"] == "ok"
    kinds = ("message.created", "message.edited", "message.deleted")
    created, edited, deleted = [await owner.in_topic(board.thread, kind) for kind in kinds]
    assert (created["data"]["content"], edited["data"]["content"]) == ("before", "after")
    assert deleted["data"]["id"] == message["id"]
    assert [created["position"], edited["position"], deleted["position"]] == [1, 2, 3]


async def test_typing_in_a_thread_goes_to_its_member_and_to_those_who_have_it_open(
    gym: Place, other_gym: Place, phone: OpenPhone, board: Board
) -> None:
    coach = await watching(phone, gym.coach, board.thread)
    member = await watching(phone, gym.member, board.thread)
    owner = await watching(phone, gym.owner, board.thread)
    away = await phone(gym.admin)
    background = await phone(gym.coach2, state="background")
    await background.open_topic(board.thread)
    stranger = await phone(other_gym.coach)
    await coach.say(typing_in(board))
    for watcher in (member, owner):
        assert await watcher.next("signal") == typed_by(gym.coach, board)
    await member.say(typing_in(board))
    for watcher in (coach, owner):
        assert await watcher.next("signal") == typed_by(gym.member, board)
    for nobody in (coach, member, owner, away, background, stranger):
        assert [frame for frame in await nobody.drained() if frame["type"] == "signal"] == []


async def test_who_may_no_longer_watch_hears_no_typing(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    suspended = await watching(phone, gym.coach2, board.thread)
    await platform.set_status(gym.coach2, "suspended")
    assert await suspended.next("topic.closed") == closed(board.thread, "forbidden")
    await coach.say(typing_in(board))
    await member.next("signal")
    assert [frame for frame in await suspended.drained() if frame["type"] == "signal"] == []


async def test_many_who_write_at_once_are_told_to_all_in_one_order(
    gym: Place, phone: OpenPhone, board: Board
) -> None:
    writers = [
        await watching(phone, who, board.thread) for who in (gym.coach, gym.coach2, gym.member, gym.owner)
    ]

    async def write(writer: Phone) -> None:
        for _ in range(25):
            assert (await writer.ask("message.send", **post_in(board)))["type"] == "ok"

    await asyncio.gather(*map(write, writers))
    told = [
        [(await writer.in_topic(board.thread, "message.created"))["data"]["id"] for _ in range(100)]
        for writer in writers
    ]
    assert all(ids == told[0] for ids in told)
    assert len(set(told[0])) == 100


async def test_who_joins_while_others_write_misses_nothing(
    gym: Place, phone: OpenPhone, board: Board
) -> None:
    coach = await phone(gym.coach)
    enough = asyncio.Event()
    sent: list[str] = []

    async def write() -> None:
        while not enough.is_set():
            message = post_in(board)
            assert (await coach.ask("message.send", **message))["type"] == "ok"
            sent.append(message["id"])

    writing = asyncio.create_task(write())
    watchers = []
    for _ in range(8):
        watcher = await phone(gym.owner)
        state = await watcher.open_topic(board.thread)
        watchers.append((watcher, state["position"]))
    enough.set()
    await writing
    for watcher, position in watchers:
        told = [
            (await watcher.in_topic(board.thread, "message.created"))["data"]["id"] for _ in sent[position:]
        ]
        assert told == sent[position:]


async def test_a_watcher_that_does_not_read_is_closed_alone(
    gym: Place, phone: OpenPhone, board: Board, url: str
) -> None:
    coach = await phone(gym.coach)
    owner = await watching(phone, gym.owner, board.thread)
    slow = StalledPeer(url, gym.admin.token, str(uuid4()), topics=[{"topic": board.thread}])
    await slow.connect()
    while b'"topic.opened"' not in (await slow.frame())[1]:
        pass
    ids = []
    for _ in range(400):  # 4 MB
        message = post_in(board, LONG)
        assert (await coach.ask("message.send", **message))["type"] == "ok"
        ids.append(message["id"])
    assert await slow.close_code() == 4001
    told = [(await owner.in_topic(board.thread, "message.created"))["data"]["id"] for _ in ids]
    assert told == ids
    slow.leave()


async def test_words_that_are_erased_are_told_erased_to_whoever_watches(
    gym: Place, phone: OpenPhone, board: Board, http: ClientSession
) -> None:
    watcher = await watching(phone, gym.coach2, board.thread, board.exercise)
    member = await phone(gym.member)
    message = post_in(board, "a secret")
    comment = {
        "organizationId": gym.organization_id, "id": str(uuid4()),
        "workoutMovementId": board.movement_id, "body": "a secret",
    }  # fmt: skip
    assert (await member.ask("message.send", **message))["type"] == "ok"
    assert (await member.ask("comment.create", **comment))["type"] == "ok"
    path = f"/v1/organizations/{gym.organization_id}/members/{gym.member.membership_id}/erasure"
    async with http.post(path, json={}, headers={"Authorization": f"Bearer {gym.owner.token}"}) as answer:
        assert answer.status == 202
    by = gym.member.membership_id
    erased = await watcher.in_topic(board.thread, "message.erased")
    assert erased["data"] == {"senderMembershipId": by, "messageIds": [message["id"]]}
    erased = await watcher.in_topic(board.exercise, "comment.erased")
    assert erased["data"] == {"authorMembershipId": by, "commentIds": [comment["id"]]}
