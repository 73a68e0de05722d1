"""Routes of an organization: who is in it, what its owner decides, how much the caller has not read in it."""

from aiohttp import web
from coachwire_protocol.conversations import ReadBadge
from coachwire_protocol.organization import ChangeSettings, ListMembers, ReadSettings

from coachwire.rest.door import answer, answer_body, queried

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/members")
async def members(request: web.Request) -> web.Response:
    return await answer(request, ListMembers, queried(request, "search", "limit", "cursor"))


@routes.get("/v1/organizations/{org}/settings")
async def settings(request: web.Request) -> web.Response:
    return await answer(request, ReadSettings, {})


@routes.patch("/v1/organizations/{org}/settings")
async def change_settings(request: web.Request) -> web.Response:
    return await answer_body(request, ChangeSettings, {})


@routes.get("/v1/organizations/{org}/badge")
async def badge(request: web.Request) -> web.Response:
    return await answer(request, ReadBadge, {})
