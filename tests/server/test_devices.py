"""Devices: one socket each, ten a user."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings

from ..gym import Place, message_to
from ..phone import Phone
from .conftest import OpenPhone
from .platform import Tables


async def test_a_newer_hello_of_the_same_device_closes_the_older_socket(gym: Place, phone: OpenPhone) -> None:
    device = str(uuid4())
    older = await phone(gym.member, device=device)
    other = await phone(gym.member)
    newer = await phone(gym.member, device=device)

    assert await older.close_code() == 4505
    assert (older.welcome["session"], newer.welcome["session"]) == ("1", "2")
    sent = message_to(gym.coach)
    await newer.ask("message.send", **sent)
    assert (await other.event("message.created"))["data"]["id"] == sent["id"]


async def test_the_reason_of_a_close_reaches_a_phone_that_is_sending(gym: Place, phone: OpenPhone) -> None:
    device = str(uuid4())
    older = await phone(gym.member, device=device)
    newer = await phone(gym.member, device=device, connect=False)
    hello = asyncio.create_task(newer.connect())
    while not hello.done():
        await older.say({"type": "ping", "pad": "x" * 10_000})
    assert await older.close_code() == 4505


async def test_a_device_is_its_users_alone(gym: Place, phone: OpenPhone) -> None:
    device = str(uuid4())
    member, coach = await phone(gym.member, device=device), await phone(gym.coach, device=device)
    assert await member.drained() == []
    assert await coach.drained() == []


async def test_an_older_socket_on_another_instance_is_found_without_a_bus(
    gym: Place, phone: OpenPhone, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.hub.repair.COMPARE", 0.1)
    device = str(uuid4())
    async with TestServer(init_app(settings)) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        async with Phone(session, url, gym.member.token, device) as older:
            newer = await phone(gym.member, device=device)
            assert await older.close_code() == 4505
            assert await newer.drained() == []


async def test_the_eleventh_connection_closes_the_oldest(gym: Place, phone: OpenPhone) -> None:
    phones = [await phone(gym.member) for _ in range(10)]
    assert await phones[0].drained() == []

    eleventh = await phone(gym.member)
    assert await phones[0].close_code() == 4504
    await eleventh.ask("message.send", **message_to(gym.coach))
    for one in phones[1:]:
        assert (await one.event("message.created"))["position"] == 1


async def test_the_device_unseen_for_longest_goes_when_there_are_fifty_others(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    await database.execute(
        "insert into devices (user_id, device_id, seen_at)"
        " select $1, gen_random_uuid(), now() - n * interval '1 day' from generate_series(1, 50) n",
        gym.member.user_id,
    )
    member = await phone(gym.member)
    rows = await database.fetch(
        "select device_id::text, now() - seen_at < interval '49 days 12 hours' as young"
        " from devices where user_id = $1",
        gym.member.user_id,
    )
    assert len(rows) == 50
    assert member.device in [row["device_id"] for row in rows]
    assert all(row["young"] for row in rows)
