"""The frames that wait for one socket: a bounded queue, and as few writes as there are ticks.

While the peer reads as fast as we write, all frames of one tick leave in one write. When the transport holds back more
than `FULL`, frames wait here, one task feeds them on as there is room, and beyond the bounds the consumer is too slow.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from aiohttp import ClientConnectionResetError, WSMsgType, web
from coachwire_protocol.close import CloseCode, Closed

MOST_FRAMES = 512
MOST_BYTES = 1 << 20
BURST = 256  # frames in one tick, after which they are written without waiting for its end
FULL = 65_536  # bytes in the transport, its high-water mark
PATIENCE = 30.0  # s without a byte taken, during a replay

Socket = web.WebSocketResponse[bool]


class Outgoing:
    """Text frames to one socket, in order. `too_slow` is called once when a bound is passed; nothing is queued then."""

    def __init__(self, socket: Socket, transport: asyncio.Transport) -> None:
        self.too_slow: Callable[[], None] = self.end
        self._socket = socket
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._scheduled = False
        self._feeding: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def waiting(self) -> int:
        """Bytes not yet taken by the peer's kernel or on their way there."""
        return self._bytes + self._transport.get_write_buffer_size()

    def put(self, frame: bytes) -> None:
        """Queue a frame; never waits."""
        if self._ended:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._feeding is not None:
            if len(self._frames) > MOST_FRAMES or self._bytes > MOST_BYTES:
                self.end()
                self.too_slow()
        elif len(self._frames) >= BURST:
            self.flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits, at once, if the transport has room."""
        self._scheduled = False
        if not self._frames or self._feeding is not None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > FULL:
            self._feeding = self._loop.create_task(self._feed())
            return
        self._transport.write(b"".join(map(text_frame, self._frames)))
        self._frames.clear()
        self._bytes = 0

    def control(self, frame: bytes) -> None:
        """Write a ready control frame, after what was queued before it."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write(frame)

    async def replay(self, frames: Iterable[bytes]) -> None:
        """Write frames as fast as they are taken, beyond the bounds. Raises `Closed` (4001) if no byte is for 30 s."""
        self.flush()
        while self._feeding is not None:  # what was queued before these leaves before them
            await asyncio.wait([self._feeding])
            self.flush()
        for frame in frames:
            if self._ended or self._transport.is_closing():
                return
            if self._transport.get_write_buffer_size() > FULL:
                await self._send_patiently(frame)
            else:
                self._transport.write(text_frame(frame))

    def end(self) -> None:
        """Queue nothing more, and forget what waits."""
        self._ended = True
        self._frames.clear()
        self._bytes = 0

    async def close(self) -> None:
        """End, and wait for the task that feeds."""
        self.end()
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)

    async def _feed(self) -> None:
        try:
            while self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
                await self._socket.send_frame(frame, WSMsgType.TEXT)  # waits until the transport has room
        except ClientConnectionResetError:
            self.end()
        finally:
            self._feeding = None

    async def _send_patiently(self, frame: bytes) -> None:
        left = self._transport.get_write_buffer_size() + len(frame)  # if nothing is taken
        sending = self._loop.create_task(self._socket.send_frame(frame, WSMsgType.TEXT))
        try:
            while not (await asyncio.wait([sending], timeout=PATIENCE))[0]:
                if self._transport.get_write_buffer_size() >= left:
                    raise Closed(CloseCode.SLOW_CONSUMER, "no byte of the replay taken for 30 s")
                left = self._transport.get_write_buffer_size()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def text_frame(payload: bytes) -> bytes:
    """A whole text frame from server to client (RFC 6455, 5.2): FIN, no mask, shortest length."""
    length = len(payload)
    if length < 126:
        return b"\x81%c%b" % (length, payload)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), payload)
