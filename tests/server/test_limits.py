"""Floods, silence and overload, through the socket."""

import asyncio

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from aiohttp.test_utils import TestServer
from coachwire import limits
from coachwire.keys import READINESS
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from .conftest import OpenPhone


@pytest.fixture
def settings(database_url: str) -> Settings:
    """New messages are limited elsewhere, and tested with the sends."""
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def test_the_121st_request_in_a_window_is_refused_and_sends_are_not(
    gym: Place, phone: OpenPhone
) -> None:
    coach = await phone(gym.coach)
    for frame in range(4):
        await coach.say([{"type": "state", "ref": f"{frame}-{n}", "state": "foreground"} for n in range(30)])
    assert (await coach.answer("3-29"))["type"] == "ok"

    refused = await coach.ask("state", state="foreground")
    assert refused["error"]["code"] == "rate_limited"
    assert 0 < refused["error"]["retryAfterMs"] <= 10_000
    assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"


async def test_a_typing_signal_too_many_is_dropped_silently(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    typing = {"organizationId": gym.organization_id, "to": {"membershipId": gym.member.membership_id}}
    assert (await coach.ask("typing", **typing, active=True))["type"] == "ok"
    assert (await coach.ask("typing", **typing, active=False))["type"] == "ok"

    assert (await member.next("signal"))["data"]["active"] is True
    assert [frame for frame in await member.drained() if frame["type"] == "signal"] == []


async def test_a_flood_that_goes_on_is_closed(
    gym: Place, phone: OpenPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SUSTAINED", 1.0)
    flooder, other = await phone(gym.coach), await phone(gym.member)

    async def flood() -> None:
        while True:
            await flooder.say("[]")

    flooding = asyncio.create_task(flood())
    assert await flooder.close_code() == 4005
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    sent = message_to(gym.coach)
    while (answer := await other.ask("message.send", **sent))["type"] != "ok":
        assert answer["error"]["code"] == "unavailable"  # while the flood was being read


async def test_pings_beyond_the_limit_wait_where_they_come_from(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    began = asyncio.get_running_loop().time()
    for _ in range(120):
        await coach.say("")
    await coach.ask("state", state="foreground")
    assert asyncio.get_running_loop().time() - began > 1.9  # 50 a second: the third window


async def test_requests_beyond_those_in_flight_are_read_when_others_are_answered(
    gym: Place, phone: OpenPhone
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sends = [message_to(gym.member, f"{n}") for n in range(320)]
    for start in range(0, 320, 32):
        await coach.say(
            [
                {"type": "message.send", "ref": start + n, **send}
                for n, send in enumerate(sends[start : start + 32])
            ]
        )
    for ref in range(320):
        assert (await coach.answer(ref))["type"] == "ok"
    while len(member.events) < 320:
        await member.read()
    assert [event["data"]["content"] for event in member.events] == [f"{n}" for n in range(320)]


async def test_at_overload_a_new_socket_is_sent_away_for_a_while(
    gym: Place, server: TestServer, url: str, http: ClientSession
) -> None:
    server.app[READINESS].lag = 5.0
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(f"{url}/v1/ws")
    assert refused.value.status == 503
    assert refused.value.headers is not None
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 5


async def test_sends_that_are_refused_have_a_limit_of_their_own(
    gym: Place, other_gym: Place, phone: OpenPhone
) -> None:
    coach = await phone(gym.coach)
    stranger = {"organizationId": gym.organization_id}
    for start in range(0, 120, 30):
        for ref in range(start, start + 30):
            await coach.say({"type": "message.send", "ref": ref, **message_to(other_gym.member, **stranger)})
        for ref in range(start, start + 30):
            assert (await coach.answer(ref))["error"]["code"] == "not_found"

    refused = await coach.ask("message.send", **message_to(gym.member))
    assert refused["error"]["code"] == "rate_limited"
