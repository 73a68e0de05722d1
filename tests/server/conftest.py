"""A server in this process, two gyms, and phones for their people."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings
from structlog.testing import capture_logs

from ..gym import SECRET, Place, Someone, open_gym
from ..phone import Phone

OpenPhone = Callable[..., Awaitable[Phone]]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the servers in this process log. A test that ends with an error in it has failed, unless it took it out."""
    with capture_logs() as entries:
        yield entries
    assert [entry for entry in entries if entry["log_level"] in ("error", "critical")] == []


@pytest.fixture
async def gym(database_url: str) -> Place:
    return await open_gym(database_url, "harbor")


@pytest.fixture
async def other_gym(database_url: str) -> Place:
    return await open_gym(database_url, "north")


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Of the server under test; a test module may override it."""
    return Settings(database_url=database_url, jwt_secret=SECRET)


@pytest.fixture
async def server(settings: Settings, gym: Place) -> AsyncIterator[TestServer]:
    server = TestServer(init_app(settings))
    async with server:
        yield server


@pytest.fixture
async def url(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")


@pytest.fixture
async def http(url: str) -> AsyncIterator[ClientSession]:
    async with ClientSession(base_url=url) as session:
        yield session


@pytest.fixture
async def phone(url: str, http: ClientSession) -> AsyncIterator[OpenPhone]:
    """`await phone(gym.coach)` is a connected phone; `connect=False` leaves the hello to the test."""
    phones: list[Phone] = []

    async def open_phone(
        who: Someone | str, *, device: str | None = None, connect: bool = True, **hello: Any
    ) -> Phone:
        one = Phone(http, url, who if isinstance(who, str) else who.token, device)
        phones.append(one)
        if connect:
            await one.connect(**hello)
        return one

    yield open_phone
    for one in phones:
        await one.leave()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Silently: what is changed here is told to nobody (tests/access is about what is)."""
    connection = await asyncpg.connect(database_url, server_settings={"coachwire.quiet": "on"})
    yield connection
    await connection.close()
