"""Retention: begins the runs that are due, takes their steps, and tells whose history was trimmed."""

import asyncio
from typing import NamedTuple
from uuid import UUID

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query
from coachwire.jobs import Step
from coachwire.streams.telling import Telling, spans_of

log = structlog.get_logger()

BETWEEN = 20  # hours between two runs of an organization: once a day, whenever the server is up
EVERY = 3600.0  # s between looks
RETRY = 10.0  # s, while the database is away


class Begun(NamedTuple):
    runs: int


class Stepped(NamedTuple):
    busy: bool
    done: bool
    users: list[UUID] | None
    afters: list[int] | None
    throughs: list[int] | None


BEGIN = Query("retention/begin", Begun)
STEP = Query("retention/step", Stepped)


class Retaining:
    """What an organization does not keep longer goes by itself."""

    def __init__(self, database: Database, telling: Telling) -> None:
        self._database = database
        self._telling = telling

    async def run(self) -> None:
        """Begin what is due, for ever; the owner cancels it."""
        while True:
            try:
                async with self._database.connection() as tx:
                    begun = await BEGIN.one(tx, BETWEEN)
                if begun.runs:
                    log.info("retention_begun", organizations=begun.runs)
            except Unavailable:
                await asyncio.sleep(RETRY)
                continue
            await asyncio.sleep(EVERY)

    async def step(self, job_id: UUID) -> Step:
        async with self._database.connection() as tx:
            stepped = await STEP.one(tx, job_id)
        if stepped.busy:
            return Step.BUSY
        if spans := spans_of(stepped.users, stepped.afters, stepped.throughs):
            await self._telling.tell(spans)
        return Step.DONE if stepped.done else Step.MORE
