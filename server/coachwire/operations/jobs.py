"""Export is asked for here, and how a job stands that somebody asked for."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import NotFound
from coachwire_protocol.jobs import ExportMe, Job, JobKind, JobStarted, JobState, ReadJob
from coachwire_protocol.times import wire_time
from msgspec import json

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.shown import optional_time


class JobRow(NamedTuple):
    id: UUID
    kind: JobKind
    state: JobState
    counts: str
    created_at: datetime
    finished_at: datetime | None
    there: bool  # an export that is done and still in the store


class Begun(NamedTuple):
    job_id: UUID | None


ONE = Query("jobs/one", JobRow)
BEGIN_EXPORT = Query("export/begin", Begun)


def export_key(user_id: str, job_id: str) -> str:
    """Where an export lies in the store."""
    return f"exports/{user_id}/{job_id}.zip"


@operation(ExportMe, durable=True)
async def export_me(scope: Scope, actor: Actor, request: ExportMe) -> Outcome:
    """One at a time: asking again finds the one that is under way."""
    begun = await BEGIN_EXPORT.one(scope.tx, actor.user_id)
    if begun.job_id is None:
        raise NotFound
    return Outcome(data=JobStarted(job_id=str(begun.job_id)))


@operation(ReadJob)
async def read_job(scope: Scope, actor: Actor, request: ReadJob) -> Outcome:
    """For whoever asked for it."""
    row = await ONE.first(scope.tx, request.job_id, actor.user_id)
    if row is None:
        raise NotFound
    link = scope.links.to(export_key(actor.user_id, request.job_id)) if row.there else None
    return Outcome(
        data=Job(
            job_id=str(row.id),
            kind=row.kind,
            state=row.state,
            counts=json.decode(row.counts, type=dict[str, int]),
            created_at=wire_time(row.created_at),
            finished_at=optional_time(row.finished_at),
            url=link.url if link else None,
            url_expires_at=link.expires_at if link else None,
        )
    )
