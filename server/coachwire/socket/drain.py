"""How an instance goes: what is in flight is finished, the clients are told, their sockets closed over a window."""

import asyncio

import structlog
from aiohttp import web
from coachwire_protocol.frames import encode, notice_frame
from coachwire_protocol.schema import NoticeKind
from coachwire_protocol.session import DrainingNotice

from coachwire.keys import POLLS, RUNNER, SOCKETS

log = structlog.get_logger()

FINISH = 5.0  # s for what is in flight at SIGTERM
WINDOW = 5.0  # s over which many sockets are closed, so that they do not come back all at once
CLOSE = 0.01  # s of that window a socket


async def drain(app: web.Application) -> None:
    """Finish what is in flight, tell the clients, and close their sockets spread over a window."""
    sockets, runner = app[SOCKETS], app[RUNNER]
    app[POLLS].drain()
    try:
        async with asyncio.timeout(FINISH):
            await runner.finish()
    except TimeoutError:
        log.warning("drain_unfinished")
    window = min(WINDOW, CLOSE * len(sockets.connections))
    spread = int(1000 * (window + 1))
    notice = notice_frame(NoticeKind.DRAINING, encode(DrainingNotice(reconnect_within_ms=(0, spread))))
    for connection in [one for one in sockets.connections if one.welcomed]:
        connection.send(notice)
    try:
        async with asyncio.timeout(window + FINISH):
            await sockets.drain(window)
    except TimeoutError:
        log.warning("drain_aborted", sockets=len(sockets.connections))
