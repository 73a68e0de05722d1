"""The steps of an erasure, and who is told of them."""

from typing import NamedTuple
from uuid import UUID

from coachwire.database import Database, Query
from coachwire.fanout import Fanout
from coachwire.jobs import Step
from coachwire.telling import Telling, spans_of


class Stepped(NamedTuple):
    busy: bool
    done: bool
    held: bool
    gone: UUID | None
    users: list[UUID] | None
    afters: list[int] | None
    throughs: list[int] | None


STEP = Query("erasure/step", Stepped)


class Erasing:
    """Takes one step after another, and tells each one's events once it is committed."""

    def __init__(self, database: Database, telling: Telling, fanout: Fanout) -> None:
        self._database = database
        self._telling = telling
        self._fanout = fanout

    async def step(self, job_id: UUID) -> Step:
        async with self._database.connection() as tx:
            stepped = await STEP.one(tx, job_id)
        if stepped.busy:
            return Step.BUSY
        spans = spans_of(stepped.users, stepped.afters, stepped.throughs)
        if spans or stepped.gone:
            await self._telling.tell(spans, gone=() if stepped.gone is None else (stepped.gone,))
        if not stepped.done:
            self._fanout.doubt()  # topics have moved as well
        if stepped.done:
            return Step.DONE
        return Step.HELD if stepped.held else Step.MORE
