"""What signed links of the local store lead to: bytes come in and go out, without a token, as with S3."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from coachwire_protocol.errors import Forbidden, NotFound

from coachwire.blobs import TYPES
from coachwire.blobs.local import ANY, ROUTE, LocalBlobs, Taken, WrongSize
from coachwire.keys import BLOBS
from coachwire.rest.receiving import RECEIVING, Body, TooSlow

CHUNK = 262_144  # bytes written at once
SILENCE = 30.0  # s without a byte: the sender is gone
LATE = (
    30.0  # s after its link is over: what came later than 60 s after it, nobody would delete (migration 0011)
)
LONGEST = 300  # characters of a key

# Whatever lies here runs nowhere: not as a page, not in a frame, not as what it is not.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",  # shown inside pages all the same
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=900, immutable",
}

routes = web.RouteTableDef()


@routes.put(ROUTE + "{key:.+}")
async def put(request: web.Request) -> web.Response:
    """200, and the etag. 403: not what was signed. 412: the key is taken."""
    blobs, key = _store(request), _key(request)
    size = request.content_length
    if (
        size is None
        or "Content-Encoding" in request.headers
        or request.headers.get("If-None-Match") != ANY
        or not blobs.may_put(key, *_signed(request), request.headers.get("Content-Type", ""), size)
    ):
        raise Forbidden
    person = key.rpartition("/")[0].rpartition("/")[2]
    try:
        async with request.app[RECEIVING].body(
            person, blobs.seconds_left(_signed(request)[0]) + LATE
        ) as body:
            etag = await blobs.receive(key, size, _chunks(request, body))
    except Taken:
        raise web.HTTPPreconditionFailed(text="There is an object of this key already.") from None
    except (WrongSize, TooSlow, web.RequestPayloadError):
        raise Forbidden("The body is not what was signed.") from None
    return web.Response(headers={"ETag": f'"{etag}"', "Cache-Control": "no-store"})


@routes.get(ROUTE + "{key:.+}")
async def get(request: web.Request) -> web.StreamResponse:
    """The object, or a part of it (Range). 403: not what was signed."""
    blobs, key = _store(request), _key(request)
    if not blobs.may_get(key, *_signed(request)):
        raise Forbidden
    path = await asyncio.to_thread(blobs.find, key)
    if path is None:
        raise NotFound
    mime_type = TYPES.get(key.rpartition(".")[2], "application/octet-stream")
    return web.FileResponse(path, headers=HEADERS | {"Content-Type": mime_type})


def _store(request: web.Request) -> LocalBlobs:
    blobs = request.app[BLOBS]
    if not isinstance(blobs, LocalBlobs):
        raise NotFound
    return blobs


def _key(request: web.Request) -> str:
    """As it stands in the link: a key has nothing in it that could be written in two ways."""
    key = request.rel_url.raw_path.removeprefix(ROUTE)
    if len(key) > LONGEST:
        raise Forbidden
    return key


def _signed(request: web.Request) -> tuple[str, str]:
    return request.query.get("expires", ""), request.query.get("signature", "")


async def _chunks(request: web.Request, body: Body) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while True:
        async with asyncio.timeout_at(min(loop.time() + SILENCE, body.due)):
            chunk = await request.content.read(CHUNK)
        if not chunk:
            return
        body.received += len(chunk)
        yield chunk
