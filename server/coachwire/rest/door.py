"""What all routes share: who asks, what is asked, how it is answered."""

import asyncio
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from coachwire_protocol.check import checked, read_body
from coachwire_protocol.errors import BadRequest, Unauthenticated
from coachwire_protocol.frames import encode
from coachwire_protocol.shape import Wire
from msgspec import Struct

from coachwire.identity.auth import Identity
from coachwire.keys import AUTHENTICATOR, DATABASE, RUNNER
from coachwire.operation import Actor, Outcome
from coachwire.operations.session import is_user
from coachwire.request_log import USER_ID
from coachwire.rest.turns import take_turn

W = TypeVar("W", bound=Wire)

BODY = 10.0  # s from the headers to the end of the body


async def answer(request: web.Request, kind: type[W], fields: dict[str, Any]) -> web.Response:
    """Run the request that path and query make."""
    actor = await actor_of(request)
    asked = checked(kind, within(request) | fields, strict=False)
    return data(await request.app[RUNNER].run(actor, asked))


async def answer_body(
    request: web.Request, kind: type[W], fields: dict[str, Any], status: int = HTTPStatus.OK
) -> web.Response:
    """Run the request that path and body make; what the path says stands above the body."""
    actor = await actor_of(request)
    asked = checked(kind, await body(request) | within(request) | fields)
    return data(await request.app[RUNNER].run(actor, asked), status)


async def body(request: web.Request) -> dict[str, Any]:
    """The object in the body; an empty body is an empty object. Raises `BadRequest` when it does not come in time, or
    is not encoded as it says."""
    try:
        async with asyncio.timeout(BODY):
            raw = await request.read()
    except TimeoutError:
        raise BadRequest(f"Expected the whole body within {BODY:.0f} s.") from None
    except web.RequestPayloadError:
        raise BadRequest("Expected a body that can be read.") from None
    return read_body(raw) if raw else {}


def within(request: web.Request) -> dict[str, str]:
    """The organization that the path names."""
    return {"organizationId": request.match_info["org"]}


def queried(request: web.Request, *names: str) -> dict[str, str]:
    """These parameters of the query, as far as they are given."""
    return {name: request.query[name] for name in names if name in request.query}


async def actor_of(request: web.Request) -> Actor:
    """Raises `Unauthenticated` without a valid token of a user who is still there, `RateLimited` when too much is asked
    for at a time."""
    identity = await _identity(request)
    request[USER_ID] = identity.user_id
    await take_turn(request, identity.user_id)
    async with request.app[DATABASE].connection() as tx:
        if not await is_user(tx, identity.user_id):
            raise Unauthenticated
    return Actor(identity.user_id, identity.issued_at)


def data(result: Outcome | Struct | None, status: int = HTTPStatus.OK) -> web.Response:
    """The answer of a request that was carried out."""
    value = result.data if isinstance(result, Outcome) else result
    return web.Response(
        body=b'{"data":%b}' % (b"{}" if value is None else encode(value)),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _identity(request: web.Request) -> Identity:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return await request.app[AUTHENTICATOR].identify(token.strip())
