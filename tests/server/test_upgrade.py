"""The upgrade: who may open a socket at all."""

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from coachwire.settings import Settings

from ..gym import SECRET, Place

KEY = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

ELSEWHERE = (
    "https://evil.example",
    "null",
    "",
    "https://app.example.com.evil.example",
    "https://evil.example/https://app.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://sub.app.example.com",
    "{url}.evil.example",
    "{url}@evil.example",
    "{url}/",
    "file://{host}",
    "http://localhost@{host}",
)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        jwt_secret=SECRET,
        allowed_origins=frozenset({"https://app.example.com"}),
    )


async def refusal(http: ClientSession, **options: Any) -> int:
    """The status with which an upgrade is refused."""
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect("/v1/ws", **options)
    return refused.value.status


async def test_the_sub_protocol_that_is_spoken_is_echoed(http: ClientSession) -> None:
    for offered in (["coachwire.v1.json"], ["chat", "coachwire.v1.json"]):
        socket = await http.ws_connect("/v1/ws", protocols=offered)
        assert socket.protocol == "coachwire.v1.json"
        await socket.close()


async def test_none_is_echoed_when_none_was_offered(http: ClientSession) -> None:
    async with http.get("/v1/ws", headers=KEY) as answer:
        assert answer.status == 101
        assert "Sec-WebSocket-Protocol" not in answer.headers
        assert "Sec-WebSocket-Extensions" not in answer.headers


async def test_other_sub_protocols_are_refused(http: ClientSession) -> None:
    assert await refusal(http, protocols=["chat"]) == 400
    assert await refusal(http, protocols=["coachwire.v2.json", "coachwire.v1"]) == 400


async def test_compression_is_not_negotiated(http: ClientSession) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    async with http.get("/v1/ws", headers=KEY | offer) as answer:
        assert answer.status == 101
        assert "Sec-WebSocket-Extensions" not in answer.headers


async def test_pages_of_our_own_and_of_allowed_origins_may_connect(
    gym: Place, http: ClientSession, url: str
) -> None:
    for origin in (url, "https://app.example.com"):
        socket = await http.ws_connect("/v1/ws", origin=origin)
        await socket.send_json({"type": "hello", "token": gym.member.token, "device": str(uuid4())})
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.close()


async def test_pages_from_elsewhere_are_refused(http: ClientSession, url: str) -> None:
    host = url.removeprefix("http://")
    for origin in ELSEWHERE:
        assert await refusal(http, headers={"Origin": origin.format(url=url, host=host)}) == 403, origin


async def test_a_request_that_is_no_upgrade_is_refused(http: ClientSession) -> None:
    async with http.get("/v1/ws") as answer:
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"
