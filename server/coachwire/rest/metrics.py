"""Routes of metrics: what can be measured, sets, a member's values, and what the caller lets organizations see."""

import hashlib
from http import HTTPStatus

from aiohttp import ETag, web
from coachwire_protocol.check import checked
from coachwire_protocol.metric_sets import ChangeSet, CreateSet, DeleteSet, ListSets, ReadSet, ResolveSet
from coachwire_protocol.metrics import ListDefinitions, ReadPrescription, ReadValues, RecordValues
from coachwire_protocol.privacy import ListGrants, PutGrant, WithdrawGrant

from coachwire.keys import RUNNER
from coachwire.operations.metrics import was_recorded_before
from coachwire.rest.door import actor_of, answer, answer_body, body, data, queried, within

routes = web.RouteTableDef()


@routes.get("/v1/metric-definitions")
async def definitions(request: web.Request) -> web.Response:
    """With a tag: who has this list already is not sent it again."""
    actor = await actor_of(request)
    ask = checked(ListDefinitions, queried(request, "lang"))
    response = data(await request.app[RUNNER].run(actor, ask))
    assert isinstance(response.body, bytes)  # noqa: S101 - `data` made it
    tag = hashlib.sha256(response.body).hexdigest()[:16]
    if any(one.value in (tag, "*") for one in request.if_none_match or ()):
        response = web.Response(status=HTTPStatus.NOT_MODIFIED)
    response.etag = ETag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@routes.get("/v1/organizations/{org}/metric-sets")
async def sets(request: web.Request) -> web.Response:
    return await answer(request, ListSets, queried(request, "memberId", "workoutId", "limit", "cursor"))


@routes.post("/v1/organizations/{org}/metric-sets")
async def create(request: web.Request) -> web.Response:
    return await answer_body(request, CreateSet, {}, status=HTTPStatus.CREATED)


@routes.get("/v1/organizations/{org}/metric-sets/{set}")
async def one(request: web.Request) -> web.Response:
    return await answer(request, ReadSet, _set(request))


@routes.patch("/v1/organizations/{org}/metric-sets/{set}")
async def change(request: web.Request) -> web.Response:
    return await answer_body(request, ChangeSet, _set(request))


@routes.delete("/v1/organizations/{org}/metric-sets/{set}")
async def remove(request: web.Request) -> web.Response:
    return await answer(request, DeleteSet, _set(request))


@routes.get("/v1/organizations/{org}/metric-sets/{set}/resolve")
async def resolve(request: web.Request) -> web.Response:
    return await answer(request, ResolveSet, _set(request) | queried(request, "memberId"))


@routes.get("/v1/organizations/{org}/members/{membership}/metrics")
async def values(request: web.Request) -> web.Response:
    names = ("definitionId", "from", "to", "limit", "cursor")
    return await answer(request, ReadValues, _membership(request) | queried(request, *names))


@routes.post("/v1/organizations/{org}/members/{membership}/metrics")
async def record(request: web.Request) -> web.Response:
    """201; 200 when all of it was recorded before."""
    actor = await actor_of(request)
    asked = checked(RecordValues, await body(request) | within(request) | _membership(request))
    outcome = await request.app[RUNNER].run(actor, asked)
    return data(outcome, HTTPStatus.OK if was_recorded_before(outcome) else HTTPStatus.CREATED)


@routes.get("/v1/organizations/{org}/workout-assignments/{assignment}/prescription")
async def prescription(request: web.Request) -> web.Response:
    return await answer(request, ReadPrescription, {"workoutAssignmentId": request.match_info["assignment"]})


@routes.get("/v1/me/metric-grants")
async def grants(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    ask = checked(ListGrants, queried(request, "limit", "cursor"), strict=False)
    return data(await request.app[RUNNER].run(actor, ask))


@routes.put("/v1/me/metric-grants")
async def give(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    asked = checked(PutGrant, await body(request))
    return data(await request.app[RUNNER].run(actor, asked))


@routes.delete("/v1/me/metric-grants")
async def withdraw(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    asked = checked(WithdrawGrant, queried(request, "organizationId", "definitionId"))
    return data(await request.app[RUNNER].run(actor, asked))


def _set(request: web.Request) -> dict[str, str]:
    return {"setId": request.match_info["set"]}


def _membership(request: web.Request) -> dict[str, str]:
    return {"membershipId": request.match_info["membership"]}
