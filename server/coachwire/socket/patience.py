"""Connections that ask nothing: cut, since aiohttp itself waits for a first request without a limit."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

FIRST_REQUEST = 10.0  # s from the accept to the end of the first request's headers

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Make = Callable[[], asyncio.Protocol]

SILENT = web.AppKey("silent", set[asyncio.BaseProtocol])  # connections whose first request has not arrived


@web.middleware
async def note_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: from here on other limits hold."""
    request.app[SILENT].discard(request.protocol)
    return await handler(request)


def impatient(make: Make, silent: set[asyncio.BaseProtocol]) -> Make:
    """A protocol factory whose connections are aborted when their first request does not come."""
    loop = asyncio.get_running_loop()

    def make_watched() -> asyncio.Protocol:
        protocol = make()
        silent.add(protocol)
        loop.call_later(FIRST_REQUEST, _cut, protocol, silent)
        return protocol

    return make_watched


def _cut(protocol: asyncio.Protocol, silent: set[asyncio.BaseProtocol]) -> None:
    if protocol not in silent:
        return
    silent.discard(protocol)
    transport = getattr(protocol, "transport", None)
    if transport is not None:
        transport.abort()
