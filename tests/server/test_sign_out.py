"""Devices over REST: made known, acknowledging, and signed out until somebody signs in anew."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, message_to
from ..phone import Phone
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, add_skipped

PATIENCE = 10.0  # s


def later(who: Someone) -> str:
    """A token issued after everything that happens in a test."""
    return who.token_with(iat=int(time.time()) + 5)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET)


@pytest.fixture
async def elsewhere(settings: Settings, gym: Place) -> AsyncIterator[str]:
    """The address of a second instance."""
    async with TestServer(init_app(settings)) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_sign_out_closes_the_devices_sockets_now_and_no_others(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    device = str(uuid4())
    signed_out, other = await phone(gym.member, device=device), await phone(gym.member)
    coachs = await phone(gym.coach, device=device)

    answer = await Caller(http, gym.member).delete(f"/v1/me/devices/{device}")

    assert (answer.status, answer.data) == (200, {})
    assert await signed_out.close_code() == 4506
    assert await other.drained() == []
    assert await coachs.drained() == []


async def test_a_signed_out_device_stays_out_until_a_token_issued_later(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    device = str(uuid4())
    member = Caller(http, gym.member)
    await member.delete(f"/v1/me/devices/{device}")

    for token in (gym.member.token, gym.member.token_with(), gym.member.token_with(iat=None)):
        refused = await phone(token, device=device, connect=False)
        await refused.open()
        await refused.say({"type": "hello", "token": token, "device": device})
        assert await refused.close_code() == 4506
    assert (await phone(gym.member)).welcome["resume"] == "fresh"  # another device, the same token
    back = await phone(later(gym.member), device=device)
    assert (back.welcome["session"], await back.drained()) == ("1", [])


async def test_a_token_from_before_is_worth_nothing_after_a_new_sign_in_either(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    device = str(uuid4())
    await Caller(http, gym.member).delete(f"/v1/me/devices/{device}")
    await phone(later(gym.member), device=device)
    old = await phone(gym.member, device=device, connect=False)
    await old.open()
    await old.say({"type": "hello", "token": old.token, "device": device})
    assert await old.close_code() == 4506


async def test_signing_out_again_by_the_old_token_disturbs_nobody(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    device = str(uuid4())
    member = Caller(http, gym.member)
    await member.delete(f"/v1/me/devices/{device}")
    back = await phone(later(gym.member), device=device)
    assert (await member.delete(f"/v1/me/devices/{device}")).data == {}
    assert await back.drained() == []

    assert (await Caller(http, gym.member, later(gym.member)).delete(f"/v1/me/devices/{device}")).data == {}
    assert await back.close_code() == 4506


async def test_a_signed_out_device_is_refused_over_rest(gym: Place, http: ClientSession) -> None:
    path = f"/v1/me/devices/{uuid4()}"
    old, new = Caller(http, gym.member), Caller(http, gym.member, later(gym.member))
    about = {"platform": "ios", "language": "he"}
    await old.put(path, about)
    await old.delete(path)

    for refused in (await old.put(path, about), await old.put(f"{path}/ack", {"position": 0})):
        assert refused.code == "unauthenticated"
        assert refused.body["detail"] == "This device is signed out: sign in anew."
    assert (await new.put(path, about)).status == 200
    assert (await new.put(f"{path}/ack", {"position": 0})).data == {}


async def test_a_socket_on_another_instance_is_found_without_a_bus(
    gym: Place, http: ClientSession, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("coachwire.hub.repair.COMPARE", 0.1)
    device = str(uuid4())
    async with TestServer(init_app(settings)) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        async with Phone(session, url, gym.member.token, device) as there:
            await Caller(http, gym.member).delete(f"/v1/me/devices/{device}")
            assert await there.close_code() == 4506


class TestOverRedis:
    @pytest.fixture
    def settings(self, database_url: str, redis_url: str) -> Settings:
        return Settings(database_url=database_url, jwt_secret=SECRET, redis_url=redis_url)

    async def test_a_socket_on_another_instance_closes_at_once(
        self, gym: Place, http: ClientSession, elsewhere: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coachwire.hub.repair.Repair.doubt", lambda repair: None)  # the hint alone
        device = str(uuid4())
        async with ClientSession() as session, Phone(session, elsewhere, gym.member.token, device) as there:
            began = time.monotonic()
            await Caller(http, gym.member).delete(f"/v1/me/devices/{device}")
            assert await there.close_code() == 4506
            assert time.monotonic() - began < 1


async def test_a_device_makes_itself_known(gym: Place, http: ClientSession, database: Tables) -> None:
    device = str(uuid4())
    member = Caller(http, gym.member)
    about = {"platform": "web", "language": "he"}
    known = {"device": device, **about, "webPush": False, "applicationServerKey": None}
    assert (await member.put(f"/v1/me/devices/{device}", about)).data == known
    changed = await member.put(f"/v1/me/devices/{device}", {"platform": "web", "language": "ru"})
    assert changed.data == known | {"language": "ru"}
    rows = await database.fetch("select user_id::text, platform, language, session from devices")
    assert [tuple(one) for one in rows] == [(gym.member.user_id, "web", "ru", 0)]


async def test_of_fifty_one_devices_the_one_unseen_for_longest_goes(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        "insert into devices (user_id, device_id, platform, seen_at)"
        " select $1, gen_random_uuid(), n::text, now() - n * interval '1 day' from generate_series(1, 50) n",
        gym.member.user_id,
    )
    device = str(uuid4())
    await Caller(http, gym.member).put(f"/v1/me/devices/{device}", {"platform": "ios", "language": "en"})
    platforms = {one["platform"] for one in await database.fetch("select platform from devices")}
    assert platforms == {"ios", *map(str, range(1, 50))}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["platform", "language"]),
        ({"platform": "", "language": "he"}, ["platform"]),
        ({"platform": "p" * 33, "language": 1}, ["platform", "language"]),
        ({"platform": "ios", "language": "a\0b"}, ["language"]),
    ],
)
async def test_what_a_device_says_of_itself_is_checked(
    gym: Place, http: ClientSession, body: dict[str, Any], fields: list[str]
) -> None:
    refused = await Caller(http, gym.member).put(f"/v1/me/devices/{uuid4()}", body)
    assert [error["field"] for error in refused.body["errors"]] == fields
    assert (await Caller(http, gym.member).put("/v1/me/devices/mine", body)).code == "bad_request"


async def acked(database: Tables, device: str, wanted: Callable[[int], bool]) -> int:
    """The device's position once it is as wanted: it is written within 2 s."""
    async with asyncio.timeout(PATIENCE):
        while True:
            position = await database.fetchval(
                "select acked_position from devices where device_id = $1", device
            )
            if wanted(position):
                return int(position)
            await asyncio.sleep(0.05)


