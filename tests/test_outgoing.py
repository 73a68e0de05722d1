"""The queue of one socket, over a real connection: few writes, its bounds, and replays to slow peers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from coachwire.socket import outgoing as outgoing_module
from coachwire.socket.outgoing import BURST, MOST_BYTES, MOST_FRAMES, Outgoing, text_frame
from coachwire_protocol.close import CloseCode, Closed

PING = b"\x89\x00"
SMALL = 16_384  # bytes in the kernel's buffers on either side, so that a peer that does not read is felt soon


class Counted(asyncio.Transport):
    """The socket's transport, which keeps what is written to it at once."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self._transport = transport

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        self._transport.abort()


class Peer:
    """Reads when it is told to, and not before."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._bytes = b""

    async def upgrade(self) -> None:
        await self._loop.sock_sendall(
            self._socket,
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        while b"\r\n\r\n" not in self._bytes:
            await self.take()
        self._bytes = self._bytes.partition(b"\r\n\r\n")[2]

    async def take(self, most: int = 65_536) -> None:
        """Read what is there, waiting for at least a byte."""
        async with asyncio.timeout(10):
            self._bytes += await self._loop.sock_recv(self._socket, most)

    async def frames(self, count: int) -> list[bytes]:
        """The payloads of the next frames."""
        found: list[bytes] = []
        while len(found) < count:
            length, begin = self._payload()
            while len(self._bytes) < begin + length:
                await self.take()
                length, begin = self._payload()
            found.append(self._bytes[begin : begin + length])
            self._bytes = self._bytes[begin + length :]
        return found

    def _payload(self) -> tuple[int, int]:
        """Length and beginning of the next frame's payload; far away while that is not known."""
        if len(self._bytes) < 10 and (len(self._bytes) < 2 or len(self._bytes) < 2 + self._bytes[1]):
            return 1, len(self._bytes)
        match self._bytes[1]:
            case 126:
                return int.from_bytes(self._bytes[2:4], "big"), 4
            case 127:
                return int.from_bytes(self._bytes[2:10], "big"), 10
            case short:
                return short, 2


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Outgoing, Counted, Peer]]:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[tuple[Outgoing, Counted]] = loop.create_future()
    over = asyncio.Event()

    async def serve(request: web.Request) -> web.StreamResponse:
        ws: web.WebSocketResponse[bool] = web.WebSocketResponse(compress=False, writer_limit=0, timeout=0.1)
        await ws.prepare(request)
        transport = cast("asyncio.Transport", request.transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        counted = Counted(transport)
        ready.set_result((Outgoing(ws, counted), counted))
        await over.wait()
        transport.abort()
        return ws

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as server:
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            raw.setblocking(False)
            await loop.sock_connect(raw, (server.host, server.port))
            peer = Peer(raw)
            await peer.upgrade()
            outgoing, counted = await ready
            try:
                yield outgoing, counted, peer
            finally:
                await outgoing.close()
                over.set()


async def clog(outgoing: Outgoing, counted: Counted) -> list[bytes]:
    """Send until the transport holds back more than its mark, so that what comes next has to wait."""
    sent: list[bytes] = []
    while counted.get_write_buffer_size() <= outgoing_module.FULL:
        sent.append(b"%08d" % len(sent) * 1024)
        outgoing.put(sent[-1])
        await tick()
    return sent


async def tick() -> None:
    await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a transport tells nobody what it has written
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_has_the_shortest_head(length: int, head: bytes) -> None:
    assert text_frame(b"x" * length) == head + b"x" * length


async def test_all_frames_of_a_tick_leave_in_one_write() -> None:
    async with connected() as (outgoing, counted, peer):
        for frame in (b"one", b"two", b"three"):
            outgoing.put(frame)
        assert counted.writes == []
        await tick()
        assert counted.writes == [text_frame(b"one") + text_frame(b"two") + text_frame(b"three")]
        outgoing.put(b"four")
        await tick()
        assert len(counted.writes) == 2
        assert await peer.frames(4) == [b"one", b"two", b"three", b"four"]


async def test_a_burst_is_written_without_waiting_for_the_end_of_the_tick() -> None:
    async with connected() as (outgoing, counted, peer):
        frames = [b"%d" % n for n in range(BURST + 1)]
        for frame in frames:
            outgoing.put(frame)
        assert len(counted.writes) == 1
        await tick()
        assert len(counted.writes) == 2
        assert await peer.frames(len(frames)) == frames


async def test_a_control_frame_leaves_at_once_after_what_was_queued_before_it() -> None:
    async with connected() as (outgoing, counted, _):
        outgoing.put(b"before")
        outgoing.control(PING)
        outgoing.put(b"after")
        assert counted.writes == [text_frame(b"before"), PING]
        await tick()
        assert counted.writes[2:] == [text_frame(b"after")]


async def test_frames_for_a_peer_that_does_not_read_wait_and_come_in_order() -> None:
    async with connected() as (outgoing, counted, peer):
        sent = await clog(outgoing, counted)
        more = [b"%08d" % n * 128 for n in range(MOST_FRAMES)]
        for frame in more:
            outgoing.put(frame)
        await tick()
        assert outgoing.waiting > outgoing_module.FULL
        assert await peer.frames(len(sent) + len(more)) == sent + more
        outgoing.put(b"and on")
        assert await peer.frames(1) == [b"and on"]
        assert outgoing.waiting == 0


@pytest.mark.parametrize(
    ("size", "count"), [(1, MOST_FRAMES), (MOST_BYTES // 16, 16)], ids=["frames", "bytes"]
)
async def test_beyond_a_bound_the_consumer_is_too_slow_once_and_nothing_is_queued(
    size: int, count: int
) -> None:
    async with connected() as (outgoing, counted, _):
        calls: list[None] = []
        outgoing.too_slow = lambda: calls.append(None)
        await clog(outgoing, counted)
        outgoing.put(b"the one in hand")
        await until(lambda: outgoing.waiting == counted.get_write_buffer_size())  # it was taken to be written
        for _ in range(count):
            outgoing.put(b"x" * size)
        assert calls == []
        outgoing.put(b"x")
        outgoing.put(b"x")
        assert len(calls) == 1
        assert outgoing.waiting == counted.get_write_buffer_size()


async def test_a_replay_is_no_slow_consumer_however_much_it_is() -> None:
    async with connected() as (outgoing, _, peer):
        outgoing.too_slow = lambda: pytest.fail("a replay does not count")
        outgoing.put(b"welcome")
        frames = [b"%08d" % n * 512 for n in range(1024)]  # 4 MiB
        replay = asyncio.create_task(outgoing.replay(frames))
        assert await peer.frames(1 + len(frames)) == [b"welcome", *frames]
        await replay


async def test_a_replay_begins_after_what_waits() -> None:
    async with connected() as (outgoing, counted, peer):
        sent = await clog(outgoing, counted)
        outgoing.put(b"before")
        await tick()
        replay = asyncio.create_task(outgoing.replay([b"first", b"second"]))
        assert await peer.frames(len(sent) + 3) == [*sent, b"before", b"first", b"second"]
        await replay


async def test_a_replay_of_which_no_byte_is_taken_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_module, "PATIENCE", 0.05)
    async with connected() as (outgoing, _, _):
        with pytest.raises(Closed) as raised:
            await outgoing.replay(b"x" * 4096 for _ in range(1024))
        assert raised.value.code == CloseCode.SLOW_CONSUMER


async def test_a_replay_whose_peer_stops_in_the_middle_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_module, "PATIENCE", 0.1)
    async with connected() as (outgoing, counted, peer):
        replay = asyncio.create_task(outgoing.replay([b"x" * 65_536] * 64))
        await until(lambda: counted.get_write_buffer_size() > outgoing_module.FULL)
        before = counted.get_write_buffer_size()
        while counted.get_write_buffer_size() == before:
            await peer.take(4096)  # something, but not enough for the next frame to leave
        with pytest.raises(Closed):
            await asyncio.wait_for(replay, 5)


async def test_a_replay_goes_on_while_its_peer_takes_a_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outgoing_module, "PATIENCE", 0.3)
    async with connected() as (outgoing, _, peer):
        frames = [b"%08d" % n * 131_072 for n in range(2)]  # 1 MiB: no frame leaves within the patience
        replay = asyncio.create_task(outgoing.replay(frames))
        began = asyncio.get_running_loop().time()
        while not replay.done():
            await peer.take(8192)
            await asyncio.wait([replay], timeout=0.005)
        assert asyncio.get_running_loop().time() - began > 0.6
        await replay
        assert await peer.frames(len(frames)) == frames


async def test_after_the_end_nothing_is_queued_or_written() -> None:
    async with connected() as (outgoing, counted, _):
        outgoing.put(b"forgotten")
        outgoing.end()
        outgoing.put(b"never queued")
        await tick()
        await outgoing.replay([b"never written"])
        assert (counted.writes, outgoing.waiting) == ([], 0)


async def test_a_peer_that_is_gone_ends_what_waits_for_it() -> None:
    async with connected() as (outgoing, counted, _):
        await clog(outgoing, counted)
        outgoing.put(b"waits")
        await tick()
        counted.abort()
        await until(counted.is_closing)
        await outgoing.close()
        outgoing.put(b"too late")
        assert outgoing.waiting == 0
