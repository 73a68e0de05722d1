"""Routes of an organization: who is in it, what its owner decides, what was done in it, how much
the caller has not read in it."""

from http import HTTPStatus

from aiohttp import web
from coachwire_protocol.audit import ReadAudit
from coachwire_protocol.check import checked
from coachwire_protocol.conversations import Page, ReadBadge
from coachwire_protocol.jobs import EraseMembership
from coachwire_protocol.organization import ChangeSettings, ListMembers, ReadSettings
from msgspec.structs import replace

from coachwire.keys import PRESENCE, RUNNER
from coachwire.rest.door import actor_of, answer, answer_body, data, queried, within

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/members")
async def members(request: web.Request) -> web.Response:
    """The list as the tables have it, and who of it is online now."""
    actor = await actor_of(request)
    ask = checked(ListMembers, within(request) | queried(request, "search", "limit", "cursor"), strict=False)
    page = (await request.app[RUNNER].run(actor, ask)).data
    assert isinstance(page, Page)  # noqa: S101 - that is what this operation returns
    online = await request.app[PRESENCE].online(ask.organization_id)
    items = tuple(replace(member, online=member.membership_id in online) for member in page.items)
    return data(replace(page, items=items))


@routes.post("/v1/organizations/{org}/members/{membership}/erasure")
async def erase(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    asked = checked(EraseMembership, within(request) | {"membershipId": request.match_info["membership"]})
    return data(await request.app[RUNNER].run(actor, asked), status=HTTPStatus.ACCEPTED)


@routes.get("/v1/organizations/{org}/settings")
async def settings(request: web.Request) -> web.Response:
    return await answer(request, ReadSettings, {})


@routes.patch("/v1/organizations/{org}/settings")
async def change_settings(request: web.Request) -> web.Response:
    return await answer_body(request, ChangeSettings, {})


@routes.get("/v1/organizations/{org}/audit")
async def audit(request: web.Request) -> web.Response:
    return await answer(request, ReadAudit, queried(request, "limit", "cursor"))


@routes.get("/v1/organizations/{org}/badge")
async def badge(request: web.Request) -> web.Response:
    return await answer(request, ReadBadge, {})
