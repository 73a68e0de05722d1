"""What messages and comments share when they are written into streams."""

from typing import TypeVar

import asyncpg

from coachwire.database import Query, Tx

R = TypeVar("R")

BATCH = 128  # rows a statement: 512 would save a quarter of the work and hold the streams three times as long
HELD_RETRY = 200  # ms; a row that the platform holds is usually free again by then
MISSING_STREAM = "CW001"

CREATE_STREAMS = Query("streams/create", tuple)


async def write(tx: Tx, query: Query[R], users: list[str], *arguments: object) -> R:
    """The statement's row. It writes into these users' streams; those of people the platform added since are made."""
    try:
        return await query.one(tx, *arguments)
    except asyncpg.PostgresError as error:
        if error.sqlstate != MISSING_STREAM:
            raise
    await CREATE_STREAMS.run(tx, users)
    return await query.one(tx, *arguments)
