"""Takes what a client says after its hello: in order, and no faster than the limits allow."""

import asyncio
import math
from typing import Any

from aiohttp import WSMsgType
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import RateLimited, Unauthenticated, Unavailable
from coachwire_protocol.frames import Refused, encode, parse
from coachwire_protocol.schema import Request
from coachwire_protocol.session import (
    Ack,
    Hello,
    Ping,
    Pong,
    Refreshed,
    RefreshToken,
    SetState,
    Typing,
    WatchPresence,
)
from coachwire_protocol.times import wire_time
from coachwire_protocol.topics import CloseTopic, OpenTopic

from coachwire.identity.auth import Authenticator
from coachwire.socket.acks import Acks
from coachwire.socket.closing import broken
from coachwire.socket.connection import WRITES, Connection
from coachwire.socket.outgoing import Socket
from coachwire.socket.presence import PresenceDoor
from coachwire.socket.topics import TopicDoor

PAUSE = 0.1  # s without reading after a request beyond the limit


class Intake:
    """Gives each request to whoever answers it: most go to an operation."""

    def __init__(
        self, authenticator: Authenticator, acks: Acks, presence: PresenceDoor, topics: TopicDoor
    ) -> None:
        self._authenticator = authenticator
        self._acks = acks
        self._presence = presence
        self._topics = topics
        self._loop = asyncio.get_running_loop()

    async def read(self, ws: Socket, connection: Connection) -> None:
        """Until the socket is closed, by whichever side. Raises `Closed`."""
        while True:
            message = await ws.receive()
            connection.heard = self._loop.time()
            connection.pinged = False
            match message.type:
                case WSMsgType.TEXT:
                    await self._take_all(connection, parse(message.data))
                case WSMsgType.BINARY:
                    raise Closed(CloseCode.BAD_FRAME, "a binary frame")
                case WSMsgType.PING:
                    await self._count_control(connection)
                    connection.pong(message.data)
                case WSMsgType.PONG:
                    await self._count_control(connection)
                case WSMsgType.ERROR:
                    raise broken(message.data)
                case _:  # closed, by whichever side
                    return

    async def _count_control(self, connection: Connection) -> None:
        """Beyond the limit nothing is read until the window has closed: a flood waits where it comes from."""
        if wait := connection.pace.controls.over(connection.heard):
            self._excess(connection)
            await asyncio.sleep(wait)

    async def _take_all(self, connection: Connection, requests: list[Request | Refused]) -> None:
        if not requests:
            await self._count_control(connection)
        excess = False
        for request in requests:
            pace, now = connection.pace, connection.heard
            wait = pace.refused_sends.spent(now) if isinstance(request, WRITES) else pace.requests.over(now)
            if wait:
                excess = True
                connection.refuse(_ref(request), RateLimited(retry_after_ms=math.ceil(wait * 1000)))
            elif isinstance(request, RefreshToken):  # nothing is read while keys are fetched for it
                await self._refresh(connection, request)
            else:
                self._take(connection, request)
            await connection.room()
        if excess:
            self._excess(connection)
            await asyncio.sleep(PAUSE)

    def _excess(self, connection: Connection) -> None:
        if connection.pace.excess.sustained(connection.heard):
            raise Closed(CloseCode.EXCESS)

    def _take(self, connection: Connection, request: Request | Refused) -> None:
        match request:
            case Refused(ref, error):
                connection.refuse(ref, error)
            case Ping(ref=ref):
                connection.send(encode(Pong(ref=ref)))
            case Ack(ref=ref, position=position):
                self._acks.note(
                    connection.user_id, connection.device, position, foreground=connection.foreground
                )
                connection.answer(ref)
            case SetState(ref=ref, state=state):
                self._presence.set_foreground(connection, state == "foreground")
                if connection.foreground:
                    self._acks.opened(connection.user_id, connection.device)
                connection.answer(ref)
            case Typing(ref=ref) if not connection.pace.typing.admits(request.to, connection.heard):
                connection.answer(ref)
            case WatchPresence():
                self._presence.watch(connection, request)
            case OpenTopic():
                self._topics.open(connection, request)
            case CloseTopic():
                self._topics.close(connection, request)
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


def _ref(request: Request | Refused) -> Any:
    return None if isinstance(request, Hello) else request.ref
