"""Errors over REST: RFC 9457 problems, for refused requests and for what the router itself refuses."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import uuid4

import structlog
from aiohttp import web
from coachwire_protocol.errors import ERRORS, FieldError, Internal, ProtocolError
from coachwire_protocol.frames import encode
from msgspec import UNSET, Struct, UnsetType

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "application/problem+json"
BY_STATUS = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "too_large"}


class Problem(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retry_after_ms: int | UnsetType = UNSET
    errors: tuple[FieldError, ...] | UnsetType = UNSET


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where a refused request over REST gets its answer."""
    request_id = str(uuid4())
    try:
        response = await handler(request)
    except ProtocolError as error:
        return _problem(error, request_id)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = BY_STATUS.get(error.status, "bad_request")
        said = (
            None if error.text == f"{error.status}: {error.reason}" else error.text
        )  # aiohttp's own: no sentence
        answer = _problem(ERRORS[code](said), request_id, status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (
        Exception
    ) as error:  # the edge: what nobody foresaw is logged, without its text, and answered `internal`
        log.error("request_failed", route=_route(request), error=type(error).__name__, request_id=request_id)
        return _problem(Internal(), request_id)
    return response


def _problem(error: ProtocolError, request_id: str, *, status: int | None = None) -> web.Response:
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
        request_id=request_id,
        retry_after_ms=body.retry_after_ms,
        errors=body.details,
    )
    return web.Response(body=encode(problem), status=status, content_type=CONTENT_TYPE, headers=headers)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
