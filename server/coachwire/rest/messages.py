"""Routes of single messages."""

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.conversations import ReadMessage
from coachwire_protocol.messages import DeleteMessage, EditMessage, SendMessage, Sent
from coachwire_protocol.receipts import ReadMessages
from coachwire_protocol.search import SearchMessages

from coachwire.keys import RUNNER
from coachwire.rest.door import actor_of, answer, body, data, queried, within

routes = web.RouteTableDef()


@routes.post("/v1/organizations/{org}/messages")
async def send(request: web.Request) -> web.Response:
    """201 with the message; 200 when this id was sent before."""
    return await send_to(request, {})


async def send_to(request: web.Request, fields: dict[str, Any]) -> web.Response:
    """Send what the body says; what the path says stands above it."""
    actor = await actor_of(request)
    sending = checked(SendMessage, {"id": str(uuid4())} | await body(request) | within(request) | fields)
    outcome = await request.app[RUNNER].run(actor, sending)
    message = await request.app[RUNNER].run(
        actor, ReadMessage(organization_id=sending.organization_id, id=sending.id)
    )
    repeated = isinstance(outcome.data, Sent) and outcome.data.duplicate is True
    return data(message, HTTPStatus.OK if repeated else HTTPStatus.CREATED)


@routes.get("/v1/organizations/{org}/messages/search")
async def search(request: web.Request) -> web.Response:
    return await answer(request, SearchMessages, queried(request, "q", "limit", "cursor"))


@routes.get("/v1/organizations/{org}/messages/{id}")
async def message(request: web.Request) -> web.Response:
    return await answer(request, ReadMessage, _id(request))


@routes.patch("/v1/organizations/{org}/messages/{id}")
async def edit(request: web.Request) -> web.Response:
    """The message as it is now."""
    actor = await actor_of(request)
    editing = checked(EditMessage, await body(request) | within(request) | _id(request))
    await request.app[RUNNER].run(actor, editing)
    return data(
        await request.app[RUNNER].run(
            actor, ReadMessage(organization_id=editing.organization_id, id=editing.id)
        )
    )


@routes.delete("/v1/organizations/{org}/messages/{id}")
async def delete(request: web.Request) -> web.Response:
    return await answer(request, DeleteMessage, _id(request))


@routes.put("/v1/organizations/{org}/messages/{id}/read")
async def read(request: web.Request) -> web.Response:
    return await answer(request, ReadMessages, {"messageIds": [request.match_info["id"]]})


def _id(request: web.Request) -> dict[str, str]:
    return {"id": request.match_info["id"]}
