"""Who may open a socket, and what a socket is set to."""

import asyncio
import socket

from aiohttp import web
from coachwire_protocol.session import MAX_FRAME_BYTES

from coachwire.socket.outgoing import Socket

PROTOCOL = "coachwire.v1.json"
ABORT = 2.0  # s a close may take; a peer that does not read keeps its descriptor and buffer no longer


def new_socket() -> Socket:
    return web.WebSocketResponse(
        protocols=(PROTOCOL,),
        compress=False,
        autoping=False,
        max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp refuses what is as large
        writer_limit=0,  # every send that waits, waits for the transport
        timeout=ABORT,
        decode_text=False,
    )


def check_origin(request: web.Request, allowed: frozenset[str]) -> None:
    """Browsers say where a page is from; only our own pages and the allowed ones may connect. Phones say nothing.
    Raises 403."""
    origin = request.headers.get("Origin")
    own = (f"http://{request.host}", f"https://{request.host}")
    if origin is not None and origin not in allowed and origin not in own:
        raise web.HTTPForbidden(text="This origin may not connect.")


def check_protocol(request: web.Request) -> None:
    """Whoever offers sub-protocols must offer ours. Raises 400."""
    offered = [
        p.strip() for line in request.headers.getall("Sec-WebSocket-Protocol", ()) for p in line.split(",")
    ]
    if offered and PROTOCOL not in offered:
        raise web.HTTPBadRequest(text=f"Expected {PROTOCOL} among the sub-protocols.")


def tune(transport: asyncio.Transport) -> None:
    """Find dead peers: the kernel's own defaults take hours."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if hasattr(socket, name):  # not every system has all of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
