"""One wheel for all sockets: pings the silent, ends the dead, and watches the tokens."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Literal

from coachwire_protocol.close import CloseCode
from coachwire_protocol.frames import encode, notice_frame
from coachwire_protocol.schema import NoticeKind
from coachwire_protocol.session import HEARTBEAT_SECONDS, TokenExpiringNotice
from coachwire_protocol.times import wire_time

from coachwire.measures import LOOP_LAG
from coachwire.readiness import Readiness
from coachwire.socket.connection import Connection

TURN = 1.0  # s
PONG = 10.0  # s that a ping may stay unanswered
WARNING = 60.0  # s before a token expires
GRACE = 30.0  # s after it has


async def beat(connections: Collection[Connection], readiness: Readiness) -> None:
    """Turn for ever, and note how late the loop is; the owner cancels it."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TURN
        await asyncio.sleep(TURN)
        now, clock = loop.time(), datetime.now(UTC)
        readiness.lag = now - due
        LOOP_LAG.observe(readiness.lag)
        for connection in list(connections):
            _check_silence(connection, now - connection.heard)
            _check_token(connection, clock)


def token_due(left: float) -> Literal["warn", "close"] | None:
    """What a token that expires in so many seconds (below 0: it has expired) asks for."""
    if left < -GRACE:
        return "close"
    return "warn" if left < WARNING else None


def _check_silence(connection: Connection, silence: float) -> None:
    if silence > HEARTBEAT_SECONDS + PONG and connection.pinged:
        connection.close(CloseCode.NO_PONG)
    elif silence > HEARTBEAT_SECONDS and not connection.pinged:
        connection.ping()


def _check_token(connection: Connection, clock: datetime) -> None:
    due = token_due((connection.token_expires_at - clock).total_seconds())
    if due == "close":
        connection.close(CloseCode.TOKEN_EXPIRED)
    elif due == "warn" and connection.welcomed and not connection.warned:
        connection.warned = True
        notice = TokenExpiringNotice(expires_at=wire_time(connection.token_expires_at))
        connection.send(notice_frame(NoticeKind.TOKEN_EXPIRING, encode(notice)))
