"""Carries out jobs, step by step. Every instance looks; a job's row lets one at a time at it.

Each that is due gets a turn of some steps. One whose step could not be taken waits, longer each time, and is in
nobody's way."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database, Query
from coachwire.measures import JOBS_FAILED, JOBS_HELD

log = structlog.get_logger()

POLL = 1.0  # s between looks
TURN = 20  # steps in a row of one job while others may wait
HELD = 0.25  # s before a step is tried again that could not be taken; twice as long each time, up to
LONGEST = 300.0  # s: what always fails costs its neighbours a step in five minutes
RETRY = 1.0  # s, while the database is away
MOST = 20  # jobs a look


class Due(NamedTuple):
    id: UUID


class PutOff(NamedTuple):
    attempts: int


class Step(Enum):
    """What a step came to."""

    MORE = auto()
    DONE = auto()
    HELD = auto()  # something it needs is locked: a little later
    BUSY = auto()  # another instance is at it


TakeStep = Callable[[UUID], Awaitable[Step]]

DUE = Query("jobs/due", Due)
GO_ON = Query("jobs/go_on", tuple)
PUT_OFF = Query("jobs/put_off", PutOff)


class Jobs:
    """Those of one kind. `step` takes the next one, in a transaction that also moves the job. Whatever it raises is
    logged, without its text, and the job is tried again."""

    def __init__(self, database: Database, kind: str, step: TakeStep) -> None:
        self._database = database
        self._kind = kind
        self._step = step

    async def run(self) -> None:
        """For ever; the owner cancels it."""
        while True:
            try:
                more = await self._round()
            except Unavailable:
                await asyncio.sleep(RETRY)
                continue
            if not more:
                await asyncio.sleep(POLL)

    async def _round(self) -> bool:
        """A turn for each that is due. True: some have more to do. Raises `Unavailable` when the database is away."""
        async with self._database.connection() as tx:
            due = await DUE.rows(tx, MOST, self._kind)
        steps = [await self._take_turn(job.id) for job in due]
        return Step.MORE in steps

    async def _take_turn(self, job_id: UUID) -> Step:
        moved = False
        step = Step.HELD
        try:
            for _ in range(TURN):
                step = await self._step(job_id)
                if step is not Step.MORE:
                    break
                moved = True
        except Exception as error:  # the edge: one job must not stop the others
            await self._put_off(job_id, moved, error)
            return Step.HELD
        if step is Step.HELD:
            await self._put_off(job_id, moved, None)
        elif step is Step.MORE:
            async with self._database.connection() as tx:
                await GO_ON.run(tx, job_id)
        elif step is Step.DONE:
            log.info("job_done", job_id=str(job_id), kind=self._kind)
        return step

    async def _put_off(self, job_id: UUID, moved: bool, error: Exception | None) -> None:
        """Raises `Unavailable` when it is the database that is away, and not this job that cannot go on."""
        async with self._database.connection() as tx:
            put_off = await PUT_OFF.first(tx, job_id, HELD, LONGEST, moved)
        held = error is None or isinstance(error, Unavailable)
        (JOBS_HELD if held else JOBS_FAILED)[self._kind].inc()
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        tell = log.info if held else log.error
        tell(
            "job_held" if held else "job_failed",
            job_id=str(job_id),
            kind=self._kind,
            attempts=0 if put_off is None else put_off.attempts,
            error=None if cause is None else type(cause).__name__,
            code=getattr(cause, "sqlstate", None),
        )
