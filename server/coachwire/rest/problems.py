"""Errors over REST: RFC 9457 problems, for refused requests and for what the router itself refuses."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import web
from coachwire_protocol.errors import ERRORS, Internal, ProtocolError
from coachwire_protocol.frames import encode
from coachwire_protocol.problem import Problem

from coachwire.measures import REST_REFUSALS
from coachwire.observe import place
from coachwire.request_log import CODE, REQUEST_ID, route_of

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "application/problem+json"
BY_STATUS = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "too_large"}


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where a refused request over REST gets its answer."""
    try:
        return await handler(request)
    except ProtocolError as error:
        return _problem(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = BY_STATUS.get(error.status, "bad_request")
        said = error.text
        if said == f"{error.status}: {error.reason}":  # aiohttp's own: no sentence
            said = None
        answer = _problem(request, ERRORS[code](said), status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception as error:  # the edge: what nobody foresaw is logged and answered `internal`
        log.error(
            "request_failed",
            request_id=request[REQUEST_ID],
            route=route_of(request),
            error=type(error).__name__,
            place=place(error),
        )
        return _problem(request, Internal())


def _problem(request: web.Request, error: ProtocolError, *, status: int | None = None) -> web.Response:
    request[CODE] = error.code
    REST_REFUSALS[error.code].inc()
    body = error.body()
    status = status or error.status
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=body.message,
        code=body.code,
        request_id=request[REQUEST_ID],
        retry_after_ms=body.retry_after_ms,
        errors=body.details,
    )
    return web.Response(body=encode(problem), status=status, content_type=CONTENT_TYPE, headers=headers)
