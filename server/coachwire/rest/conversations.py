"""Routes of conversations: the list, the history of one, and the state to begin from."""

from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.conversations import ListConversations, ReadHistory, Sync

from coachwire.keys import RUNNER
from coachwire.rest.door import actor_of, answer, data, queried

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/conversations")
async def conversations(request: web.Request) -> web.Response:
    return await answer(request, ListConversations, queried(request, "limit", "cursor"))


@routes.get("/v1/organizations/{org}/conversations/{membership}")
async def history(request: web.Request) -> web.Response:
    return await answer(
        request,
        ReadHistory,
        {"membershipId": request.match_info["membership"]} | queried(request, "limit", "cursor"),
    )


@routes.get("/v1/sync")
async def sync(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    return data(await request.app[RUNNER].run(actor, checked(Sync, queried(request, "organizationId"))))
