"""What is kept of a person: erasing it, handing it out, and how far that has come."""

from typing import Final

from ...errors import NotFound
from ...jobs import EraseMe, EraseMembership, ExportMe, Job, JobStarted, ReadJob
from .route import ORG, Route

ROUTES: Final = (
    Route(
        method="DELETE",
        path="/v1/me",
        name="eraseMe",
        summary="Erase the caller, everywhere.",
        asks=EraseMe,
        answers=JobStarted,
        successes={202: "Begun, or begun before."},
    ),
    Route(
        method="POST",
        path="/v1/me/export",
        name="exportMe",
        summary="Put together what is kept of the caller.",
        asks=ExportMe,
        answers=JobStarted,
        successes={202: "Begun, or under way."},
    ),
    Route(
        method="GET",
        path="/v1/me/jobs/{job}",
        name="readJob",
        summary="How a job stands that the caller asked for.",
        asks=ReadJob,
        answers=Job,
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/members/{{membership}}/erasure",
        name="eraseMembership",
        summary="Erase what somebody said and recorded here, and end their membership; by an owner.",
        asks=EraseMembership,
        answers=JobStarted,
        refusals=(NotFound,),
        successes={202: "Begun, or under way."},
    ),
)
