"""How sockets end: each end is counted and told of once, whoever brought it about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from aiohttp import WebSocketError, WSCloseCode
from coachwire_protocol.close import CloseCode, Closed

from coachwire.measures import CLOSED_BY, CLOSED_BY_PEER
from coachwire.observe import place

log = structlog.get_logger()


@contextmanager
def closing_edge(**who: object) -> Iterator[None]:
    """The edge: what nobody foresaw is logged, without its text, and closes with 1011. After the upgrade nobody else
    can answer: aiohttp would write an HTTP response among the frames."""
    try:
        yield
    except Closed:
        raise
    except Exception as error:
        log.error("socket_failed", error=type(error).__name__, place=place(error), **who)
        raise Closed(CloseCode.INTERNAL_ERROR) from None


def broken(error: object) -> Closed:
    """Why aiohttp has closed by itself: it told the peer 1009, or what RFC 6455 has for a frame that is none."""
    if not isinstance(error, WebSocketError):
        return Closed(CloseCode.GOING_AWAY, "the line broke")
    if error.code == WSCloseCode.MESSAGE_TOO_BIG:
        return Closed(CloseCode.MESSAGE_TOO_BIG)
    return Closed(CloseCode.BAD_FRAME, f"told {int(error.code)}")


def tell_closed(code: CloseCode | None, detail: str, **who: Any) -> None:
    """Count and log an end; without a code it was the peer's."""
    if code is None:
        CLOSED_BY_PEER.inc()
        log.info("socket_closed", code=None, reason="by the peer", detail=detail, **who)
    else:
        CLOSED_BY[int(code)].inc()
        log.info("socket_closed", code=int(code), reason=code.reason, detail=detail, **who)
