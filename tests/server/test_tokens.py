"""Tokens at hello: who is let in, and with which code the others are sent away."""

import time
from collections.abc import Callable
from uuid import uuid4

import jwt
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone
from ..phone import Phone
from .conftest import OpenPhone


def flipped(token: str) -> str:
    """The same token with one bit of its signature changed."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def claims(who: Someone) -> dict[str, object]:
    return {"sub": who.user_id, "exp": 4_000_000_000}


BAD: dict[str, Callable[[Someone], str]] = {
    "no token at all": lambda who: "x",
    "three empty parts": lambda who: "..",
    "forged": lambda who: flipped(who.token),
    "of another secret": lambda who: jwt.encode(claims(who), "another secret of more than 32 bytes", "HS256"),
    "unsigned": lambda who: jwt.encode(claims(who), "", "none"),
    "of another algorithm": lambda who: jwt.encode(claims(who), SECRET + SECRET, "HS512"),
    "for ever": lambda who: who.token_with(exp=None),
    "with a wrong expiry": lambda who: who.token_with(exp="tomorrow"),
    "with an expiry beyond all calendars": lambda who: who.token_with(exp=10**18),
    "not valid yet": lambda who: who.token_with(nbf=int(time.time()) + 3600),
    "of nobody": lambda who: who.token_with(sub=None),
    "of no user's id": lambda who: who.token_with(sub="Noa"),
    "of an id in upper case": lambda who: who.token_with(sub=who.user_id.upper()),
    "with a wrong session": lambda who: who.token_with(sid=7),
    "too long": lambda who: who.token_with(more="x" * 20_000),
}


async def test_a_bad_token_is_told_not_to_come_back(gym: Place, phone: OpenPhone) -> None:
    for what, make in BAD.items():
        stranger = await phone(make(gym.member), connect=False)
        await stranger.open()
        await stranger.say({"type": "hello", "token": stranger.token, "device": stranger.device})
        assert await stranger.close_code() == 4500, what


async def test_an_expired_token_may_come_back_with_a_new_one(gym: Place, phone: OpenPhone) -> None:
    late = await phone(gym.member.token_with(exp=int(time.time()) - 15), connect=False)
    await late.open()
    await late.say({"type": "hello", "token": late.token, "device": late.device})
    assert await late.close_code() == 4004

    late.token = gym.member.token
    assert (await late.connect())["resume"] == "fresh"


async def test_clocks_may_differ_by_ten_seconds(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member.token_with(exp=int(time.time()) - 5))
    assert member.welcome["userId"] == gym.member.user_id


async def test_issuer_and_audience_are_checked_when_they_are_set(gym: Place, database_url: str) -> None:
    settings = Settings(
        database_url=database_url, jwt_secret=SECRET, jwt_issuer="the gyms", jwt_audience="coachwire"
    )
    right = {"iss": "the gyms", "aud": "coachwire"}
    async with TestServer(init_app(settings)) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        async with Phone(session, url, gym.member.token_with(**right)) as member:
            assert member.welcome["userId"] == gym.member.user_id
        for wrong in ({"iss": "others"}, {"aud": "others"}, {"iss": None}, {"aud": None}):
            stranger = Phone(session, url, gym.member.token_with(**right | wrong))
            await stranger.open()
            await stranger.say({"type": "hello", "token": stranger.token, "device": stranger.device})
            assert await stranger.close_code() == 4500
            await stranger.leave()


async def test_a_token_never_works_from_the_address(gym: Place, http: ClientSession) -> None:
    socket = await http.ws_connect(f"/v1/ws?token={gym.member.token}")
    await socket.send_str(f'{{"type":"hello","device":"{uuid4()}"}}')
    await socket.receive()
    assert socket.close_code == 4501
    await socket.close()
