"""The WebSocket door: upgrade, hello, the loop that reads, and the end.

Requests end in `Runner` (see `Connection.request`); what is sent comes from the hub and leaves by `Outgoing`."""

import asyncio
import socket
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from aiohttp import WSMsgType, web
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import Unauthenticated, Unavailable
from coachwire_protocol.frames import Refused, encode, parse
from coachwire_protocol.schema import Request
from coachwire_protocol.session import (
    MAX_FRAME_BYTES,
    Ack,
    Hello,
    Limits,
    Live,
    Ping,
    Pong,
    Refreshed,
    RefreshToken,
    SetState,
    Welcome,
)
from coachwire_protocol.times import wire_time
from coachwire_protocol.topics import TopicClosed
from msgspec import UNSET

from coachwire.acks import Acks
from coachwire.auth import Authenticator, Identity, NoAccount
from coachwire.bus import Bus
from coachwire.claims import TokenExpired
from coachwire.connection import Connection
from coachwire.database import Database
from coachwire.fanout import Fanout
from coachwire.hub import Hub
from coachwire.operation import Runner
from coachwire.operations.session import Arrival, arrive
from coachwire.outgoing import Outgoing, Socket
from coachwire.settings import Settings
from coachwire.streams import Streams
from coachwire.topics import user_channel

log = structlog.get_logger()

PROTOCOL = "coachwire.v1.json"
HELLO = 10.0  # s from the upgrade
ABORT = 2.0  # s a close may take; a peer that does not read keeps its descriptor and buffer no longer
ALL = 2**62  # through the end of a stream


