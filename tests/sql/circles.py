"""Writers against each other, in pairs, on connections that find soon when they wait in a circle."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

import asyncpg

from .calls import Connection
from .conftest import Connect

S = TypeVar("S")

WORKERS = 2  # connections a writer
DETECT = "20ms"  # a circle is found after this, instead of PostgreSQL's second


async def find_circles_soon(connection: Connection) -> None:
    """As far as the role may set it."""
    with suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute(f"set deadlock_timeout = '{DETECT}'")


async def assert_no_circles(
    connect: Connect,
    tx: Connection,
    shared: S,
    pairs: Iterable[tuple[Callable[[Connection, S], Awaitable[None]], ...]],
    *,
    rounds: int,
) -> None:
    """Each pair for so many rounds, on what they share; no writer fails, and PostgreSQL has counted no deadlock."""
    connections = [await connect() for _ in range(2 * WORKERS)]
    for connection in connections:
        await find_circles_soon(connection)

    async def repeat(writer: Callable[[Connection, S], Awaitable[None]], connection: Connection) -> None:
        for _ in range(rounds):
            await writer(connection, shared)

    circles = []
    for pair in pairs:
        outcomes = await asyncio.gather(
            *(
                repeat(writer, connection)
                for writer, connection in zip(pair * WORKERS, connections, strict=True)
            ),
            return_exceptions=True,
        )
        names = " and ".join(writer.__name__ for writer in pair)
        circles += [f"{names}: {told(error)}" for error in outcomes if error is not None]
    assert circles == []
    for connection in connections:
        await connection.close()  # what a connection counted is known when it ends
    assert await tx.fetchval("select deadlocks from pg_stat_database where datname = current_database()") == 0


def told(error: BaseException) -> str:
    """With what PostgreSQL says of who waited for whom."""
    if not isinstance(error, asyncpg.PostgresError):
        return repr(error)
    return f"{error!r} {error.detail} {error.context}"
