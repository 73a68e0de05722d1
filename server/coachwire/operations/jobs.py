"""How a job stands that somebody asked for."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import NotFound
from coachwire_protocol.jobs import Job, JobKind, JobState, ReadJob
from coachwire_protocol.times import wire_time
from msgspec import json

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation


class JobRow(NamedTuple):
    id: UUID
    kind: JobKind
    state: JobState
    counts: str
    created_at: datetime
    finished_at: datetime | None


ONE = Query("jobs/one", JobRow)


@operation(ReadJob)
async def read_job(scope: Scope, actor: Actor, request: ReadJob) -> Outcome:
    """For whoever asked for it."""
    row = await ONE.first(scope.tx, request.job_id, actor.user_id)
    if row is None:
        raise NotFound
    return Outcome(
        data=Job(
            job_id=str(row.id),
            kind=row.kind,
            state=row.state,
            counts=json.decode(row.counts, type=dict[str, int]),
            created_at=wire_time(row.created_at),
            finished_at=None if row.finished_at is None else wire_time(row.finished_at),
        )
    )
