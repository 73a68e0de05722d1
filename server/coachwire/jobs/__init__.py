"""Carries out jobs, step by step. Every instance looks; a job's row lets one at a time at it."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query

log = structlog.get_logger()

POLL = 1.0  # s between looks
HELD = 0.2  # s before a step is tried again that met a locked row
RETRY = 1.0  # s, while the database is away
MOST = 20  # jobs a look


class Running(NamedTuple):
    id: UUID


class Step(Enum):
    """What a step came to."""

    MORE = auto()
    DONE = auto()
    HELD = auto()  # something it needs is locked: a little later
    BUSY = auto()  # another instance is at it


TakeStep = Callable[[UUID], Awaitable[Step]]

RUNNING = Query("jobs/running", Running)


class Jobs:
    """Those of one kind. `step` takes the next one, in a transaction that also moves the job; it may raise
    `Unavailable`. What else it raises is logged, and the job is tried again at the next look."""

    def __init__(self, database: Database, kind: str, step: TakeStep) -> None:
        self._database = database
        self._kind = kind
        self._step = step

    async def run(self) -> None:
        """For ever; the owner cancels it."""
        while True:
            try:
                async with self._database.connection() as tx:
                    running = await RUNNING.rows(tx, MOST, self._kind)
                for job in running:
                    await self._carry_on(job.id)
            except Unavailable:
                await asyncio.sleep(RETRY)
            await asyncio.sleep(POLL)

    async def _carry_on(self, job_id: UUID) -> None:
        try:
            while (step := await self._step(job_id)) in (Step.MORE, Step.HELD):
                if step is Step.HELD:
                    await asyncio.sleep(HELD)
        except Unavailable:
            raise
        except Exception as error:  # the edge: one job must not stop the others
            log.error(
                "job_failed",
                job_id=str(job_id),
                kind=self._kind,
                error=type(error).__name__,
                code=getattr(error, "sqlstate", None),
            )
            return
        if step is Step.DONE:
            log.info("job_done", job_id=str(job_id), kind=self._kind)