async def test_an_ack_moves_forward_only_and_never_past_the_head(
    gym: Place, http: ClientSession, database: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_skipped(database, gym.member, 10)
    device = str(uuid4())
    member = Caller(http, gym.member)
    await member.put(f"/v1/me/devices/{device}", {"platform": "ios", "language": "he"})
    await member.put(f"/v1/me/devices/{device}/ack", {"position": 7})
    assert await acked(database, device, lambda position: position > 0) == 7
    await member.put(f"/v1/me/devices/{device}/ack", {"position": 3})
    await member.put(f"/v1/me/devices/{device}/ack", {"position": 99})
    assert await acked(database, device, lambda position: position != 7) == 10


async def test_an_ack_of_an_unknown_device_is_not_found(gym: Place, http: ClientSession) -> None:
    member = Caller(http, gym.member)
    device = str(uuid4())
    await Caller(http, gym.coach).put(f"/v1/me/devices/{device}", {"platform": "ios", "language": "he"})
    assert (await member.put(f"/v1/me/devices/{device}/ack", {"position": 1})).code == "not_found"
    bad = await member.put(f"/v1/me/devices/{device}/ack", {"position": -1})
    assert [error["field"] for error in bad.body["errors"]] == ["position"]


async def test_an_acknowledged_message_is_delivered(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    device = str(uuid4())
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    await member.put(f"/v1/me/devices/{device}", {"platform": "ios", "language": "he"})
    sent = (await coach.post("messages", message_to(gym.member))).data
    assert sent["delivered"] is False
    await member.put(f"/v1/me/devices/{device}/ack", {"position": 1})
    await acked(database, device, lambda position: position == 1)
    assert (await coach.get(f"messages/{sent['id']}")).data == sent | {"delivered": True}
