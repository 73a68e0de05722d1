"""The contract, for machines and as a page for people: encoded once, and not sent again to who has it."""

import hashlib
from functools import cache

import msgspec
from aiohttp import ETag, web
from coachwire_protocol.documents import asyncapi, openapi

from coachwire.reference import reference

# Nothing runs on it, and nothing is loaded from elsewhere.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

routes = web.RouteTableDef()


@routes.get("/openapi.json")
async def openapi_document(request: web.Request) -> web.Response:
    return _answer(request, *_openapi())


@routes.get("/asyncapi.json")
async def asyncapi_document(request: web.Request) -> web.Response:
    return _answer(request, *_asyncapi())


@routes.get("/docs")
async def page(request: web.Request) -> web.Response:
    response = _answer(request, *_page(), content_type="text/html", charset="utf-8")
    response.headers.update(PAGE_HEADERS)
    return response


def _answer(
    request: web.Request,
    body: bytes,
    tag: str,
    content_type: str = "application/json",
    charset: str | None = None,
) -> web.Response:
    known = any(one.value in (tag, "*") for one in request.if_none_match or ())
    response = (
        web.Response(status=304)
        if known
        else web.Response(body=body, content_type=content_type, charset=charset)
    )
    response.etag = ETag(tag)
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _openapi() -> tuple[bytes, str]:
    return _encoded(openapi())


@cache
def _asyncapi() -> tuple[bytes, str]:
    return _encoded(asyncapi())


@cache
def _page() -> tuple[bytes, str]:
    return _tagged(reference(openapi(), asyncapi()).encode())


def _encoded(document: object) -> tuple[bytes, str]:
    return _tagged(msgspec.json.encode(document))


def _tagged(body: bytes) -> tuple[bytes, str]:
    return body, hashlib.sha256(body).hexdigest()[:16]
