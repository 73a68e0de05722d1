"""A line between phone and server that is cut after so many bytes, in either direction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import urlsplit


class Direction:
    """Bytes that may still pass before the line is cut; None: all."""

    def __init__(self) -> None:
        self.left: int | None = None

    def admit(self, data: bytes) -> tuple[bytes, bool]:
        """What passes, and whether the line is cut after it."""
        if self.left is None:
            return data, False
        passed = data[: self.left]
        self.left -= len(passed)
        return passed, self.left == 0


class Proxy:
    """Forwards connections. A cut ends those that are open, both halves at once and without a goodbye; then all may
    pass again. `up` is from phone to server, `down` the other way."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.up, self.down = Direction(), Direction()
        self.url = ""
        self._target = (parts.hostname, parts.port)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Cut after so many bytes from now on; 0: with the next ones, none of which passes."""
        self.up.left, self.down.left = up, down

    def cut(self) -> None:
        """Now."""
        self.cut_after()
        for writer in self._open:
            writer.transport.abort()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.cut()
            server.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, to_writer}
        loop = asyncio.get_running_loop()
        pumps = {
            loop.create_task(self._pump(reader, to_writer, self.up)),
            loop.create_task(self._pump(to_reader, writer, self.down)),
        }
        self._tasks |= pumps
        await asyncio.wait(pumps)
        self._tasks -= pumps
        self._open -= {writer, to_writer}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        try:
            while data := await reader.read(65_536):
                passed, cut = direction.admit(data)
                if passed:
                    writer.write(passed)
                    await writer.drain()
                if cut:
                    self.cut()
                    return
        except ConnectionError:
            pass
        finally:
            writer.close()
