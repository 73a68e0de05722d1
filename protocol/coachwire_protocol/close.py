"""Why a socket is closed, and whether to come back by oneself."""

from enum import IntEnum
from typing import Final


class CloseCode(IntEnum):
    """4000 to 4499: reconnect and resume. 4500 to 4999: do not come back by yourself."""

    GOING_AWAY = 1001
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013

    DRAINING = 4000
    SLOW_CONSUMER = 4001
    NO_PONG = 4002
    POSITION_JUMP = 4003
    TOKEN_EXPIRED = 4004
    EXCESS = 4005
    NO_HELLO = 4006

    BAD_TOKEN = 4500
    BAD_FRAME = 4501
    VERSION = 4502
    ACCOUNT_GONE = 4503
    TOO_MANY_CONNECTIONS = 4504
    REPLACED = 4505
    SIGNED_OUT = 4506

    @property
    def reason(self) -> str:
        """The text of the close frame; far below the 123 bytes that fit."""
        return _REASONS[self]

    @property
    def reconnect(self) -> bool:
        """Whether a client comes back by itself. Not after 1009: it would send the same frame again."""
        return self < 4500 and self != CloseCode.MESSAGE_TOO_BIG


class Closed(Exception):
    """The socket must be closed with this code. The detail is for the log and quotes nothing received."""

    def __init__(self, code: CloseCode, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code.value} {code.reason}" + (f": {detail}" if detail else ""))


_REASONS: Final[dict[CloseCode, str]] = {
    CloseCode.GOING_AWAY: "going away",
    CloseCode.MESSAGE_TOO_BIG: "frame too large",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.DRAINING: "draining or stream reset",
    CloseCode.SLOW_CONSUMER: "slow consumer",
    CloseCode.NO_PONG: "no pong",
    CloseCode.POSITION_JUMP: "position jump",
    CloseCode.TOKEN_EXPIRED: "token expired",
    CloseCode.EXCESS: "sustained excess",
    CloseCode.NO_HELLO: "no hello",
    CloseCode.BAD_TOKEN: "bad token",
    CloseCode.BAD_FRAME: "bad frame",
    CloseCode.VERSION: "version",
    CloseCode.ACCOUNT_GONE: "account disabled or erased",
    CloseCode.TOO_MANY_CONNECTIONS: "too many connections",
    CloseCode.REPLACED: "replaced by the same device",
    CloseCode.SIGNED_OUT: "signed out",
}
