"""Keeps room for events: the weekly partitions to come, made well ahead."""

import asyncio
from typing import NamedTuple

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query

log = structlog.get_logger()

DAY = 86_400.0  # s
WEEK = 7 * DAY  # of room; with less, something is wrong that will end in a halt
RETRY = 10.0  # s, while the database is away


class Made(NamedTuple):
    partitions: int


class Room(NamedTuple):
    seconds: float  # from now to the end of the last partition


MAKE = Query("streams/make_partitions", Made)
ROOM = Query("streams/room", Room)


async def make_partitions(database: Database) -> None:
    """Make what is missing of this week's and the next four weeks' partitions."""
    async with database.connection() as tx:
        made = await MAKE.one(tx)
    if made.partitions:
        log.info("partitions_made", count=made.partitions)


async def keep_partitions(database: Database) -> None:
    """Daily, for ever; the owner cancels it."""
    while True:
        await asyncio.sleep(DAY)
        while True:
            try:
                await make_partitions(database)
                break
            except Unavailable:
                await asyncio.sleep(RETRY)
