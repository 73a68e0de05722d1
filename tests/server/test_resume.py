"""Coming back: a phone that was away gets exactly what it missed, or is told to begin anew."""

import asyncio
from typing import Any

import pytest
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, message_to
from ..phone import Frame, Phone
from .conftest import OpenPhone
from .platform import Tables, add_skipped, head, join, set_status


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def send(phone: Phone, to: Someone, *contents: str) -> list[str]:
    """Send these in order, in arrays as large as may be; their ids, once all are stored."""
    messages = [message_to(to, content) for content in contents]
    requests = [{"type": "message.send", "ref": sent["id"], **sent} for sent in messages]
    for first in range(0, len(requests), 32):
        await phone.say(requests[first : first + 32])
        for sent in requests[first : first + 32]:
            assert (await phone.answer(sent["id"]))["type"] == "ok"
    return [sent["id"] for sent in messages]


def contents(events: list[Frame]) -> list[str]:
    return [event["data"]["content"] for event in events]


async def test_exactly_what_was_missed_is_replayed_and_then_it_is_live(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await send(coach, gym.member, "seen")
    await member.event("message.created")
    await member.leave()
    missed = await send(coach, gym.member, "missed", "missed too")

    welcome = await member.connect()

    assert (welcome["resume"], welcome["position"], welcome["events"]) == ("resumed", 3, 2)
    assert welcome["unread"]["total"] == 3
    assert "reason" not in welcome
    assert [event["data"]["id"] for event in member.events[1:]] == missed
    assert [event["position"] for event in member.events] == [1, 2, 3]
    await send(coach, gym.member, "live")
    assert contents([await member.match(lambda frame: frame.get("position") == 4)]) == ["live"]


async def test_nothing_is_replayed_when_nothing_was_missed(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await send(coach, gym.member, "seen")
    await member.event("message.created")
    await member.leave()

    welcome = await member.connect()

    assert (welcome["resume"], welcome["position"], welcome["events"]) == ("resumed", 1, 0)
    assert [frame["type"] for frame in await member.drained()] == []


async def test_a_replayed_event_is_the_one_that_was_live(gym: Place, phone: OpenPhone) -> None:
    coach, tablet = await phone(gym.coach), await phone(gym.coach)
    member, watch = await phone(gym.member), await phone(gym.member)
    await tablet.leave()
    await watch.leave()
    await send(coach, gym.member, "same")
    live = await member.event("message.created")
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[live["data"]["id"]])
    receipt = await coach.event("message.read")

    await watch.connect()
    await tablet.connect()

    (read_at,) = {event["data"]["readAt"] for event in (watch.events[0], tablet.events[0])}
    assert read_at == receipt["data"]["readAt"]
    live["data"]["readAt"] = read_at
    assert watch.events == [live, receipt | {"position": 2}]
    assert tablet.events == [
        {**live, "data": {**live["data"], "delivered": True}},
        receipt,
    ]


async def test_a_replay_tells_the_state_of_today(gym: Place, phone: OpenPhone) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    await tablet.leave()
    deleted, read, untouched = await send(coach, gym.member, "deleted", "read", "untouched")
    deletion = await coach.ask("message.delete", organizationId=gym.organization_id, id=deleted)
    reading = await member.ask("message.read", organizationId=gym.organization_id, messageIds=[read])

    await tablet.connect()

    created = [event["data"] for event in tablet.events if event["kind"] == "message.created"]
    assert [
        (data["id"], data["content"], data["deletedAt"] is None, data["readAt"] is None) for data in created
    ] == [
        (deleted, None, False, True),
        (read, "read", True, False),
        (untouched, "untouched", True, True),
    ]
    assert created[0]["deletedAt"] == deletion["data"]["deletedAt"]
    assert created[1]["readAt"] == reading["data"]["readAt"]
    assert [event["kind"] for event in tablet.events[3:]] == ["message.deleted", "message.read"]


@pytest.mark.parametrize("count", [256, 257, 600])
async def test_a_long_absence_is_replayed_by_pages_without_gap(
    gym: Place, phone: OpenPhone, count: int
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    said = [f"message {number}" for number in range(count)]
    await send(coach, gym.member, *said)

    welcome = await member.connect()

    assert (welcome["resume"], welcome["events"]) == ("resumed", count)
    assert contents(member.events) == said
    assert [event["position"] for event in member.events] == list(range(1, count + 1))


async def test_messages_that_arrive_during_a_replay_follow_it(gym: Place, phone: OpenPhone) -> None:
    coach, admin, member = await phone(gym.coach), await phone(gym.admin), await phone(gym.member)
    await member.leave()
    await send(coach, gym.member, *["before"] * 600)

    await asyncio.gather(
        member.connect(),
        *(send(one, gym.member, *["meanwhile"] * 100) for one in (coach, admin)),
    )
    await send(coach, gym.member, "last")

    await member.match(lambda frame: frame.get("position") == 801)
    assert contents(member.events) == ["before"] * 600 + ["meanwhile"] * 200 + ["last"]
    assert len({event["data"]["id"] for event in member.events}) == 801


async def test_an_ok_whose_turn_has_not_come_has_no_position_and_its_event_follows(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member = await phone(gym.member)
    await member.leave()
    await add_skipped(database, gym.member, 5_000)
    await member.open()
    sent = message_to(gym.coach)
    resume = {"epoch": member.epoch, "position": 0}
    await member.say({"type": "hello", "token": member.token, "device": member.device, "resume": resume})
    await member.say({"type": "message.send", "ref": "early", **sent})

    ok = await member.answer("early")
    assert "position" not in ok
    event = await member.event("message.created")
    assert (event["position"], event["data"]["id"]) == (5_001, sent["id"])
    assert await member.next("live") == {"type": "live", "position": 5_001}


async def resumed(phone: Phone, **resume: Any) -> tuple[str, str | None, int]:
    """What a resume comes to: how, why, and where it is live. Nothing is replayed."""
    phone.events.clear()
    phone.position = resume["position"]
    welcome = await phone.connect(resume=resume)
    assert phone.events == []
    assert welcome["events"] == 0
    assert [frame["type"] for frame in await phone.drained()] == []
    await phone.leave()
    return welcome["resume"], welcome.get("reason"), welcome["position"]


async def test_a_resume_that_cannot_be_is_reset_with_its_reason_and_replays_nothing(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    await send(coach, gym.member, "one", "two", "three")
    epoch = member.epoch

    assert await resumed(member, epoch="another", position=1) == ("reset", "epoch", 3)
    assert await resumed(member, epoch="", position=9) == ("reset", "epoch", 3)
    assert await resumed(member, epoch=epoch, position=4) == ("reset", "ahead", 3)
    assert await resumed(member, epoch=epoch, position=2**53 - 1) == ("reset", "ahead", 3)
    await database.execute(
        "delete from stream_events where user_id = $1 and position = 1", gym.member.user_id
    )
    assert await resumed(member, epoch=epoch, position=0) == ("reset", "too_old", 3)
    welcome = await member.connect(resume={"epoch": epoch, "position": 3})
    assert (welcome["resume"], welcome["events"]) == ("resumed", 0)


async def test_what_is_left_of_a_stream_can_still_be_resumed(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    await send(coach, gym.member, "one", "two", "three")
    await database.execute(
        "delete from stream_events where user_id = $1 and position = 1", gym.member.user_id
    )

    member.position = 1
    assert (await member.connect())["resume"] == "resumed"
    assert contents(member.events) == ["two", "three"]


async def test_5000_are_replayed_and_one_more_is_too_many(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member = await phone(gym.member)
    await member.leave()
    await add_skipped(database, gym.member, 5_000)
    welcome = await member.connect(resume={"epoch": member.epoch, "position": 0})
    assert (welcome["resume"], welcome["events"], member.position) == ("resumed", 5_000, 5_000)
    assert {frame["kind"] for frame in await member.drained()} == {"skipped"}
    await member.leave()

    await add_skipped(database, gym.member, 1)
    assert await resumed(member, epoch=member.epoch, position=0) == ("reset", "too_many", 5_001)


async def test_another_epoch_closes_who_is_connected_and_resets_them(
    gym: Place, phone: OpenPhone, database: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.hub.repair.COMPARE", 0.1)
    coach, member = await phone(gym.coach), await phone(gym.member)
    await send(coach, gym.member, "before the restore")
    await member.event("message.created")
    await database.execute("update stream_epoch set epoch = 'after'")

    assert await member.close_code() == 4000
    welcome = await member.connect()
    assert (welcome["resume"], welcome["reason"], welcome["epoch"]) == ("reset", "epoch", "after")


async def test_an_organization_that_was_left_is_vouched_for_as_one_range(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    elsewhere = await join(database, gym.member, other_gym, "member")
    coach, other_coach, member = await phone(gym.coach), await phone(other_gym.coach), await phone(gym.member)
    await member.leave()
    await send(coach, gym.member, "kept")
    await send(other_coach, elsewhere, "left behind", "left behind too")
    await send(coach, gym.member, "kept as well")
    await set_status(database, elsewhere, "cancelled")

    await member.open()
    resume = {"epoch": member.epoch, "position": 0}
    await member.say({"type": "hello", "token": member.token, "device": member.device, "resume": resume})
    assert (await member.next("welcome"))["events"] == 4
    assert (await member.next("event"))["data"]["content"] == "kept"
    assert await member.next("event") == {"type": "event", "kind": "skipped", "position": 2, "through": 3}
    assert (await member.next("event"))["data"]["content"] == "kept as well"
    assert await member.next("live") == {"type": "live", "position": 4}

    await send(coach, gym.member, "live")
    assert (await member.next("event"))["position"] == 5


async def test_a_message_that_is_gone_from_the_tables_is_vouched_for(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    gone, _ = await send(coach, gym.member, "gone", "here")
    await database.execute("delete from messages where id = $1", gone)

    await member.connect()

    assert contents(member.events) == ["here"]
    assert member.position == await head(database, gym.member) == 2


async def test_a_phone_whose_network_vanished_resumes_without_loss(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    said: list[str] = []
    for round_ in range(5):
        member.vanish()
        said += [f"{round_} a", f"{round_} b"]
        await send(coach, gym.member, *said[-2:])
        await member.connect()
    assert contents(member.events) == said
