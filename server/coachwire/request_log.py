"""A line for each request over REST that failed or was slow, and the id by which answer and line find each other."""

import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from aiohttp import web
from coachwire_protocol.ids import is_id

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SLOW = 1.0  # s
POLL = "/v1/events"  # waits by design
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADER = "X-Request-Id"

REQUEST_ID = web.RequestKey("request_id", str)
USER_ID = web.RequestKey("user_id", str)  # of a verified token
CODE = web.RequestKey("code", str)  # of the error that answers the request


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Others are told of at level debug. A socket has lines of its own."""
    request_id = request[REQUEST_ID] = str(uuid4())
    started = time.monotonic()
    response = await handler(request)
    if isinstance(response, web.WebSocketResponse):
        return response
    response.headers[HEADER] = request_id
    seconds = time.monotonic() - started
    route = route_of(request)
    organization_id = request.match_info.get("org")
    told = response.status >= 400 or (seconds > SLOW and route != POLL)
    (log.info if told else log.debug)(
        "request",
        request_id=request_id,
        user_id=request.get(USER_ID),
        organization_id=organization_id if organization_id and is_id(organization_id) else None,
        method=request.method if request.method in METHODS else "other",
        route=route,
        status=response.status,
        code=request.get(CODE),
        milliseconds=round(seconds * 1000, 1),
    )
    return response


def route_of(request: web.Request) -> str:
    """The route's pattern, never the path that was asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
