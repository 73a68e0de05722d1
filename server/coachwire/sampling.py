"""Looks at the parts every few seconds: what can only be seen as it stands, and what they counted for themselves."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from coachwire_protocol.errors import Unavailable
from prometheus_client import Counter

from coachwire.bus import Bus
from coachwire.database import Database, Query
from coachwire.hub import Hub
from coachwire.hub.views import Views
from coachwire.measures import (
    BUS_DROPPED,
    BUS_PUBLISHED,
    BUS_RECEIVED,
    BUS_RECONNECTS,
    CANARY_AGE,
    CONNECTIONS,
    DELIVERIES,
    JOBS_PUT_OFF,
    JOBS_PUT_OFF_AGE,
    JOBS_RUNNING,
    OPEN_TOPICS,
    OUTBOX_AGE,
    OUTBOX_DEAD,
    OUTBOX_DUE,
    PARTITIONS_AHEAD,
    PENDING_AGE,
    PENDING_ROWS,
    PENDING_SET_ASIDE,
    QUEUE_BYTES,
    SEARCH_PENDING,
)
from coachwire.socket.connection import Connection
from coachwire.streams.partitions import ROOM

EVERY = 2.0  # s; Prometheus looks less often


class Waiting(NamedTuple):
    rows: int
    age: float  # s, of the oldest that is not set aside
    set_aside: int


class OutboxState(NamedTuple):
    age: float  # s that the row which is to be posted next has been due
    due: int
    dead: int


class JobsState(NamedTuple):
    running: int
    put_off: int
    age: float  # s that the longest-standing of those put off has not moved


class SearchState(NamedTuple):
    rows: int


WAITING = Query("pending/waiting", Waiting)
OUTBOX = Query("outbox/waiting", OutboxState)
JOBS = Query("jobs/waiting", JobsState)
SEARCH = Query("search/waiting", SearchState)


class Sampling:
    """`run` goes on until its owner cancels it."""

    def __init__(
        self, database: Database, hub: Hub, views: Views, bus: Bus, connections: Collection[Connection]
    ) -> None:
        self._database = database
        self._hub = hub
        self._views = views
        self._bus = bus
        self._connections = connections
        self._seen: dict[Counter, int] = {}

    async def run(self) -> None:
        while True:
            self.look()
            with suppress(
                Unavailable
            ):  # what was seen last stands; that the database is away shows elsewhere
                await self._ask()
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """Everything that is in this process."""
        CONNECTIONS.set(len(self._connections))
        OPEN_TOPICS.set(sum(len(connection.views) for connection in self._connections))
        QUEUE_BYTES.set(sum(connection.waiting for connection in self._connections))
        CANARY_AGE.set(self._bus.canary_age())
        counts = self._bus.counts
        for counter, count in (
            (DELIVERIES, self._hub.deliveries + self._views.deliveries),
            (BUS_PUBLISHED, counts.published),
            (BUS_DROPPED, counts.dropped),
            (BUS_RECEIVED, counts.received),
            (BUS_RECONNECTS, counts.reconnects),
        ):
            counter.inc(count - self._seen.get(counter, 0))
            self._seen[counter] = count

    async def _ask(self) -> None:
        async with self._database.connection() as tx:
            waiting, room, outbox = await WAITING.one(tx), await ROOM.one(tx), await OUTBOX.one(tx)
            search, jobs = await SEARCH.one(tx), await JOBS.one(tx)
        PENDING_ROWS.set(waiting.rows)
        PENDING_AGE.set(waiting.age)
        PENDING_SET_ASIDE.set(waiting.set_aside)
        SEARCH_PENDING.set(search.rows)
        JOBS_RUNNING.set(jobs.running)
        JOBS_PUT_OFF.set(jobs.put_off)
        JOBS_PUT_OFF_AGE.set(jobs.age)
        PARTITIONS_AHEAD.set(room.seconds)
        OUTBOX_AGE.set(outbox.age)
        OUTBOX_DUE.set(outbox.due)
        OUTBOX_DEAD.set(outbox.dead)
