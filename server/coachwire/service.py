"""Routes of the service itself: is it alive, should it get traffic, and the page to try it with."""

import mimetypes
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from coachwire_protocol.errors import Unavailable

from coachwire.address import ADDRESS
from coachwire.database import Query
from coachwire.keys import DATABASE, READINESS, SETTINGS
from coachwire.resources import folder
from coachwire.settings import is_loopback
from coachwire.streams.partitions import ROOM, WEEK

Handler = web.RequestHandler

# The page loads nothing from elsewhere but files from where they lie, runs no inline script, and
# may be framed by nobody.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src 'self' data: blob: {files}; "
    "media-src 'self' blob: {files}; connect-src 'self' {files}; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
EPOCH = Query("streams/epoch", tuple)


async def healthz(request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """503 while draining, or when PostgreSQL does not answer. Redis may be away: it only makes delivery slower. What
    will become a halt in some days is a complaint, not a reason to halt today."""
    if request.app[READINESS].draining:
        return web.json_response({"status": "draining"}, status=503)
    try:
        async with request.app[DATABASE].connection() as tx:
            await EPOCH.one(tx)
            room = await ROOM.one(tx)
    except Unavailable:
        return web.json_response({"status": "database away"}, status=503)
    if room.seconds < WEEK:
        complaint = f"room for events for {max(room.seconds, 0) / 86_400:.1f} days only"
        return web.json_response({"status": "ready", "complaints": [complaint]})
    return web.json_response({"status": "ready"})


def page_routes() -> list[web.RouteDef]:
    """The files of web/, read once at start: a route each, so nothing else can be asked for."""
    root = folder("web")
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return [_page_route("/" + path.relative_to(root).as_posix(), path) for path in files]


def _page_route(name: str, path: Path) -> web.RouteDef:
    body = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_page = name == "/index.html"

    async def serve(request: web.Request) -> web.Response:
        if is_page and (elsewhere := _own_address(request)) is not None:
            raise web.HTTPFound(elsewhere)  # a browser keeps what stands after the #
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8" if content_type.startswith(("text/", "application/javascript")) else None,
            headers={
                "Content-Security-Policy": PAGE_POLICY.format(files=_files_of(request.app)),
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
            },
        )

    return web.get("/" if is_page else name, serve)


def _own_address(request: web.Request) -> str | None:
    """Where the page is at home, for who came by another name of this machine: links to files lead there, and a browser
    takes two names for two sites. None: here."""
    settings, own = request.app[SETTINGS], request.app[ADDRESS]()
    if settings.public_url is not None or settings.s3 is not None or not is_loopback(request.url.host):
        return None
    home = urlsplit(own)
    by_another_name = (
        request.url.host != home.hostname and request.url.port == home.port
    )  # else it is a tunnel
    return own if by_another_name and is_loopback(home.hostname) else None


def _files_of(app: web.Application) -> str:
    """The origin of the links to files."""
    s3 = app[SETTINGS].s3
    return app[ADDRESS]() if s3 is None else s3.endpoint_url
