"""The limit on new messages: an answer that says when to come back, never a disconnect."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import RateLimit, Settings

from ..gym import SECRET, Place, message_to
from ..phone import Phone
from .conftest import OpenPhone
from .platform import Tables, set_status, stored

OK = "ok"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=RateLimit(3, 60))


async def send(phone: Phone, place: Place) -> str:
    """What a new message comes to: its code, or ok."""
    answer = await phone.ask("message.send", **message_to(place.member))
    return str(answer["error"]["code"]) if answer["type"] == "error" else OK


async def test_one_more_than_the_limit_is_refused_and_says_when_to_come_back(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    assert coach.welcome["limits"]["messagesPerMinute"] == 3
    assert [await send(coach, gym) for _ in range(3)] == [OK, OK, OK]

    error = (await coach.ask("message.send", **message_to(gym.member)))["error"]

    assert 55_000 < error["retryAfterMs"] <= 60_000
    assert error == {
        "code": "rate_limited",
        "message": "Too many in too short a time.",
        "retryAfterMs": error["retryAfterMs"],
    }
    assert await stored(database) == 3
    assert await coach.drained() == []  # and the socket goes on


async def test_duplicates_and_refused_ones_do_not_count(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    await set_status(database, gym.member2, "suspended")
    first = message_to(gym.member)
    assert (await coach.ask("message.send", **first))["type"] == "ok"
    for _ in range(3):
        assert (await coach.ask("message.send", **first))["data"]["duplicate"] is True
        for refused in (
            message_to(gym.coach),
            message_to(gym.member2),
            message_to(other_gym.member),
            message_to(gym.member, ""),
            first | {"content": "other"},
        ):
            assert (await coach.ask("message.send", **refused))["type"] == "error"
    assert [await send(coach, gym) for _ in range(3)] == [OK, OK, "rate_limited"]


async def test_duplicates_are_answered_when_the_window_is_full(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    first = message_to(gym.member)
    await coach.ask("message.send", **first)
    assert [await send(coach, gym) for _ in range(3)] == [OK, OK, "rate_limited"]
    assert (await coach.ask("message.send", **first))["data"]["duplicate"] is True


async def test_reads_and_deletions_go_on(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    theirs = message_to(gym.coach)
    await member.ask("message.send", **theirs)
    mine = message_to(gym.member)
    await coach.ask("message.send", **mine)
    assert [await send(coach, gym) for _ in range(3)] == [OK, OK, "rate_limited"]
    organization = {"organizationId": gym.organization_id}
    assert (await coach.ask("message.read", **organization, messageIds=[theirs["id"]]))["type"] == "ok"
    assert (await coach.ask("message.delete", **organization, id=mine["id"]))["type"] == "ok"


async def test_the_limit_is_one_for_all_devices_and_doors(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    url, headers = (
        f"/v1/organizations/{gym.organization_id}/messages",
        {"Authorization": f"Bearer {gym.coach.token}"},
    )
    body = {"to": {"membershipId": gym.member.membership_id}, "content": "hello"}
    assert [await send(coach, gym), await send(coach_web, gym)] == [OK, OK]
    async with http.post(url, headers=headers, json=body) as answer:
        assert answer.status == 201
    assert [await send(coach, gym), await send(coach_web, gym)] == ["rate_limited", "rate_limited"]
    async with http.post(url, headers=headers, json=body) as answer:
        problem = await answer.json()
        assert answer.status == 429
        assert 55_000 < problem["retryAfterMs"] <= 60_000
        assert 55 < int(answer.headers["Retry-After"]) <= 60


async def test_others_have_windows_of_their_own(gym: Place, phone: OpenPhone) -> None:
    coach, other = await phone(gym.coach), await phone(gym.coach2)
    assert [await send(coach, gym) for _ in range(4)] == [OK, OK, OK, "rate_limited"]
    assert await send(other, gym) == OK


async def test_at_the_same_moment_no_more_than_the_limit_is_stored(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    phones = [await phone(gym.coach) for _ in range(9)]
    codes = await asyncio.gather(*(send(one, gym) for one in phones))
    assert sorted(codes) == [OK] * 3 + ["rate_limited"] * 6
    assert await stored(database) == 3


async def test_in_one_array_the_first_ones_are_stored(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    requests = [{"type": "message.send", "ref": n, **message_to(gym.member)} for n in range(5)]
    await coach.say(requests)
    assert [(await coach.answer(n))["type"] for n in range(5)] == ["ok", "ok", "ok", "error", "error"]


async def test_the_window_opens_with_the_first_message_after_the_former_closed(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    assert [await send(coach, gym) for _ in range(4)] == [OK, OK, OK, "rate_limited"]

    async def age(seconds: int) -> None:
        await database.execute(
            "update user_streams set window_started = window_started - $1 * interval '1 second'",
            seconds,
        )

    await age(50)
    error = (await coach.ask("message.send", **message_to(gym.member)))["error"]
    assert 5_000 < error["retryAfterMs"] <= 10_000
    await age(11)
    assert [await send(coach, gym) for _ in range(4)] == [OK, OK, OK, "rate_limited"]
    error = (await coach.ask("message.send", **message_to(gym.member)))["error"]
    assert error["retryAfterMs"] > 55_000


async def test_a_refused_send_may_be_sent_again_with_its_id(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    assert [await send(coach, gym) for _ in range(3)] == [OK, OK, OK]
    sent = message_to(gym.member, id=str(uuid4()))
    assert (await coach.ask("message.send", **sent))["error"]["code"] == "rate_limited"
    await database.execute("update user_streams set window_started = now() - interval '61 s'")
    assert "duplicate" not in (await coach.ask("message.send", **sent))["data"]
