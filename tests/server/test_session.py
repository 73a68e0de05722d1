"""A connection's own affairs: acks, foreground and background, typing, fresh tokens, pings, what is unread."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from ..phone import PATIENCE, Frame, Phone
from .conftest import OpenPhone
from .platform import Tables, join, set_status


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.socket.acks.EVERY", 0.05)


async def becomes(value: Any, look: Callable[[], Awaitable[Any]]) -> None:
    """Look until it is so: what is written by and by has no event to wait for."""
    async with asyncio.timeout(PATIENCE):
        while await look() != value:  # noqa: ASYNC110 - nobody in this process tells when a row has changed
            await asyncio.sleep(0.02)


def typing_to(other: Someone, active: bool = True) -> dict[str, Any]:
    to = {"membershipId": other.membership_id}
    return {"type": "typing", "organizationId": other.organization_id, "to": to, "active": active}


def typed_by(one: Someone, active: bool = True) -> Frame:
    """The signal that tells of it."""
    return {
        "type": "signal",
        "kind": "typing",
        "organizationId": one.organization_id,
        "data": {"fromMembershipId": one.membership_id, "workoutAssignmentId": None, "active": active},
    }


async def signals(phone: Phone) -> list[Frame]:
    return [frame for frame in await phone.drained() if frame["type"] == "signal"]


async def test_an_ack_moves_the_devices_position_forward_only(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    for _ in range(5):
        await coach.ask("message.send", **message_to(gym.member))

    async def acked() -> object:
        return await database.fetchval(
            "select acked_position from devices where device_id = $1", member.device
        )

    assert await member.ask("ack", position=3) == {"type": "ok", "ref": 1, "data": {}}
    await becomes(3, acked)
    await member.ask("ack", position=2)
    await member.ask("ack", position=0)
    await asyncio.sleep(0.2)  # four times what it takes to write
    assert await acked() == 3
    await member.ask("ack", position=2**53 - 1)
    await becomes(5, acked)  # the head: nobody has stored more than there is


async def test_an_acked_message_is_delivered(gym: Place, phone: OpenPhone, http: ClientSession) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    first, second = message_to(gym.member), message_to(gym.member)
    for sent in (first, second):
        await coach.ask("message.send", **sent)

    async def delivered() -> list[object]:
        async with http.get(
            f"/v1/organizations/{gym.organization_id}/conversations/{gym.member.membership_id}",
            headers={"Authorization": f"Bearer {gym.coach.token}"},
        ) as answer:
            return [item["delivered"] for item in (await answer.json())["data"]["items"]]

    assert await delivered() == [False, False]
    await member.ask("ack", position=1)
    await becomes([False, True], delivered)
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[second["id"]])
    assert await delivered() == [True, True]


async def test_an_ack_of_nothing_sound_is_a_bad_request(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    for position in (-1, 1.5, "1", None, 2**53):
        answer = await member.ask("ack", position=position)
        assert [detail["field"] for detail in answer["error"]["details"]] == ["position"]


async def test_typing_reaches_the_other_partys_devices_and_nobody_else(gym: Place, phone: OpenPhone) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    member, tablet, other = await phone(gym.member), await phone(gym.member), await phone(gym.member2)

    await coach.say(typing_to(gym.member))

    for one in (member, tablet):
        assert await one.next("signal") == typed_by(gym.coach)
    for one in (coach, coach_web, other):
        assert await signals(one) == []


async def test_typing_is_told_once_in_a_while_and_for_each_conversation(gym: Place, phone: OpenPhone) -> None:
    coach, member, other = await phone(gym.coach), await phone(gym.member), await phone(gym.member2)
    for _ in range(5):
        await coach.say(typing_to(gym.member))
    await coach.say(typing_to(gym.member2))
    assert await coach.drained() == []  # more is dropped silently
    for one in (member, other):
        assert await one.next("signal") == typed_by(gym.coach)
        assert await signals(one) == []


async def test_the_end_of_typing_is_told_as_well(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.say(typing_to(gym.coach, active=False))
    assert await coach.next("signal") == typed_by(gym.member, active=False)


async def test_typing_to_whom_one_may_not_write_reaches_nobody(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member, member2, outsider = (
        await phone(gym.member),
        await phone(gym.member2),
        await phone(other_gym.coach),
    )
    coach2 = await phone(gym.coach2)
    await set_status(database, gym.coach2, "suspended")
    attempts = [
        typing_to(gym.member2),
        typing_to(gym.member),
        typing_to(other_gym.coach),
        typing_to(other_gym.owner) | {"organizationId": gym.organization_id},
        typing_to(gym.coach2),
        typing_to(gym.coach) | {"to": {"workoutAssignmentId": str(uuid4())}},
    ]
    for attempt in attempts:
        await member.say(attempt)
        assert (await member.answer(None))["error"]["code"] in (
            "forbidden",
            "not_found",
            "bad_request",
            "gone",
        )
    for one in (member, member2, outsider, coach2):
        assert await signals(one) == []


async def test_an_organization_that_is_not_ones_own_is_forbidden_to_type_in(
    gym: Place, other_gym: Place, phone: OpenPhone
) -> None:
    member = await phone(gym.member)
    nowhere = typing_to(other_gym.coach2) | {"organizationId": str(uuid4())}
    for attempt in (typing_to(other_gym.coach), nowhere):
        await member.say(attempt)
        assert (await member.answer(None))["error"]["code"] == "forbidden"


async def test_a_phone_in_the_background_hears_messages_but_no_typing(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    tablet = await phone(gym.member, state="background")
    assert await member.ask("state", state="background") == {"type": "ok", "ref": 1, "data": {}}

    await coach.say(typing_to(gym.member))
    await coach.ask("message.send", **message_to(gym.member))
    for one in (member, tablet):
        assert (await one.event("message.created"))["position"] == 1
        assert await signals(one) == []

    await member.ask("state", state="foreground")
    admin = await phone(gym.admin)
    await admin.say(typing_to(gym.member))
    assert await member.next("signal") == typed_by(gym.admin)
    assert await signals(tablet) == []


async def test_a_fresh_token_prolongs_the_connection(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    answer = await member.ask("token.refresh", token=gym.member.token_with(exp=4_000_000_000))
    assert answer == {"type": "ok", "ref": 1, "data": {"tokenExpiresAt": "2096-10-02T07:06:40.000000Z"}}


async def test_a_bad_or_expired_token_changes_nothing(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    for token in ("x", gym.member.token_with(exp=int(time.time()) - 60), gym.member.token[:-2]):
        answer = await member.ask("token.refresh", token=token)
        assert answer["error"]["code"] == "unauthenticated"
    assert (await member.ask("message.send", **message_to(gym.coach)))["type"] == "ok"


async def test_anothers_token_closes_the_socket(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    await member.say({"type": "token.refresh", "token": gym.coach.token})
    assert await member.close_code() == 4500


async def test_a_token_of_another_session_closes_the_socket(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member.token_with(sid="one"))
    assert (await member.ask("token.refresh", token=gym.member.token_with(sid="one")))["type"] == "ok"
    assert (await member.ask("token.refresh", token=gym.member.token))["type"] == "ok"
    await member.say({"type": "token.refresh", "token": gym.member.token_with(sid="two")})
    assert await member.close_code() == 4500


async def test_a_ping_is_answered_with_its_ref_if_it_has_one(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    await member.say({"type": "ping"})
    assert await member.next("pong") == {"type": "pong"}
    for ref in ("r", 0):
        await member.say({"type": "ping", "ref": ref})
        assert await member.next("pong") == {"type": "pong", "ref": ref}


async def test_what_is_unread_is_told_to_every_device_after_what_changed_it(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    elsewhere = await join(database, gym.member, other_gym, "member")
    coach, other_coach = await phone(gym.coach), await phone(other_gym.coach)
    member, tablet = await phone(gym.member), await phone(gym.member)

    def count(here: int, there: int) -> Frame:
        counts = {gym.organization_id: here, other_gym.organization_id: there}
        told = [{"organizationId": id_, "count": n} for id_, n in sorted(counts.items()) if n]
        return {"type": "unread", "total": here + there, "organizations": told}

    first = message_to(gym.member)
    await coach.ask("message.send", **first)
    for one in (member, tablet):
        assert await one.next("unread") == count(1, 0)
    await other_coach.ask("message.send", **message_to(elsewhere))
    for one in (member, tablet):
        assert await one.next("unread") == count(1, 1)
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[first["id"]])
    for one in (member, tablet):
        assert await one.next("unread") == count(0, 1)


async def test_many_messages_are_counted_once_in_a_while(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    began = time.monotonic()
    await coach.say([{"type": "message.send", "ref": n, **message_to(gym.member)} for n in range(20)])
    told = [await member.next("unread")]
    while told[-1]["total"] < 20:
        told.append(await member.next("unread"))
    assert len(told) <= 1 + (time.monotonic() - began) / 0.2
