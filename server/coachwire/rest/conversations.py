"""Routes of conversations: the list, the history of one, and reading it."""

from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.conversations import ListConversations, ReadHistory
from coachwire_protocol.receipts import MarkedRead, ReadMessages
from msgspec import UNSET, structs

from coachwire.keys import RUNNER
from coachwire.rest.door import actor_of, answer, body, data, queried, within

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/conversations")
async def conversations(request: web.Request) -> web.Response:
    return await answer(request, ListConversations, queried(request, "limit", "cursor"))


@routes.get("/v1/organizations/{org}/conversations/{membership}")
async def history(request: web.Request) -> web.Response:
    return await answer(
        request, ReadHistory, _membership(request) | queried(request, "limit", "cursor", "around")
    )


@routes.put("/v1/organizations/{org}/conversations/{membership}/read")
async def read(request: web.Request) -> web.Response:
    """How many became read: all, or through `upTo`."""
    return await mark_read(request, _membership(request))


async def mark_read(request: web.Request, conversation: dict[str, str]) -> web.Response:
    """Mark what is addressed to the caller, all of it or through the body's `upTo`, and say how many that were."""
    actor = await actor_of(request)
    asked = await body(request)
    up_to = {"upTo": asked["upTo"]} if "upTo" in asked else {}
    reading = checked(ReadMessages, within(request) | {"conversation": conversation} | up_to)
    outcome = await request.app[RUNNER].run(actor, reading)
    assert isinstance(outcome.data, MarkedRead)  # noqa: S101 - what the operation answers
    return data(structs.replace(outcome.data, read_at=UNSET))


def _membership(request: web.Request) -> dict[str, str]:
    return {"membershipId": request.match_info["membership"]}
