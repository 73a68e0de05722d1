"""A server in this process, two gyms, and phones for their people."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.embedded import EmbeddedPostgres
from coachwire.settings import Settings
from structlog.testing import capture_logs

from ..conftest import a_database, in_a_loop_of_its_own
from ..gym import SECRET, Place, Someone, open_gym
from ..phone import Phone
from ..services import GivenPostgres

OpenPhone = Callable[..., Awaitable[Phone]]


@pytest.fixture(scope="session")
def one_database_url(postgres: EmbeddedPostgres | GivenPostgres, template: str) -> Iterator[str]:
    """One database for all tests here: to make one takes longer than most of them."""
    with a_database(postgres.dsn, f"template {template}") as dsn:
        yield dsn


@pytest.fixture
def database_url(one_database_url: str) -> Iterator[str]:
    """Migrated, and empty: rows are taken out after each test. A test that changes the schema puts it back."""
    yield one_database_url
    in_a_loop_of_its_own(take_rows_out(one_database_url))


async def take_rows_out(dsn: str) -> None:
    """Of all tables but those that the migrations fill."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "select oid::regclass::text from pg_class where relkind in ('r', 'p') and not relispartition"
            " and relnamespace = 'public'::regnamespace"
            " and relname not in ('schema_migrations', 'stream_epoch', 'metric_definitions', 'metric_units')"
        )
        looks = " union all ".join(f"select '{name}' where exists (select from {name})" for (name,) in tables)  # noqa: S608 - names from the catalogue
        if filled := [name for (name,) in await connection.fetch(looks)]:
            async with connection.transaction():
                if "audit" in filled:  # what stays, unless its owner says otherwise
                    await connection.execute("alter table audit disable trigger user")
                await connection.execute(f"truncate {', '.join(filled)} cascade")
                if "audit" in filled:
                    await connection.execute("alter table audit enable trigger user")
        await connection.execute("update stream_epoch set epoch = make_epoch()")
    finally:
        await connection.close()


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
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of the server under test; a test module may override it."""
    return Settings(database_url=database_url, jwt_secret=SECRET, home=tmp_path)


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
