"""A peer that does not read, or does not answer: a bare socket with next to no buffer, and frames made by hand."""

import asyncio
import base64
import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

PING = 0x89
CLOSE = 0x88
BUFFER = 4096  # bytes; the kernel doubles it and takes no less than about 2 KB
LIMIT = 60.0  # s for any wait


class StalledPeer:
    """Says hello, and from then on reads only when it is asked to; it never answers a ping or a close."""

    def __init__(self, url: str, token: str, device: str, **hello: object) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = (parts.hostname, parts.port)
        self._hello = {"type": "hello", "token": token, "device": device, **hello}
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.setblocking(False)
        self._unread = b""
        self._loop = asyncio.get_running_loop()

    async def connect(self) -> None:
        """Returns when it is live."""
        await self._loop.sock_connect(self._socket, self._address)
        key = base64.b64encode(os.urandom(16)).decode()
        await self._loop.sock_sendall(
            self._socket,
            (
                "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            ).encode(),
        )
        async with asyncio.timeout(LIMIT):
            while b"\r\n\r\n" not in self._unread:
                self._unread += await self._loop.sock_recv(self._socket, 1024)
            self._unread = self._unread.partition(b"\r\n\r\n")[2]
            hello = json.dumps(self._hello).encode()
            head = b"\x81\xfe" + len(hello).to_bytes(2, "big") + b"\0\0\0\0"  # a mask of zeros masks nothing
            await self._loop.sock_sendall(self._socket, head + hello)
            while b'"live"' not in (await self.frame())[1]:
                pass

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame: its first byte, and what it carries. Raises `EOFError` when the line is cut."""
        async with asyncio.timeout(LIMIT):
            first, length = await self._take(2)
            if length >= 126:
                length = int.from_bytes(await self._take(2 if length == 126 else 8), "big")
            return first, await self._take(length)

    async def close_code(self) -> int:
        """Read until the server's close frame; why it closed."""
        while True:
            first, content = await self.frame()
            if first == CLOSE:
                return int.from_bytes(content[:2], "big")

    def is_held(self) -> bool:
        """Whether the server still has a descriptor for this connection: the kernel knows (Linux)."""
        mine = _hex(self._socket.getsockname())
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, _local, remote, _, _, _, _, _, _, inode, *_ = line.split()
            if remote == mine:
                return inode != "0"
        return False

    def leave(self) -> None:
        self._socket.close()

    async def _take(self, size: int) -> bytes:
        while len(self._unread) < size:
            try:
                data = await self._loop.sock_recv(self._socket, 65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise EOFError
            self._unread += data
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken


def _hex(address: tuple[str, int]) -> str:
    """As /proc/net/tcp spells it."""
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
