"""Two gyms and as many connections to their database as a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from coachwire.operations.writing import CREATE_STREAMS

from ..gym import Place, open_gym
from .calls import Connection

Connect = Callable[[], Awaitable[Connection]]


@pytest.fixture
async def gym(database_url: str) -> Place:
    return await open_gym(database_url, "harbor")


@pytest.fixture
async def other_gym(database_url: str) -> Place:
    return await open_gym(database_url, "north")


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    """Further connections. A test that goes wrong does not wait for ever."""
    opened: list[Connection] = []

    async def connect() -> Connection:
        connection = await asyncpg.connect(
            database_url, server_settings={"lock_timeout": "5s", "timezone": "UTC"}
        )
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        await connection.close()


@pytest.fixture
async def tx(connect: Connect, gym: Place) -> Connection:
    """In autocommit; everybody in the gym has a stream."""
    connection = await connect()
    await connection.execute(CREATE_STREAMS.sql, [one.user_id for one in gym.people.values()])
    return connection
