"""Lets the pages of allowed origins call REST from a browser: with the token in a header, never with cookies."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from coachwire.keys import SETTINGS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PREFIX = "/v1/"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",  # the last one of links to put
    "Access-Control-Max-Age": "600",  # s
}


@web.middleware
async def allow_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An origin must be on the list, letter by letter; to others nothing is said, and their browser keeps the answer
    from them."""
    if not request.path.startswith(PREFIX):
        return await handler(request)
    origin = request.headers.get("Origin")
    allowed = origin is not None and origin in request.app[SETTINGS].allowed_origins
    if allowed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response: web.StreamResponse = web.Response(status=204, headers=PREFLIGHT)
    else:
        response = await handler(request)
    if response.prepared:  # a socket, which looks at the origin itself
        return response
    response.headers.add("Vary", "Origin")
    if allowed and origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
    return response
