"""Keeps the weekly partitions of streams and topics: those to come made well ahead, those past retention dropped."""

import asyncio
from datetime import timedelta
from typing import NamedTuple

import asyncpg
import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import PASSING, Database, Query

log = structlog.get_logger()

DAY = 86_400.0  # s
WEEK = 7 * DAY  # of room; with less, something is wrong that will end in a halt
RETRY = 10.0  # s, while the database is away
DETACH = 60.0  # s; detaching waits for every transaction that began before it
LOCK = "select pg_try_advisory_lock(hashtextextended('coachwire.expiry', 0))"  # of the session: one at a time


class Made(NamedTuple):
    partitions: int


class Room(NamedTuple):
    seconds: float  # from now to the end of the last partition


class Expired(NamedTuple):
    parent: str | None  # None: detached already
    name: str
    pending: bool


class Dropped(NamedTuple):
    nothing: None


MAKE = Query("streams/make_partitions", Made)
ROOM = Query("streams/room", Room)
EXPIRED = Query("streams/expired", Expired)
DROP = Query("streams/drop_partition", Dropped)


async def make_partitions(database: Database) -> None:
    """Make what is missing of this week's and the next four weeks' partitions."""
    async with database.connection() as tx:
        made = await MAKE.one(tx)
    if made.partitions:
        log.info("partitions_made", count=made.partitions)


async def drop_expired(database: Database, retention: timedelta) -> None:
    """Detach, without a lock that anybody waits for, and drop the partitions whose events are all older than that. What
    is broken off, the next call goes on with. Raises `Unavailable`."""
    async with database.connection() as tx:
        if not await EXPIRED.rows(tx, retention.total_seconds()):
            return
    try:  # beside the pool: detaching may take longer than any statement there
        own = await database.alone("partitions", deadline=DETACH)
        try:
            if await own.fetchval(LOCK):
                for record in await own.fetch(EXPIRED.sql, retention.total_seconds()):
                    await _drop(own, Expired(*record))
        finally:
            own.terminate()
    except (*PASSING, asyncpg.ObjectInUseError, asyncpg.ObjectNotInPrerequisiteStateError) as error:
        raise Unavailable from error


async def keep_partitions(database: Database, retention: timedelta) -> None:
    """Daily, for ever; the owner cancels it. Whoever starts has made the next weeks' before."""
    while True:
        try:
            await drop_expired(database, retention)
        except Unavailable as error:  # tomorrow, or whoever starts next
            log.warning("partitions_not_dropped", error=type(error.__cause__ or error).__name__)
        await asyncio.sleep(DAY)
        while True:
            try:
                await make_partitions(database)
                break
            except Unavailable:
                await asyncio.sleep(RETRY)


async def _drop(own: "asyncpg.Connection[asyncpg.Record]", expired: Expired) -> None:
    """The names are the catalogue's, and fit a narrow pattern."""
    if expired.parent is not None:
        how = "finalize" if expired.pending else "concurrently"
        await own.execute(f"alter table {expired.parent} detach partition {expired.name} {how}")
    await own.execute(DROP.sql, expired.name)
    log.info("partition_dropped", name=expired.name)
