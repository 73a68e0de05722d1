"""Durable requests of one connection take effect in the order in which they arrived."""

from typing import Any
from uuid import uuid4

from ..gym import Place, message_to
from ..phone import Frame, Phone
from .conftest import OpenPhone
from .platform import Tables


def kinds(events: list[Frame]) -> list[str]:
    """What was applied, in order: the kinds of events, and of requests whose `ok` stood for one."""
    return [event["kind"] for event in events]


async def answers(phone: Phone, *requests: dict[str, Any]) -> list[Frame]:
    """Make these requests in one frame; their answers, in the order asked."""
    await phone.say([{"ref": n, **request} for n, request in enumerate(requests)])
    return [await phone.answer(n) for n in range(len(requests))]


async def test_sends_reads_and_deletions_follow_each_other(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member, watch = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    theirs = message_to(gym.member)
    await coach.ask("message.send", **theirs)
    await member.reach(1)
    one, two, three = (message_to(gym.coach, content) for content in ("one", "two", "three"))
    organization = {"organizationId": gym.organization_id}

    oks = await answers(
        member,
        {"type": "message.send", **one},
        {"type": "message.delete", **organization, "id": one["id"]},
        {"type": "message.send", **two},
        {"type": "message.read", **organization, "messageIds": [theirs["id"]]},
        {"type": "message.send", **three},
        {"type": "message.delete", **organization, "id": two["id"]},
    )

    assert [ok.get("position") for ok in oks] == [2, 3, 4, 5, 6, 7]
    await watch.reach(7)
    assert kinds(watch.events) == [
        "message.created",
        "message.created",
        "message.deleted",
        "message.created",
        "message.read",
        "message.created",
        "message.deleted",
    ]
    left = "select content from messages where deleted_at is null and sender_id = $1"
    assert await database.fetchval(left, gym.member.user_id) == "three"


async def test_a_read_of_a_conversation_sees_nothing_that_comes_after_it(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member = await phone(gym.member)
    coach = await phone(gym.coach)
    await member.ask("message.send", **message_to(gym.coach, "before"))
    await coach.reach(1)
    read = {
        "type": "message.read",
        "organizationId": gym.organization_id,
        "conversation": {"membershipId": gym.member.membership_id},
    }
    sends = [{"type": "message.send", **message_to(gym.member)} for _ in range(2)]

    first, second, *_ = await answers(coach, read, read, *sends)

    assert [ok["data"]["markedCount"] for ok in (first, second)] == [1, 0]
    await coach.reach(4)
    assert [frame.get("kind", "own") for frame in coach.events][1:] == ["message.read", "own", "own"]


async def test_a_deletion_waits_for_the_send_it_takes_back(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    for _ in range(5):
        sent = message_to(gym.member)
        send, delete = await answers(
            coach,
            {"type": "message.send", **sent},
            {"type": "message.delete", "organizationId": gym.organization_id, "id": sent["id"]},
        )
        assert (send["type"], delete["type"]) == ("ok", "ok")
        assert delete["position"] == send["position"] + 1


async def test_a_repetition_in_the_same_frame_is_a_duplicate(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = {"type": "message.send", **message_to(gym.member)}
    oks = await answers(coach, sent, sent, sent)
    assert [ok["data"].get("duplicate") for ok in oks] == [None, True, True]
    assert [ok.get("position") for ok in oks] == [1, None, None]


async def test_a_refused_request_holds_nobody_up(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    organization = {"organizationId": gym.organization_id}
    results = await answers(
        coach,
        {"type": "message.delete", **organization, "id": str(uuid4())},
        {"type": "message.send", **message_to(gym.member)},
        {"type": "message.read", **organization, "messageIds": [str(uuid4())]},
        {"type": "message.send", **message_to(gym.coach)},
        {"type": "message.send", **message_to(gym.member)},
    )
    assert [result.get("position", result.get("error", {}).get("code")) for result in results] == [
        "not_found",
        1,
        "not_found",
        "bad_request",
        2,
    ]


async def test_more_requests_than_may_be_in_flight_are_answered_all_the_same(
    gym: Place, phone: OpenPhone
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    for number in range(4):
        await coach.say(
            [
                {"type": "message.read", "ref": 32 * number + n, "organizationId": gym.organization_id,
                 "conversation": {"membershipId": gym.member.membership_id}}
                for n in range(25)
            ]
        )  # fmt: skip
    for number in range(4):
        for n in range(25):
            assert (await coach.answer(32 * number + n))["type"] == "ok"
    await coach.ask("message.send", **message_to(gym.member))
    assert (await member.event("message.created"))["position"] == 1