class SocketDoor:
    """All sockets of this instance. Owns their replays and their closing."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        authenticator: Authenticator,
        streams: Streams,
        hub: Hub,
        bus: Bus,
        fanout: Fanout,
        runner: Runner,
        acks: Acks,
    ) -> None:
        self.connections: set[Connection] = set()
        self._settings = settings
        self._database = database
        self._authenticator = authenticator
        self._streams = streams
        self._hub = hub
        self._bus = bus
        self._fanout = fanout
        self._runner = runner
        self._acks = acks
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        limit = settings.rate_limit
        self._limits = Limits(
            messages_per_minute=round(limit.messages * 60 / limit.seconds) if limit is not None else None
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it ends."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler runs in one
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        _check_origin(request, self._settings.allowed_origins)
        _check_protocol(request)
        ws: Socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            compress=False,
            autoping=False,
            max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp refuses what is as large
            writer_limit=0,  # every send that waits, waits for the transport
            timeout=ABORT,
            decode_text=False,
        )
        await ws.prepare(request)
        transport = cast("asyncio.Transport", request.transport)
        _tune(transport)
        try:
            hello = await _hello(ws)
            identity = await self._identify(hello.token)
        except Closed as closed:
            _log_closed(closed.code, closed.detail)
            await self._close(ws, transport, closed.code)
        else:
            await self._serve(ws, transport, identity, hello)
        return ws

    async def drain(self, window: float) -> None:
        """Close all sockets, spread over the window (s), and wait until they are gone."""
        connections = list(self.connections)
        for place, connection in enumerate(connections):
            self._loop.call_later(window * place / len(connections), connection.close, CloseCode.DRAINING)
        while serving := set(self._serving):
            await asyncio.wait(serving)

    async def close(self) -> None:
        """Cancel what still runs."""
        tasks = self._tasks | self._serving
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(
        self, ws: Socket, transport: asyncio.Transport, identity: Identity, hello: Hello
    ) -> None:
        outgoing = Outgoing(ws, transport)
        reading: asyncio.Timeout | None = None
        detail = ""

        def end(code: CloseCode) -> None:
            # A close beside a waiting reader would cut the line at once, and what is under way to us would make the
            # peer's system forget what we said last: so the reader lets go, and the closing handshake reads on.
            if reading is not None:
                reading.reschedule(self._loop.time())

        connection = Connection(identity, hello.device, outgoing, self._runner, end, self._loop.time())
        outgoing.too_slow = lambda: connection.close(CloseCode.SLOW_CONSUMER)
        channel = user_channel(connection.user_id)
        self._hub.register(connection.user_id, connection)
        self.connections.add(connection)
        try:
            await self._bus.subscribe(channel)
            await self._arrive(connection, outgoing, hello)
            if connection.closing is None:
                try:
                    async with asyncio.timeout(None) as reading:
                        await self._read(ws, connection)
                except TimeoutError:
                    pass  # closed from here
                finally:
                    reading = None
        except Closed as closed:
            detail = closed.detail
            connection.close(closed.code)
        finally:
            self.connections.discard(connection)
            if self._hub.unregister(connection.user_id, connection):
                self._bus.unsubscribe(channel)
            outgoing.flush()
            await outgoing.close()
            if connection.closing is not None:
                _log_closed(connection.closing, detail)
                await self._close(ws, transport, connection.closing)

    async def _arrive(self, connection: Connection, outgoing: Outgoing, hello: Hello) -> None:
        """Answer the hello: welcome, what was missed, live."""
        try:
            async with self._database.connection() as tx:
                arrival = await arrive(
                    tx, connection.user_id, connection.device, connection.identity.issued_at
                )
            if arrival is None:
                raise Closed(CloseCode.ACCOUNT_GONE)
            if arrival.signed_out:
                raise Closed(CloseCode.SIGNED_OUT)
            self._hub.note(connection.user_id, arrival.head)
            connection.session = arrival.session
            connection.foreground = hello.state == "foreground"
            welcome = await self._welcome(connection, hello, arrival)
        except Unavailable:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "the database is away") from None
        if arrival.session > 1:
            self._fanout.replaced(connection.user_id, connection.device, arrival.session)
        connection.send(encode(welcome))
        connection.welcomed = True
        resumed = welcome.resume == "resumed" and hello.resume is not UNSET
        connection.position = hello.resume.position if resumed and hello.resume else arrival.head
        if not resumed:  # live from the welcome's position, whatever has come since
            connection.send(encode(Live(position=connection.position)))
        if self._hub.join(connection.user_id, connection):
            self._live(connection, hello, tell=resumed)
        else:
            self._start(self._replay(connection, outgoing, hello, tell=resumed))

    async def _welcome(self, connection: Connection, hello: Hello, arrival: Arrival) -> Welcome:
        reason = None
        if hello.resume:
            reason = await self._streams.reason_to_reset(
                connection.user_id, hello.resume, arrival.epoch, arrival.head
            )
        resumed = bool(hello.resume) and reason is None
        return Welcome(
            user_id=connection.user_id,
            session=str(arrival.session),
            resume="resumed" if resumed else "reset" if hello.resume else "fresh",
            reason=reason or UNSET,
            epoch=arrival.epoch,
            position=arrival.head,
            events=arrival.head - hello.resume.position if resumed and hello.resume else 0,
            memberships=arrival.memberships,
            unread=arrival.unread,
            token_expires_at=wire_time(connection.token_expires_at),
            server_time=wire_time(datetime.now(UTC)),
            limits=self._limits,
        )

    async def _replay(self, connection: Connection, outgoing: Outgoing, hello: Hello, *, tell: bool) -> None:
        """Page after page until the head is reached; then the connection joins live in the same step."""
        user_id = connection.user_id
        try:
            while connection.closing is None:
                page = (await self._streams.read([(user_id, connection.position, ALL)])).get(user_id)
                if not page or page[0].position != connection.position + 1:
                    connection.close(CloseCode.DRAINING)  # a head without its events: this stream is no more
                    return
                await outgoing.replay(frame.frame for frame in page)
                connection.position = page[-1].through
                if self._hub.join(user_id, connection):
                    self._live(connection, hello, tell=tell)
                    return
        except Unavailable:
            connection.close(CloseCode.TRY_AGAIN_LATER)
        except Closed as closed:
            connection.close(closed.code)

    def _live(self, connection: Connection, hello: Hello, *, tell: bool) -> None:
        if tell:
            connection.send(encode(Live(position=connection.position)))
        for ask in hello.topics:  # topics are not served yet
            connection.send(encode(TopicClosed(topic=ask.topic, reason="forbidden")))

    async def _read(self, ws: Socket, connection: Connection) -> None:
        while True:
            message = await ws.receive()
            connection.heard = self._loop.time()
            connection.pinged = False
            match message.type:
                case WSMsgType.TEXT:
                    for request in parse(message.data):
                        if isinstance(request, RefreshToken):  # nothing is read while keys are fetched for it
                            await self._refresh(connection, request)
                        else:
                            self._take(connection, request)
                        await connection.room()
                case WSMsgType.BINARY:
                    raise Closed(CloseCode.BAD_FRAME, "a binary frame")
                case WSMsgType.PING:
                    connection.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:  # closed, by whichever side
                    return

    def _take(self, connection: Connection, request: Request | Refused) -> None:
        match request:
            case Refused(ref, error):
                connection.refuse(ref, error)
            case Ping(ref=ref):
                connection.send(encode(Pong(ref=ref)))
            case Ack(ref=ref, position=position):
                self._acks.note(connection.user_id, connection.device, position)
                connection.answer(ref)
            case SetState(ref=ref, state=state):
                connection.foreground = state == "foreground"
                connection.answer(ref)
            case Hello():
                raise Closed(CloseCode.BAD_FRAME, "a second hello")
            case _:
                connection.request(request, request.ref)

    async def _refresh(self, connection: Connection, request: RefreshToken) -> None:
        try:
            identity = await self._authenticator.renew(connection.identity, request.token)
        except (Unauthenticated, Unavailable) as error:
            connection.refuse(request.ref, error)
            return
        if identity is None:
            raise Closed(CloseCode.BAD_TOKEN, "a token of somebody else")
        connection.identity = identity
        connection.warned = False
        connection.answer(request.ref, Refreshed(token_expires_at=wire_time(identity.expires_at)))

    async def _identify(self, token: str) -> Identity:
        try:
            return await self._authenticator.identify(token)
        except TokenExpired:
            raise Closed(CloseCode.TOKEN_EXPIRED) from None
        except NoAccount:
            raise Closed(CloseCode.ACCOUNT_GONE) from None
        except Unavailable:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "keys or users are away") from None
        except Unauthenticated:
            raise Closed(CloseCode.BAD_TOKEN) from None

    async def _close(self, ws: Socket, transport: asyncio.Transport, code: CloseCode) -> None:
        """The closing handshake, and an end to it: a close alone leaves the descriptor and buffer of a stalled peer."""
        self._loop.call_later(ABORT, transport.abort)
        try:
            async with asyncio.timeout(ABORT):
                await ws.close(code=code, message=code.reason.encode())
        except TimeoutError:
            transport.abort()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _log_closed(code: CloseCode, detail: str) -> None:
    log.info("socket_closed", code=int(code), detail=detail)


async def _hello(ws: Socket) -> Hello:
    """The first frame. Raises `Closed` when it is something else, or does not come."""
    try:
        async with asyncio.timeout(HELLO):
            while True:
                message = await ws.receive()
                match message.type:
                    case WSMsgType.TEXT:
                        requests = parse(message.data)
                        if len(requests) == 1 and isinstance(requests[0], Hello):
                            return requests[0]
                        raise Closed(CloseCode.BAD_FRAME, "the first frame is no hello")
                    case WSMsgType.PING:
                        await ws.pong(message.data)
                    case WSMsgType.PONG:
                        pass
                    case WSMsgType.BINARY:
                        raise Closed(CloseCode.BAD_FRAME, "a binary frame")
                    case _:
                        raise Closed(CloseCode.GOING_AWAY, "the peer left before its hello")
    except TimeoutError:
        raise Closed(CloseCode.NO_HELLO) from None


def _check_origin(request: web.Request, allowed: frozenset[str]) -> None:
    """Browsers say where a page is from; only our own pages and the allowed ones may connect. Phones say nothing."""
    origin = request.headers.get("Origin")
    if origin is None or origin in allowed:
        return
    parts = urlsplit(origin)
    if (
        parts.scheme not in ("http", "https")
        or parts.netloc != request.host
        or origin != f"{parts.scheme}://{parts.netloc}"
    ):
        raise web.HTTPForbidden(text="This origin may not connect.")


def _check_protocol(request: web.Request) -> None:
    offered = [
        p.strip() for line in request.headers.getall("Sec-WebSocket-Protocol", ()) for p in line.split(",")
    ]
    if offered and PROTOCOL not in offered:
        raise web.HTTPBadRequest(text=f"Expected {PROTOCOL} among the sub-protocols.")


def _tune(transport: asyncio.Transport) -> None:
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
