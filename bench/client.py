"""A WebSocket client that costs little: frames made by hand, and nothing decoded that is not asked for.

The mask is all zeros, which is legal and leaves the payload as it is. Messages that come in fragments, and extensions,
are not understood: the server sends neither."""

import asyncio
import base64
import os
from typing import cast

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
NO_MASK = b"\0\0\0\0"


class Client(asyncio.Protocol):
    """One socket. A subclass says what to do with a text: it lies in `data` from `start` to `stop`."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closing = False
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._upgraded = False

    def text(self, data: bytes, start: int, stop: int) -> None:
        raise NotImplementedError

    def lost(self, why: str) -> None:
        """The socket ended, and it was not us who closed it."""
        raise NotImplementedError

    def send(self, payload: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_frame(TEXT, payload))

    def close(self) -> None:
        self.closing = True
        if self._transport is not None:
            self._transport.write(_frame(CLOSE, b"\x03\xe8"))

    def abort(self) -> None:
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        key = base64.b64encode(os.urandom(16))
        self._transport.write(
            b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: coachwire.v1.json\r\n"
            b"Sec-WebSocket-Key: %b\r\n\r\n" % key
        )

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0 if self._upgraded else self._upgrade(data)
        end = len(data)
        while end - at >= 2:
            length, start = data[at + 1], at + 2
            if length >= 126:
                start = at + 4 if length == 126 else at + 10
                if start > end:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            stop = start + length
            if stop > end:
                break
            if data[at] == TEXT:
                self.text(data, start, stop)
            else:
                self._control(data[at], data[start:stop])
            at = stop
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closing:
            self.closing = True
            self.lost(f"connection lost ({exc or 'end of file'})")

    def _upgrade(self, data: bytes) -> int:
        """Where the frames begin. The answer to the upgrade comes whole: it is one small write."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or not data.startswith(b"HTTP/1.1 101 "):
            self.abort()
            self.lost(f"refused: {data[:100]!r}")
            return len(data)
        self._upgraded = True
        self.opened.set_result(None)
        return end + 4

    def _control(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        if opcode == PING:
            self._transport.write(_frame(PONG, payload))
        elif opcode == CLOSE:
            if not self.closing:
                self.closing = True
                self.lost(f"closed with {int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")
            self._transport.close()
        else:
            self.lost(f"unexpected frame {opcode:#x}")


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return b"%c%c\0\0\0\0%b" % (opcode, 0x80 | length, payload)
    return b"%c\xfe%b\0\0\0\0%b" % (opcode, length.to_bytes(2, "big"), payload)
