"""Sending, through the socket."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, is_wire_time, message_to
from ..phone import Phone
from .conftest import OpenPhone
from .platform import Tables, stored


async def test_a_message_reaches_every_device_of_both_and_once(gym: Place, phone: OpenPhone) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    member, member_tablet = await phone(gym.member), await phone(gym.member)

    sent = message_to(gym.member, "שלום, how was it?")
    ok = await coach.ask("message.send", **sent)

    created_at = ok["data"]["createdAt"]
    assert is_wire_time(created_at)
    assert ok == {
        "type": "ok",
        "ref": 1,
        "data": {
            "id": sent["id"],
            "recipientMembershipId": gym.member.membership_id,
            "createdAt": created_at,
        },
        "position": 1,
    }
    message = {
        "id": sent["id"],
        "organizationId": gym.organization_id,
        "senderMembershipId": gym.coach.membership_id,
        "senderName": gym.coach.name,
        "senderRole": "coach",
        "recipientMembershipId": gym.member.membership_id,
        "workoutAssignmentId": None,
        "content": "שלום, how was it?",
        "attachments": [],
        "createdAt": created_at,
        "readAt": None,
        "editedAt": None,
        "deletedAt": None,
        "erased": False,
    }
    event = {"type": "event", "kind": "message.created", "organizationId": gym.organization_id, "position": 1}
    assert await member.event("message.created") == event | {"data": message}
    assert await member_tablet.event("message.created") == event | {"data": message}
    assert await coach_web.event("message.created") == event | {"data": message | {"delivered": False}}
    assert [frame for frame in await coach.drained() if frame["type"] == "event"] == []


@pytest.mark.parametrize(
    ("sender", "recipient", "role"),
    [
        ("member", "coach", "member"),
        ("coach", "coach2", "coach"),
        ("admin", "member", "admin"),
        ("owner", "coach", "admin"),
        ("member", "owner", "member"),
    ],
)
async def test_who_may_write_to_whom_and_as_what(
    gym: Place, phone: OpenPhone, database: Tables, sender: str, recipient: str, role: str
) -> None:
    one, other = gym.people[sender], gym.people[recipient]
    sending, receiving = await phone(one), await phone(other)

    sent = message_to(other)
    assert (await sending.ask("message.send", **sent))["type"] == "ok"

    data = (await receiving.event("message.created"))["data"]
    assert (data["senderMembershipId"], data["senderRole"]) == (one.membership_id, role)
    assert await database.fetchval("select sender_role::text from messages") == role


CONTENTS = (
    "x",
    "  \n  x \t ",
    "שלום Noa,\u200f how was it? 70 ק״ג × 5",
    "Привет\r\n\r\nмир",
    "👨‍👩‍👧‍👦🏋🏽‍♀️ e\u0301 \ufeff \u202eabc\u202c \u2028 \x7f \x01",
    '"\\/\b\f\n\r\t{}[]',
    "a" * 5_000,
    "💪" * 5_000,
    "ק" * 5_000,
)


async def test_what_is_stored_and_told_is_what_was_sent_byte_for_byte(
    gym: Place, phone: OpenPhone, database: Tables, http: ClientSession
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    for content in CONTENTS:
        sent = message_to(gym.member, content)
        await coach.ask("message.send", **sent)
        assert (await member.event("message.created"))["data"]["content"] == content
        row = await database.fetchval(
            "select convert_to(content, 'UTF8') from messages where id = $1", sent["id"]
        )
        assert row == content.encode()
    async with http.get(
        f"/v1/organizations/{gym.organization_id}/conversations/{gym.coach.membership_id}",
        headers={"Authorization": f"Bearer {gym.member.token}"},
    ) as answer:
        items = (await answer.json())["data"]["items"]
    assert tuple(item["content"] for item in reversed(items)) == CONTENTS


async def test_unknown_keys_are_ignored(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, createdAt="2001-01-01T00:00:00.000000Z", position=77, later={"a": [1]})
    sent["to"] |= {"email": "somebody@else.test"}
    ok = await coach.ask("message.send", **sent)
    assert ok["position"] == 1
    data = (await member.event("message.created"))["data"]
    assert data["createdAt"] == ok["data"]["createdAt"] > "2026"
    assert "later" not in data


async def test_without_ref_there_is_no_ok_but_the_event(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    await coach.say({"type": "message.send", **message_to(gym.member)})
    assert (await coach.event("message.created"))["position"] == 1
    assert await coach.drained() == []

    await coach.say({"type": "message.send", **message_to(gym.coach)})
    assert (await coach.answer(None))["error"]["code"] == "bad_request"


async def test_messages_in_flight_keep_their_order_whatever_their_ids_say(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, coach_web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    ids = sorted((str(uuid4()) for _ in range(8)), reverse=True)
    for id_ in ids:
        await coach.say({"type": "message.send", "ref": id_, **message_to(gym.member, id=id_)})

    oks = [await coach.next("ok") for _ in ids]

    assert [ok["ref"] for ok in oks] == ids
    assert [ok["position"] for ok in oks] == [1, 2, 3, 4, 5, 6, 7, 8]
    times = [ok["data"]["createdAt"] for ok in oks]
    assert times == sorted(set(times))
    for other in (coach_web, member):
        events = [await other.event("message.created") for _ in ids]
        assert [event["data"]["id"] for event in events] == ids
        assert [event["data"]["createdAt"] for event in events] == times
    async with http.get(
        f"/v1/organizations/{gym.organization_id}/conversations/{gym.coach.membership_id}",
        headers={"Authorization": f"Bearer {gym.member.token}"},
    ) as answer:
        items = (await answer.json())["data"]["items"]
    assert [item["id"] for item in items] == ids[::-1]


async def test_each_request_of_an_array_is_answered_on_its_own(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    good, also_good = message_to(gym.member, "one"), message_to(gym.member, "two")
    await coach.say(
        [
            {"type": "message.send", "ref": "good", **good},
            {"type": "message.send", "ref": "blank", **message_to(gym.member, " ")},
            {
                "type": "message.send",
                "ref": "foreign",
                **message_to(gym.member) | {"to": to(other_gym.member)},
            },
            {"type": "message.send", "ref": "again", **good},
            {"type": "message.send", "ref": "self", **message_to(gym.coach)},
            {"type": "message.send", "ref": "also good", **also_good},
        ]
    )

    answers = {ref: await coach.answer(ref) for ref in ("good", "again", "also good")}
    assert (answers["good"]["position"], answers["also good"]["position"]) == (1, 2)
    assert "position" not in answers["again"]
    assert answers["again"]["data"] == answers["good"]["data"] | {"duplicate": True}
    refusals = [(await coach.answer(ref))["error"]["code"] for ref in ("blank", "foreign", "self")]
    assert refusals == ["bad_request", "not_found", "bad_request"]
    for sent in (good, also_good):
        assert (await member.event("message.created"))["data"]["id"] == sent["id"]
    assert await stored(database) == 2


async def test_two_people_who_write_at_once_are_told_one_order(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)

    async def talk(mine: Phone, other: Someone) -> None:
        for _ in range(12):
            assert (await mine.ask("message.send", **message_to(other)))["type"] == "ok"

    watch_coach, watch_member = await phone(gym.coach), await phone(gym.member)
    await asyncio.gather(talk(coach, gym.member), talk(member, gym.coach))

    orders = []
    for watch in (watch_coach, watch_member):
        events = [await watch.event("message.created") for _ in range(24)]
        assert [event["position"] for event in events] == list(range(1, 25))
        orders.append([(event["data"]["createdAt"], event["data"]["id"]) for event in events])
    assert orders[0] == orders[1] == sorted(orders[0])


def to(other: Someone) -> dict[str, str]:
    return {"membershipId": other.membership_id}
