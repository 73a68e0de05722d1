"""Metrics: what can be measured, sets, values, loads made of them, and who sees values."""

from typing import Final

from ...conversations import Page
from ...errors import Conflict, Forbidden, Gone, NotFound
from ...metric_sets import (
    ChangeSet,
    CreateSet,
    DeleteSet,
    ListSets,
    MetricSet,
    ReadSet,
    ResolvedSet,
    ResolveSet,
)
from ...metrics import (
    ListDefinitions,
    MetricDefinition,
    Prescription,
    ReadPrescription,
    ReadValues,
    RecordedValues,
    RecordValues,
    Value,
)
from ...privacy import Grant, ListGrants, PutGrant, WithdrawGrant
from .route import ASSIGNMENT, ORG, Route

SET: Final = f"{ORG}/metric-sets/{{set}}"
VALUES: Final = f"{ORG}/members/{{membership}}/metrics"
GRANTS: Final = "/v1/me/metric-grants"

ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/metric-definitions",
        name="listMetricDefinitions",
        summary="All that can be measured.",
        asks=ListDefinitions,
        answers=Page[MetricDefinition],
        successes={200: "Carried out.", 304: "It is the one that If-None-Match names."},
    ),
    Route(
        method="GET",
        path=f"{ORG}/metric-sets",
        name="listMetricSets",
        summary="Sets of metrics, a workout's first, then a member's, then the organization's.",
        asks=ListSets,
        answers=Page[MetricSet],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/metric-sets",
        name="createMetricSet",
        summary="Make a set: staff for the organization or a workout, everybody for themselves.",
        asks=CreateSet,
        answers=MetricSet,
        refusals=(NotFound, Conflict),
        successes={201: "Made."},
    ),
    Route(
        method="GET",
        path=SET,
        name="readMetricSet",
        summary="One set.",
        asks=ReadSet,
        answers=MetricSet,
        refusals=(NotFound,),
    ),
    Route(
        method="PATCH",
        path=SET,
        name="changeMetricSet",
        summary="Rename a set, or give it other definitions, or another order.",
        asks=ChangeSet,
        answers=MetricSet,
        refusals=(NotFound,),
    ),
    Route(
        method="DELETE",
        path=SET,
        name="deleteMetricSet",
        summary="Remove a set.",
        asks=DeleteSet,
        answers=None,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{SET}/resolve",
        name="resolveMetricSet",
        summary="Where a member stands in each definition of a set.",
        asks=ResolveSet,
        answers=ResolvedSet,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=VALUES,
        name="listValues",
        summary="A member's recorded values, newest first.",
        asks=ReadValues,
        answers=Page[Value],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=VALUES,
        name="recordValues",
        summary="Record a value of a member, or up to 100, all or none.",
        asks=RecordValues,
        answers=(Value, RecordedValues),
        refusals=(NotFound, Conflict, Gone),
        successes={201: "Recorded.", 200: "All of this was recorded before."},
    ),
    Route(
        method="GET",
        path=f"{ASSIGNMENT}/prescription",
        name="readPrescription",
        summary="An assigned workout, its loads worked out for its member.",
        asks=ReadPrescription,
        answers=Prescription,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=GRANTS,
        name="listMetricGrants",
        summary="Which organizations see more than was recorded in them.",
        asks=ListGrants,
        answers=Page[Grant],
    ),
    Route(
        method="PUT",
        path=GRANTS,
        name="putMetricGrant",
        summary="Let an organization see values that were recorded elsewhere.",
        asks=PutGrant,
        answers=Grant,
        refusals=(Forbidden, NotFound),
    ),
    Route(
        method="DELETE",
        path=GRANTS,
        name="withdrawMetricGrant",
        summary="Take that back; what was seen by it is told to be dropped.",
        asks=WithdrawGrant,
        answers=None,
        refusals=(NotFound,),
    ),
)
