"""The REST door: routes under /v1. Each builds a request and ends in `Runner`, as the socket does."""

from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

from aiohttp import web
from coachwire_protocol.check import checked, read_body
from coachwire_protocol.conversations import ListConversations, ReadHistory, ReadMessage, Sync
from coachwire_protocol.errors import Unauthenticated
from coachwire_protocol.frames import encode
from coachwire_protocol.messages import SendMessage, Sent
from coachwire_protocol.shape import Wire
from msgspec import Struct

from coachwire.auth import Identity
from coachwire.keys import AUTHENTICATOR, DATABASE, RUNNER
from coachwire.operation import Actor, Outcome
from coachwire.operations.session import is_user

W = TypeVar("W", bound=Wire)

MAX_BODY = 1_000_000  # bytes

routes = web.RouteTableDef()


@routes.post("/v1/organizations/{org}/messages")
async def send(request: web.Request) -> web.Response:
    """201 with the message; 200 when this id was sent before."""
    actor = await _actor(request)
    body = read_body(await request.read())
    body = {"id": str(uuid4())} | body | {"organizationId": request.match_info["org"]}
    sending = checked(SendMessage, body)
    outcome = await request.app[RUNNER].run(actor, sending)
    message = await request.app[RUNNER].run(
        actor, ReadMessage(organization_id=sending.organization_id, id=sending.id)
    )
    repeated = isinstance(outcome.data, Sent) and outcome.data.duplicate is True
    return _data(message, HTTPStatus.OK if repeated else HTTPStatus.CREATED)


@routes.get("/v1/organizations/{org}/messages/{id}")
async def message(request: web.Request) -> web.Response:
    return await _answer(request, ReadMessage, {"id": request.match_info["id"]})


@routes.get("/v1/organizations/{org}/conversations")
async def conversations(request: web.Request) -> web.Response:
    return await _answer(request, ListConversations, _page(request))


@routes.get("/v1/organizations/{org}/conversations/{membership}")
async def history(request: web.Request) -> web.Response:
    return await _answer(
        request, ReadHistory, {"membershipId": request.match_info["membership"]} | _page(request)
    )


@routes.get("/v1/sync")
async def sync(request: web.Request) -> web.Response:
    actor = await _actor(request)
    narrowed = {key: request.query[key] for key in ("organizationId",) if key in request.query}
    return _data(await request.app[RUNNER].run(actor, checked(Sync, narrowed)))


async def _answer(request: web.Request, kind: type[W], fields: dict[str, Any]) -> web.Response:
    """Run the request that path and query make."""
    actor = await _actor(request)
    asked = checked(kind, {"organizationId": request.match_info["org"]} | fields, strict=False)
    return _data(await request.app[RUNNER].run(actor, asked))


async def _actor(request: web.Request) -> Actor:
    """Raises `Unauthenticated` without a valid token of a user who is still there."""
    identity = _identity(request)
    async with request.app[DATABASE].connection() as tx:
        if not await is_user(tx, identity.user_id):
            raise Unauthenticated
    return Actor(identity.user_id)


def _identity(request: web.Request) -> Identity:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return request.app[AUTHENTICATOR].verify(token.strip())


def _page(request: web.Request) -> dict[str, str]:
    return {key: request.query[key] for key in ("limit", "cursor") if key in request.query}


def _data(result: Outcome | Struct, status: int = HTTPStatus.OK) -> web.Response:
    data = result.data if isinstance(result, Outcome) else result
    return web.Response(
        body=b'{"data":%b}' % encode(data),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
