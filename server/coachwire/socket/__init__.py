"""The WebSocket door: the upgrade, the hello, and the end.

What a client says goes through `Intake`, what it is told comes from the hub and leaves by `Outgoing`."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, cast

import structlog
from aiohttp import web
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.session import Hello

from coachwire.bus import Bus
from coachwire.hub import Hub
from coachwire.identity.auth import Authenticator, Identity
from coachwire.measures import REFUSED_UPGRADES
from coachwire.readiness import Readiness
from coachwire.request_log import REQUEST_ID
from coachwire.runner import Runner
from coachwire.socket.arrival import Arrivals
from coachwire.socket.closing import closing_edge, tell_closed
from coachwire.socket.connection import Connection
from coachwire.socket.hello import hear_hello, identify
from coachwire.socket.intake import Intake
from coachwire.socket.outgoing import Outgoing, Socket
from coachwire.socket.presence import PresenceDoor
from coachwire.socket.topics import TopicDoor
from coachwire.socket.upgrade import ABORT, check_origin, check_protocol, new_socket, tune
from coachwire.topics import user_channel

log = structlog.get_logger()

COME_BACK = (1, 5)  # s after which who was refused may try again: not all at once


class SocketDoor:
    """All sockets of this instance, from the upgrade to the end."""

    def __init__(
        self,
        *,
        origins: frozenset[str],
        readiness: Readiness,
        authenticator: Authenticator,
        arrivals: Arrivals,
        hub: Hub,
        bus: Bus,
        runner: Runner,
        intake: Intake,
        presence: PresenceDoor,
        topics: TopicDoor,
    ) -> None:
        self.connections: set[Connection] = set()
        self._origins = origins
        self._readiness = readiness
        self._authenticator = authenticator
        self._arrivals = arrivals
        self._hub = hub
        self._bus = bus
        self._runner = runner
        self._intake = intake
        self._presence = presence
        self._topics = topics
        self._loop = asyncio.get_running_loop()
        self._serving: set[asyncio.Task[Any]] = set()
        self._silent: set[asyncio.Task[Any]] = set()  # those of them that still wait for a hello

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it ends."""
        if self._readiness.refuses:
            REFUSED_UPGRADES.inc()
            later = random.randint(*COME_BACK)  # noqa: S311 - spreads load, hides nothing
            return web.Response(status=503, headers={"Retry-After": str(later)})
        check_origin(request, self._origins)
        check_protocol(request)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler runs in one
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(self._silent.discard)
        ws = new_socket()
        await ws.prepare(request)
        transport = cast("asyncio.Transport", request.transport)
        tune(transport)
        request_id = request[REQUEST_ID]
        self._silent.add(task)
        try:
            with closing_edge(request_id=request_id):
                hello = await hear_hello(ws)
                self._silent.discard(task)
                identity = await identify(self._authenticator, hello.token)
                if self._readiness.draining:  # those who are to be closed were counted meanwhile, perhaps
                    raise Closed(CloseCode.DRAINING)
        except Closed as closed:
            tell_closed(closed.code, closed.detail, request_id=request_id)
            await self._close(ws, transport, closed.code)
        else:
            await self._serve(ws, transport, identity, hello, request_id)
        return ws

    async def drain(self, window: float) -> None:
        """Close all sockets, spread over the window (s), and wait until they are gone."""
        for task in self._silent:
            task.cancel()  # nobody yet, who need not be told
        connections = list(self.connections)
        for place, connection in enumerate(connections):
            self._loop.call_later(window * place / len(connections), connection.close, CloseCode.DRAINING)
        while serving := set(self._serving):
            await asyncio.wait(serving)

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(
        self, ws: Socket, transport: asyncio.Transport, identity: Identity, hello: Hello, request_id: str
    ) -> None:
        outgoing = Outgoing(ws, transport)
        reader = Reader()
        detail = ""
        connection = Connection(
            identity, hello.device, outgoing, self._runner, lambda _: reader.let_go(), self._loop.time()
        )
        outgoing.too_slow = lambda: connection.close(CloseCode.SLOW_CONSUMER)
        channel = user_channel(connection.user_id)
        self._hub.register(connection.user_id, connection)
        self.connections.add(connection)
        try:
            with closing_edge(request_id=request_id):
                await self._arrive(connection, channel, outgoing, hello)
                log.info(
                    "socket_opened",
                    request_id=request_id,
                    user_id=connection.user_id,
                    organization_ids=connection.organization_ids,
                    session=connection.session,
                )
                if connection.closing is None:
                    await reader.run(self._intake.read(ws, connection))
        except Closed as closed:
            detail = closed.detail
            connection.close(closed.code)
        finally:
            self.connections.discard(connection)
            self._presence.leave(connection)
            self._topics.leave(connection)
            if self._hub.unregister(connection.user_id, connection):
                self._bus.unsubscribe(channel)
            outgoing.flush()
            await outgoing.close()
            tell_closed(
                connection.closing,
                detail,
                request_id=request_id,
                user_id=connection.user_id,
                session=connection.session,
            )
            if connection.closing is not None:
                await self._close(ws, transport, connection.closing)

    async def _arrive(self, connection: Connection, channel: str, outgoing: Outgoing, hello: Hello) -> None:
        self._readiness.arriving += 1
        try:
            await self._bus.subscribe(channel)
            await self._arrivals.welcome(connection, outgoing, hello)
        finally:
            self._readiness.arriving -= 1

    async def _close(self, ws: Socket, transport: asyncio.Transport, code: CloseCode) -> None:
        """The closing handshake, and an end to it: a close alone leaves the descriptor and buffer of a stalled peer."""
        self._loop.call_later(ABORT, transport.abort)
        try:
            async with asyncio.timeout(ABORT):
                await ws.close(code=code, message=code.reason.encode())
        except TimeoutError:
            transport.abort()


class Reader:
    """What waits for the frames of one socket, until the peer closes it or it is told to let go.

    A close beside a waiting reader would cut the line at once, and what is under way to us would make the peer's system
    forget what we said last: so the reader lets go, and the closing handshake reads on."""

    def __init__(self) -> None:
        self._waiting: asyncio.Timeout | None = None

    async def run(self, reading: Coroutine[Any, Any, None]) -> None:
        """Returns when the reading ended, or was told to."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                await reading
        except TimeoutError:
            pass  # closed from here
        finally:
            self._waiting = None

    def let_go(self) -> None:
        """Harmless when nothing is read."""
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())
