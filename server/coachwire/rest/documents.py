"""The contract for machines, for everybody who asks: encoded once, and not sent again to who has it."""

import hashlib
from functools import cache

import msgspec
from aiohttp import ETag, web
from coachwire_protocol.documents import asyncapi, openapi

routes = web.RouteTableDef()


@routes.get("/openapi.json")
async def openapi_document(request: web.Request) -> web.Response:
    return _answer(request, *_openapi())


@routes.get("/asyncapi.json")
async def asyncapi_document(request: web.Request) -> web.Response:
    return _answer(request, *_asyncapi())


def _answer(request: web.Request, body: bytes, tag: str) -> web.Response:
    known = any(one.value in (tag, "*") for one in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body, content_type="application/json")
    response.etag = ETag(tag)
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _openapi() -> tuple[bytes, str]:
    return _encoded(openapi())


@cache
def _asyncapi() -> tuple[bytes, str]:
    return _encoded(asyncapi())


def _encoded(document: object) -> tuple[bytes, str]:
    body = msgspec.json.encode(document)
    return body, hashlib.sha256(body).hexdigest()[:16]
