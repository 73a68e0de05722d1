"""Browsers: they subscribe, are pushed what they alone can read, and are forgotten when they have left."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from coachwire.notifications.settings import VapidSettings, networks, new_vapid_key
from coachwire.settings import Settings

from ..gym import Place, Someone
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from .browser import Browser, certificate, vouched
from .outbox import Outbox, Tables
from .receiver import PATIENCE, Receiver
from .test_failing_receivers import take_out

WHO = {"platform": "web", "language": "he"}


@pytest.fixture
async def push_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """With TLS, by a certificate that the server trusts."""
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    one = Receiver()
    await one.server.start_server(ssl=context)
    one.server.scheme = "https"
    yield one
    await one.server.close()


@pytest.fixture
def settings(settings: Settings, push_service: Receiver) -> Settings:
    _, key = new_vapid_key()
    return replace(settings, vapid=VapidSettings(key, "ops@harbor.test", networks("127.0.0.0/8")))


@pytest.fixture
def browser(push_service: Receiver) -> Browser:
    url = push_service.server.make_url(f"/push/{uuid4()}").with_scheme("https")
    return Browser(str(url))


async def subscribe(http: ClientSession, who: Someone, browser: Browser, device: str = "") -> Any:
    about = WHO | {"webPush": browser.subscription}
    return (await Caller(http, who).put(f"/v1/me/devices/{device or uuid4()}", about)).data


async def test_a_page_finds_the_key_registers_and_is_pushed_what_it_alone_can_read(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    push_service: Receiver,
    browser: Browser,
    settings: Settings,
) -> None:
    device = str(uuid4())
    found = (await Caller(http, gym.member).put(f"/v1/me/devices/{device}", WHO)).data
    assert settings.vapid is not None
    key = settings.vapid.public_key
    assert found == {"device": device, **WHO, "webPush": False, "applicationServerKey": key}
    assert await subscribe(http, gym.member, browser, device) == found | {"webPush": True}

    id_ = await outbox.message(await phone(gym.coach), gym.member, "a word between us")
    pushed, posted = await push_service.next(), await receiver.next()
    told = browser.read(pushed)
    assert told == posted.verified() | {"timestamp": told["timestamp"]}
    assert (told["type"], told["data"]["messageId"], told["data"]["badge"]) == ("message.created", id_, 1)
    claims = vouched(pushed, key)
    assert claims["aud"] == browser.endpoint.partition("/push")[0]
    assert claims["sub"] == "mailto:ops@harbor.test"
    assert time.time() < claims["exp"] <= time.time() + 86_400
    assert (pushed.headers["ttl"], pushed.headers["topic"]) == ("86400", UUID(id_).hex)
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)] * 2


async def test_content_that_is_allowed_is_cut_to_what_a_push_service_takes(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    push_service: Receiver,
    browser: Browser,
    database: Tables,
) -> None:
    await database.execute(
        "insert into organization_settings (organization_id, content_in_notifications) values ($1, true)",
        UUID(gym.organization_id),
    )
    await subscribe(http, gym.member, browser)
    await outbox.message(await phone(gym.coach), gym.member, "שלום" * 1250)
    pushed = await push_service.next()
    content = browser.read(pushed)["data"]["content"]
    assert len(pushed.body) < 3500
    assert 1000 < len(content) < 1500
    assert content == ("שלום" * 1250)[: len(content) - 1] + "…"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_has_ended_is_forgotten(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    push_service: Receiver,
    browser: Browser,
    database: Tables,
    status: int,
) -> None:
    await subscribe(http, gym.member, browser)
    push_service.answers = [status]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    await push_service.next()
    assert (await outbox.settled(id_, "dropped"))[1:] == [("message", "dropped", 1, f"status {status}")]
    async with asyncio.timeout(PATIENCE):
        while await database.fetchval("select count(push_endpoint) from devices"):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)]


async def test_a_push_that_failed_is_tried_again_and_the_platform_is_not_told_twice(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    push_service: Receiver,
    browser: Browser,
) -> None:
    await subscribe(http, gym.member, browser)
    push_service.answers = [500, 429]
    receiver.answers = [500]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    for _ in range(3):
        await push_service.next()
    assert (await outbox.settled(id_, "sent"))[1] == ("message", "sent", 3, None)
    for _ in range(2):
        await receiver.next()
    await outbox.settled(id_, "sent")
    assert (len(push_service.posts), len(receiver.posts)) == (3, 2)


async def test_what_was_read_is_not_pushed_and_reading_pushes_nothing(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    push_service: Receiver,
    browser: Browser,
) -> None:
    await subscribe(http, gym.member, browser)
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    read = await outbox.message(coach, gym.member, due=False)
    told = await outbox.message(coach, gym.member)
    assert browser.read(await push_service.next())["data"]["messageId"] == told
    await outbox.settled(told, "sent")
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[read, told])
    assert [row[:2] for row in await outbox.settled(told, "sent")] == [
        ("message", "sent"),
        ("message", "sent"),
        ("read", "sent"),
    ]
    assert len(push_service.posts) == 1
    assert [post.told["type"] for post in receiver.posts] == ["message.created", "message.read"]


class TestWithoutWebhook:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, webhook=None)

    async def test_only_browsers_are_told(
        self,
        gym: Place,
        http: ClientSession,
        phone: OpenPhone,
        outbox: Outbox,
        receiver: Receiver,
        push_service: Receiver,
        browser: Browser,
    ) -> None:
        await subscribe(http, gym.member, browser)
        id_ = await outbox.message(await phone(gym.coach), gym.member)
        assert browser.read(await push_service.next())["data"]["messageId"] == id_
        assert [row[:3] for row in await outbox.settled(id_, "sent")] == [
            ("message", "sent", 0),
            ("message", "sent", 1),
        ]
        assert receiver.posts == []


class TestIntoPrivateNetworks:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        assert settings.vapid is not None
        return replace(settings, vapid=replace(settings.vapid, networks=()))

    async def test_no_subscription_leads_there(
        self,
        gym: Place,
        http: ClientSession,
        phone: OpenPhone,
        outbox: Outbox,
        push_service: Receiver,
        browser: Browser,
        monkeypatch: pytest.MonkeyPatch,
        log: list[Any],
    ) -> None:
        monkeypatch.setattr("coachwire.notifications.outbox.ATTEMPTS", 1)
        await subscribe(http, gym.member, browser)
        id_ = await outbox.message(await phone(gym.coach), gym.member)
        assert (await outbox.settled(id_, "dead"))[1] == ("message", "dead", 1, "refused address")
        assert push_service.posts == []
        await take_out(log, "notification_dead")


async def test_no_more_than_ten_browsers_of_a_person_are_pushed_to(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    outbox: Outbox,
    push_service: Receiver,
) -> None:
    base = push_service.server.make_url("/push/").with_scheme("https")
    browsers = [Browser(f"{base}{number}") for number in range(12)]
    for one in browsers:
        await subscribe(http, gym.member, one)
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    for _ in range(10):
        await push_service.next()
    await outbox.settled(id_, "sent")
    assert len(await outbox.rows(id_)) == 1 + 10


async def test_sign_out_null_and_whoever_registers_the_browser_next_end_a_subscription(
    gym: Place, http: ClientSession, browser: Browser, database: Tables
) -> None:
    device = str(uuid4())

    async def held() -> list[str]:
        rows = await database.fetch("select user_id::text from devices where push_endpoint is not null")
        return [row["user_id"] for row in rows]

    await subscribe(http, gym.member, browser, device)
    assert await held() == [gym.member.user_id]
    about = await Caller(http, gym.member).put(f"/v1/me/devices/{device}", WHO)
    assert about.data["webPush"]  # what is left out stays
    await subscribe(http, gym.member2, browser, device)
    assert await held() == [gym.member2.user_id]
    about = await Caller(http, gym.member2).put(f"/v1/me/devices/{device}", WHO | {"webPush": None})
    assert not about.data["webPush"]
    assert await held() == []
    await subscribe(http, gym.member, browser, device)
    await Caller(http, gym.member).delete(f"/v1/me/devices/{device}")
    assert await held() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": "http://push.test/1"}, "webPush.endpoint"),
        ({"endpoint": "https://user@push.test/1"}, "webPush.endpoint"),
        ({"endpoint": "https://"}, "webPush.endpoint"),
        ({"endpoint": "https://[::1/"}, "webPush.endpoint"),
        ({"endpoint": "https://push.test/" + "x" * 2048}, "webPush.endpoint"),
        ({"endpoint": 1}, "webPush.endpoint"),
        ({"keys": {}}, "webPush.keys.p256dh"),
        ({"keys": {"p256dh": "!" * 87, "auth": "A" * 22}}, "webPush.keys"),
        ({"keys": {"p256dh": "BA", "auth": "A" * 22}}, "webPush.keys"),
        ({"keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22}}, "webPush.keys.p256dh"),
    ],
)
async def test_what_is_no_subscription_is_refused(
    gym: Place, http: ClientSession, browser: Browser, changes: dict[str, Any], field: str
) -> None:
    body = WHO | {"webPush": browser.subscription | changes}
    refused = await Caller(http, gym.member).put(f"/v1/me/devices/{uuid4()}", body)
    assert refused.code == "bad_request"
    assert refused.body["errors"][0]["field"] == field
