"""What an operation is: read this file first, then `runner`, where both doors end.

An operation is a function of what it may use (`Scope`) and of who asks for what. It returns what is to be answered
and delivered (`Outcome`) or raises a `ProtocolError`; it never sends. A batched operation takes all calls that gathered
while its former statement was in flight, and returns a result for each."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from coachwire_protocol.errors import ProtocolError
from coachwire_protocol.frames import Event
from msgspec import Struct

from coachwire.blobs import Blobs
from coachwire.blobs.links import Links
from coachwire.database import Tx
from coachwire.hub.inboxes import Member
from coachwire.settings import RateLimit

R = TypeVar("R")

NO_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user whose token was verified. Rights are not kept here, they are read from the tables each time."""

    user_id: str
    issued_at: datetime | None = None  # of the token; what concerns a device that signed out asks for it


@dataclass(frozen=True, slots=True)
class Scope:
    """What an operation may use: a connection in autocommit, and the rules of this installation."""

    tx: Tx
    rate_limit: RateLimit | None
    edit_window: timedelta
    blobs: Blobs  # to sign links; an operation never waits for the store
    notifies: bool = False  # whether anybody is told of what is missed: then it is written down
    push_key: str | None = None  # for browsers that subscribe to Web Push; None: there is none

    @property
    def rate(self) -> tuple[int, timedelta]:
        """How many new messages and comments a user may write in which window."""
        limit = self.rate_limit
        if limit is None:
            return NO_LIMIT, timedelta(minutes=1)
        return limit.messages, timedelta(seconds=limit.seconds)

    @property
    def links(self) -> Links:
        """To the files of what is shown."""
        return Links(self.blobs)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event at its position in a user's stream. Without an event the position is vouched for as skipped."""

    user_id: str
    position: int
    event: Event | None


@dataclass(frozen=True, slots=True)
class TopicDelivery:
    """An event at its position in a topic's stream; the event names the topic."""

    position: int
    event: Event


@dataclass(frozen=True, slots=True)
class Signal:
    """A frame without a position for one user: may be lost."""

    user_id: str
    frame: bytes
    background: bool = False  # also to clients in the background


@dataclass(frozen=True, slots=True)
class TopicSignal:
    """A frame without a position for all who have a topic open, but for these users: may be lost."""

    topic: str
    frame: bytes
    not_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a request came to. All of it is committed."""

    data: Struct | None = None
    deliveries: tuple[Delivery, ...] = ()
    topics: tuple[TopicDelivery, ...] = ()
    revoked_topics: tuple[
        str, ...
    ] = ()  # who may see them may have changed: those who have them open are looked at
    signals: tuple[Signal, ...] = ()
    topic_signals: tuple[TopicSignal, ...] = ()
    position: int | None = None  # of the caller's own event, when this request made exactly one


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The call comes round once more: it lost a race, or is done in part (then `carry` is what the next pass needs)."""

    deliveries: tuple[Delivery, ...] = ()
    topics: tuple[TopicDelivery, ...] = ()
    carry: object = None


Result: TypeAlias = Outcome | Again | ProtocolError


@dataclass(slots=True, eq=False)
class Call(Generic[R]):
    """A request on its way to its answer."""

    actor: Actor
    request: R
    answer: "Answer"
    arrived: float  # by the loop's clock
    passes: int = 0
    carry: Any = None


class Answer(Protocol):
    """How a door takes what its call came to. Neither method may raise."""

    @property
    def member(self) -> Member | None:
        """The connection that asked, if its `ok` may stand for the caller's own event."""

    @property
    def arrived(self) -> float:
        """By the loop's clock: when the door took the call. What it waited for its turn counts, so that every answer
        leaves in time."""

    def ok(self, outcome: Outcome, position: int) -> bytes:
        """The `ok` that stands for the event at this position."""

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        """Called once, after all deliveries. `carried`: the `ok` has left already, for the event."""


Run: TypeAlias = Callable[[Scope, Actor, R], Awaitable[Outcome]]
RunBatch: TypeAlias = Callable[[Scope, Sequence[Call[R]]], Awaitable[Sequence[Result]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[R]):
    """A line in the table of operations. `durable`: takes effect in the order of arrival on its connection."""

    name: str
    durable: bool = False
    run: Run[R] | None = None
    run_batch: RunBatch[R] | None = None
    most: int = 1  # rows a statement
    distinct: Callable[[R], Hashable] | None = None  # calls of one batch differ in this
    after: Callable[[R], Hashable] | None = None  # which other call it needs: that one's batch goes first


OPERATIONS: dict[type, Operation[Any]] = {}


def operation(request: type[R], *, durable: bool = False) -> Callable[[Run[R]], Run[R]]:
    """Enter a function into the table as what answers this type of request."""

    def enter(run: Run[R]) -> Run[R]:
        OPERATIONS[request] = Operation(name=run.__name__, durable=durable, run=run)
        return run

    return enter


def batched(
    *requests: type[R],
    most: int,
    distinct: Callable[[R], Hashable] | None = None,
    after: Callable[[R], Hashable] | None = None,
) -> Callable[[RunBatch[R]], RunBatch[R]]:
    """Enter a durable function that takes up to `most` calls of these types at once, in order of arrival."""

    def enter(run: RunBatch[R]) -> RunBatch[R]:
        one = Operation(
            name=run.__name__, durable=True, run_batch=run, most=most, distinct=distinct, after=after
        )
        OPERATIONS.update(dict.fromkeys(requests, one))
        return run

    return enter
