"""A connection on which every byte is written by hand: requests and frames that no library would send."""

import asyncio
import json
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

PATIENCE = 10.0  # s for any wait

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
UPGRADE = (
    "GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A frame as a client writes it, of the shortest length; a mask of zeros masks nothing."""
    first, mask = fin << 7 | rsv << 4 | opcode, 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head = bytes((first, mask | length))
    elif length < 65_536:
        head = bytes((first, mask | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, mask | 127)) + length.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


def hello(token: str, device: str | None = None) -> bytes:
    """The frame of a hello."""
    return frame(
        TEXT, json.dumps({"type": "hello", "token": token, "device": device or str(uuid4())}).encode()
    )


class Ended(Exception):
    """The server has closed."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Line:
    """One connection. Reads have a limit; the end of the line is `EOFError`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self.host = host
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Self:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port), parts.netloc)

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def request(self, method: str, target: str, *headers: str, host: str | None = None) -> int:
        """The status of an answer without a body that matters; its rest is read."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host if host is None else host}", *headers]
        await self.say(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return (await self.answer())[0]

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (h.partition(": ") for h in head[1:] if h)}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
            return int(head[0].split()[1]), headers, body

    async def upgrade(self, *headers: str) -> None:
        await self.say(UPGRADE.format(host=self.host, more="".join(f"{h}\r\n" for h in headers)).encode())
        assert (await self.answer())[0] == 101

    async def live(self, token: str) -> None:
        """Upgrade, say hello, and read until live."""
        await self.upgrade()
        await self.say(hello(token))
        while b'"type":"live"' not in (await self.frame())[1]:
            pass

    async def frame(self) -> tuple[int, bytes]:
        """The opcode of the next frame, and what it carries."""
        async with asyncio.timeout(PATIENCE):
            first, length = await self._reader.readexactly(2)
            assert first & 0xF0 == 0x80, "expected a whole frame without reserved bits"
            assert length < 128, "expected no mask from a server"
            if length >= 126:
                length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
            return first & 0x0F, await self._reader.readexactly(length)

    async def text(self) -> str:
        """The next text frame; counts are passed over. Raises `Ended` when the server closes instead."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                raise Ended(int.from_bytes(payload[:2], "big"))
            if opcode == TEXT and b'"type":"unread"' not in payload:
                return payload.decode()

    async def close_code(self) -> int:
        """Read until the server's close frame; why it closed. 0: without a code."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def ends(self) -> bool:
        """Read to the end of the line, however it comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                while await self._reader.read(65_536):
                    pass
        except ConnectionError:
            pass
        return True

    def cut(self) -> None:
        self._writer.transport.abort()
