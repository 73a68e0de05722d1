"""The steps of an erasure, and who is told of them."""

from typing import NamedTuple
from uuid import UUID

from coachwire.blobs import Blobs
from coachwire.database import Database, Query
from coachwire.hub.fanout import Fanout
from coachwire.jobs import Step
from coachwire.jobs.erasure_ledger import Entry, note
from coachwire.streams.telling import Telling, spans_of


class Stepped(NamedTuple):
    busy: bool
    done: bool
    held: bool
    gone: UUID | None
    users: list[UUID] | None
    afters: list[int] | None
    throughs: list[int] | None

    @property
    def step(self) -> Step:
        if self.busy:
            return Step.BUSY
        if self.done:
            return Step.DONE
        return Step.HELD if self.held else Step.MORE


class ToNote(NamedTuple):
    user_id: UUID
    organization_id: UUID | None


class Replayed(NamedTuple):
    begun: bool


class Report(NamedTuple):
    state: str
    counts: str


STEP = Query("erasure/step", Stepped)
TO_NOTE = Query("erasure/to_note", ToNote)
REPLAY = Query("erasure/replay", Replayed)
REPORT = Query("erasure/report", Report)


async def take_step(database: Database, blobs: Blobs, job_id: UUID) -> Stepped:
    """Take the next step. Before any word goes, the erasure is written down outside the database. May raise
    `Unavailable`: then the same step is next."""
    async with database.connection() as tx:
        to_note = await TO_NOTE.first(tx, job_id)
    if to_note is not None:
        organization_id = to_note.organization_id
        await note(
            blobs,
            Entry(
                job_id=str(job_id),
                user_id=str(to_note.user_id),
                organization_id=None if organization_id is None else str(organization_id),
            ),
        )
    async with database.connection() as tx:
        return await STEP.one(tx, job_id)


class Erasing:
    """Takes one step after another on a server, and tells each one's events once it is committed."""

    def __init__(self, database: Database, blobs: Blobs, telling: Telling, fanout: Fanout) -> None:
        self._database = database
        self._blobs = blobs
        self._telling = telling
        self._fanout = fanout

    async def step(self, job_id: UUID) -> Step:
        stepped = await take_step(self._database, self._blobs, job_id)
        spans = spans_of(stepped.users, stepped.afters, stepped.throughs)
        if spans or stepped.gone:
            await self._telling.tell(spans, gone=() if stepped.gone is None else (stepped.gone,))
        if not stepped.busy:
            self._fanout.doubt()  # topics may have moved as well
        return stepped.step
