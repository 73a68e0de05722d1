"""Who may not come in from a page: odd origins and hosts, and the door that hands out the demo people's tokens."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer, make_mocked_request
from coachwire.app import init_app
from coachwire.demo import DemoPerson
from coachwire.dev import dev_routes, require_loopback
from coachwire.settings import Settings
from coachwire_protocol.errors import Forbidden

from ..gym import Place
from .conftest import OpenLine
from .line import Line

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
NO_ORIGINS = (
    "http://[::1", "http://[", "http://]", "//", "http://", "http://a:b:c", "http://[v1.x]", "\xff",
)  # fmt: skip
NO_HOSTS = ("[::1", "]", "a b", "\xff", "", "localhost:none", "evil.example@localhost")
OUR_NAMES = ("localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST")
OTHER_NAMES = (
    "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "localhost@evil.example",
    "127.1", "10.0.0.1", "[::", "",
)  # fmt: skip
# What two readers, a proxy and a server, might read as two different requests.
AMBIGUOUS = (
    "Host: a\r\nHost: b\r\n",
    "Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Host: a\r\nContent-Length: +5\r\n",
    "Host: a\r\nTransfer-Encoding: chunked, identity\r\n",
    "Host: a\r\nTransfer-Encoding: xchunked\r\n",
    "Host: a\r\nX: a\r\n b\r\n",
    "Host: a\r\nX : a\r\n",
    "Host: a\nX: b\r\n",
    "Host: a\r\nX: \0\r\n",
    "X: a\r\n",
)
NOAH = DemoPerson("noah@demo.test", "Noah", "coach", "Demo")


async def test_an_origin_that_is_no_origin_is_refused_and_troubles_nobody(line: OpenLine) -> None:
    for origin in NO_ORIGINS:
        assert await (await line()).request("GET", "/v1/ws", *UPGRADE, f"Origin: {origin}") == 403, origin


async def test_a_host_that_is_no_host_makes_no_page_ours(line: OpenLine) -> None:
    for host in NO_HOSTS:
        one = await line()
        assert await one.request("GET", "/v1/ws", *UPGRADE, "Origin: https://evil.example", host=host) == 403
        assert await (await line()).request("GET", "/healthz", host=host) == 200


@pytest.fixture
async def dev_line(settings: Settings, gym: Place) -> AsyncIterator[OpenLine]:
    """A line to a server as `coachwire dev` has it."""
    app = init_app(settings)
    app.add_routes(dev_routes([NOAH]))
    lines: list[Line] = []
    async with TestServer(app) as server:

        async def open_line() -> Line:
            lines.append(await Line.to(str(server.make_url(""))))
            return lines[-1]

        yield open_line
        for one in lines:
            one.cut()


async def test_the_demo_people_are_there_for_names_of_this_machine_only(dev_line: OpenLine) -> None:
    for host in OUR_NAMES:
        assert await (await dev_line()).request("GET", "/dev/people", host=host) == 200, host
    for host in OTHER_NAMES:
        assert await (await dev_line()).request("GET", "/dev/people", host=host) == 403, host
        token = await (await dev_line()).request("POST", "/dev/token", "Content-Length: 0", host=host)
        assert token == 403, host


async def test_another_page_is_not_told_what_the_demo_door_says(dev_line: OpenLine) -> None:
    one = await dev_line()
    await one.say(b"GET /dev/people HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n")
    _, headers, _ = await one.answer()
    assert not [name for name in headers if name.startswith("access-control")]


def test_from_another_machine_the_demo_door_is_shut() -> None:
    here = make_mocked_request("GET", "/dev/people", headers={"Host": "localhost"})
    require_loopback(here.clone(remote="127.0.0.1"))
    for remote in ("192.0.2.7", "2001:db8::1", "10.0.0.1"):
        with pytest.raises(Forbidden):
            require_loopback(here.clone(remote=remote))


async def test_a_server_in_service_has_no_demo_door(http: ClientSession) -> None:
    for method, path in (("GET", "/dev/people"), ("POST", "/dev/token")):
        async with http.request(method, path, json={"email": NOAH.email}) as answer:
            assert answer.status == 404


async def test_a_request_that_could_be_read_in_two_ways_is_refused(line: OpenLine) -> None:
    for headers in AMBIGUOUS:
        one = await line()
        await one.say(f"POST /v1/me/devices HTTP/1.1\r\n{headers}\r\n".encode("latin-1"))
        assert (await one.answer())[0] == 400, headers
        assert await one.ends()
