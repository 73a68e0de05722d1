"""One socket after its hello: its place in the user's stream, its requests in flight, its answers."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from coachwire_protocol.close import CloseCode
from coachwire_protocol.comments import CreateComment
from coachwire_protocol.errors import BadRequest, ProtocolError
from coachwire_protocol.frames import error_frame, ok_frame
from coachwire_protocol.ids import Ref
from coachwire_protocol.messages import SendMessage
from coachwire_protocol.session import MAX_IN_FLIGHT
from msgspec import UNSET, Struct, UnsetType

from coachwire.hub.views import View
from coachwire.identity.auth import Identity
from coachwire.limits import Pace
from coachwire.measures import SOCKET_REFUSALS
from coachwire.operation import OPERATIONS, Actor, Answer, Outcome
from coachwire.runner import Runner
from coachwire.socket.outgoing import Outgoing
from coachwire.socket.sequence import Sequence

PING = b"\x89\x00"
WRITES = SendMessage | CreateComment  # those stored have a window of their own


class Connection:
    """A `Member` of the hub. `end` closes the socket; it is called once, with the first reason."""

    def __init__(
        self,
        identity: Identity,
        device: str,
        outgoing: Outgoing,
        runner: Runner,
        end: Callable[[CloseCode], None],
        heard: float,
    ) -> None:
        self.identity = identity
        self.actor = Actor(identity.user_id)
        self.device = device
        self.session = 0
        self.organization_ids: tuple[str, ...] = ()  # of the welcome, for the log
        self.position = 0
        self.foreground = True
        self.heard = heard  # by the loop's clock: when anything last came in
        self.pinged = False
        self.welcomed = False  # before that, no notice goes out
        self.warned = False  # that the token expires
        self.closing: CloseCode | None = None
        self.ended = False  # by whichever side: what would be opened for it now, nobody would close
        self.pace = Pace()
        self.views: dict[str, View] = {}  # topics that are open here, or about to be
        self._outgoing = outgoing
        self._runner = runner
        self._end = end
        self._in_flight = 0
        self._room = asyncio.Event()
        self._room.set()
        self._sequence = Sequence(self._start)

    @property
    def user_id(self) -> str:
        return self.identity.user_id

    @property
    def token_expires_at(self) -> datetime:
        return self.identity.expires_at

    @property
    def waiting(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._outgoing.waiting

    def send(self, frame: bytes) -> None:
        self._outgoing.put(frame)

    def signal(self, frame: bytes) -> None:
        if self.foreground:
            self._outgoing.put(frame)

    async def replay(self, frames: Iterable[bytes]) -> None:
        """Send frames beyond the bounds, as fast as they are taken. Raises `Closed` when none is."""
        await self._outgoing.replay(frames)

    def close(self, code: CloseCode) -> None:
        if self.closing is None:
            self.closing = code
            self._end(code)

    def answer(self, ref: Ref | UnsetType, data: Struct | None = None) -> None:
        """`ok`, to a request that asked for one."""
        if not isinstance(ref, UnsetType):
            self.send(ok_frame(ref, data))

    def refuse(self, ref: Ref | UnsetType | None, error: ProtocolError) -> None:
        self.send(error_frame(ref, error))
        SOCKET_REFUSALS[error.code].inc()

    def request(self, request: Struct, ref: Ref | UnsetType) -> None:
        """Take a request that an operation answers, or refuse a type that nobody answers."""
        chosen = OPERATIONS.get(type(request))
        if chosen is None:
            self.refuse(ref, BadRequest.at("type", "Expected the type of a request."))
            return
        self.begin()
        reply = Reply(self, ref, chosen.durable, self.heard, isinstance(request, WRITES))
        if chosen.durable:
            self._sequence.add(request, reply)
        else:
            self._start(request, reply)

    def begin(self) -> None:
        """A request is in flight, until `settled`."""
        self._in_flight += 1
        if self._in_flight >= MAX_IN_FLIGHT:
            self._room.clear()

    async def room(self) -> None:
        """Wait while as many requests are in flight as may be: so long, nothing is read."""
        await self._room.wait()

    def settled(self, durable: bool) -> None:
        self._in_flight -= 1
        if self._in_flight < MAX_IN_FLIGHT:
            self._room.set()
        if durable:
            self._sequence.settled()

    def ping(self) -> None:
        self.pinged = True
        self._outgoing.control(PING)

    def pong(self, payload: bytes) -> None:
        self._outgoing.control(b"\x8a%c%b" % (len(payload), payload))

    def _start(self, request: Struct, answer: Answer) -> None:
        self._runner.submit(self.actor, request, answer)


@dataclass(slots=True, eq=False)
class Reply:
    """The `Answer` of a request that came by a socket."""

    connection: Connection
    ref: Ref | UnsetType
    durable: bool
    arrived: float
    limited_elsewhere: bool  # a new message or comment: only when it is refused does it count here

    @property
    def member(self) -> Connection | None:
        return None if self.ref is UNSET else self.connection

    def ok(self, outcome: Outcome, position: int) -> bytes:
        assert not isinstance(self.ref, UnsetType)  # noqa: S101 - no member without a ref
        return ok_frame(self.ref, outcome.data, position)

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        if isinstance(result, ProtocolError):
            if self.limited_elsewhere and not result.may_retry:
                self.connection.pace.refused_sends.over(self.connection.heard)
            self.connection.refuse(self.ref, result)
        elif not carried:
            self.connection.answer(self.ref, result.data)
        self.connection.settled(self.durable)
