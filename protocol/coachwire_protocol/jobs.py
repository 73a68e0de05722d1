"""What takes longer than a request: erasure and export. Asked for, then looked at until it is done."""

from typing import Literal

from .ids import Id
from .shape import Wire
from .times import Time

JobKind = Literal["erasure", "export"]
JobState = Literal["running", "done", "failed"]


class EraseMe(Wire, frozen=True, kw_only=True):
    """Erase the caller: words, files, values and names, in all organizations. Their access ends at once."""


class EraseMembership(Wire, frozen=True, kw_only=True):
    """Erase what somebody said and recorded in this organization, and end their membership; by an owner."""

    organization_id: Id
    membership_id: Id


class ExportMe(Wire, frozen=True, kw_only=True):
    """Put together what is kept of the caller, as a ZIP of JSON Lines and files."""


class ReadJob(Wire, frozen=True, kw_only=True):
    """How a job stands that the caller asked for."""

    job_id: Id


class JobStarted(Wire, frozen=True, kw_only=True):
    """It goes on by itself, whatever becomes of whoever asked."""

    job_id: Id


class Job(Wire, frozen=True, kw_only=True):
    """`counts`: what has been done so far, by kind; whole when `state` is `done`. `url`: of an export that is done, for
    a day; asking again renews the link."""

    job_id: Id
    kind: JobKind
    state: JobState
    counts: dict[str, int]
    created_at: Time
    finished_at: Time | None
    url: str | None
    url_expires_at: Time | None
