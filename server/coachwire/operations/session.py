"""What concerns a connection and its user: who begins, what is unread, who types, what has arrived."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Forbidden, NotFound
from coachwire_protocol.frames import encode, signal_frame
from coachwire_protocol.memberships import MembershipView, Role
from coachwire_protocol.schema import SignalKind
from coachwire_protocol.session import DeliveredSignal, Typing, TypingSignal, Unread, UnreadOrganization

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Outcome, Scope, Signal, TopicSignal, operation
from coachwire.shown import optional_id
from coachwire.topics import thread_topic


class Arrival(NamedTuple):
    """What the welcome tells, in one snapshot."""

    session: int
    epoch: str
    head: int
    membership_ids: list[UUID]
    organization_ids: list[UUID]
    roles: list[Role]
    unread_organization_ids: list[UUID]
    unread_counts: list[int]

    @property
    def signed_out(self) -> bool:
        """The device is, and the token no newer."""
        return self.session == 0

    @property
    def memberships(self) -> tuple[MembershipView, ...]:
        return tuple(
            MembershipView(membership_id=str(id_), organization_id=str(organization), role=role)
            for id_, organization, role in zip(
                self.membership_ids, self.organization_ids, self.roles, strict=True
            )
        )

    @property
    def unread(self) -> Unread:
        return _unread(zip(self.unread_organization_ids, self.unread_counts, strict=True))


class UserRow(NamedTuple):
    id: UUID


class UnreadRow(NamedTuple):
    user_id: UUID
    organization_id: UUID
    unread: int


class DeliveredRow(NamedTuple):
    sender_id: UUID
    organization_id: UUID
    recipient_membership_id: UUID
    workout_assignment_id: UUID | None
    up_to: UUID


class Typist(NamedTuple):
    membership_id: UUID
    known: bool
    recipient_id: UUID | None


HELLO = Query("session/hello", Arrival)
USER = Query("session/user", UserRow)
USER_OF_CLERK = Query("session/user_of_clerk", UserRow)
UNREAD = Query("session/unread", UnreadRow)
TYPING = Query("session/typing", Typist)
TYPING_THREAD = Query("session/typing_thread", Typist)
ACKNOWLEDGE = Query("session/acknowledge", DeliveredRow)


async def arrive(
    tx: Tx, user_id: str, device: str, issued_at: datetime | None, *, foreground: bool
) -> Arrival | None:
    """Take the device's next session and read what the welcome tells. None: no such user, or deleted."""
    return await HELLO.first(tx, user_id, device, issued_at, foreground)


async def is_user(tx: Tx, user_id: str) -> bool:
    """Whether a token's subject may use the server."""
    return await USER.first(tx, user_id) is not None


async def user_of_clerk(tx: Tx, clerk_id: str) -> str | None:
    """The id of whom the issuer calls so. None: unknown, deleted or erased."""
    found = await USER_OF_CLERK.first(tx, clerk_id)
    return None if found is None else str(found.id)


async def unread_of(tx: Tx, user_ids: Sequence[str]) -> dict[str, Unread]:
    """What each of these users has not read, counted now."""
    counts: dict[str, list[tuple[UUID, int]]] = defaultdict(list)
    for row in await UNREAD.rows(tx, user_ids):
        counts[str(row.user_id)].append((row.organization_id, row.unread))
    return {user_id: _unread(counts[user_id]) for user_id in user_ids}


async def acknowledge(tx: Tx, acks: Sequence[tuple[str, str, int, int, bool]], events: int) -> list[Signal]:
    """Move the positions of these (user, device, position, position in the foreground, opened) forward; never back,
    never past the head. Returns what the senders are to be told of the newest `events` that each user passed."""
    return [_delivered(row) for row in await ACKNOWLEDGE.rows(tx, *zip(*acks, strict=True), events)]


@operation(Typing)
async def type_to(scope: Scope, actor: Actor, request: Typing) -> Outcome:
    """Tell the other party, in a thread its member and those who have its topic open. Raises `NotFound` and `Forbidden`
    as a send would."""
    thread = request.to.workout_assignment_id
    query = TYPING if thread is None else TYPING_THREAD
    typist = await query.first(
        scope.tx, actor.user_id, request.organization_id, thread or request.to.membership_id
    )
    if typist is not None and not typist.known:
        raise NotFound
    if typist is None or (typist.recipient_id is None and thread is None):
        raise Forbidden
    data = TypingSignal(
        from_membership_id=str(typist.membership_id), workout_assignment_id=thread, active=request.active
    )
    frame = signal_frame(SignalKind.TYPING, request.organization_id, encode(data))
    recipient = None if typist.recipient_id is None else str(typist.recipient_id)
    signals = () if recipient is None else (Signal(recipient, frame),)
    if thread is None:
        return Outcome(signals=signals)
    not_to = (actor.user_id,) if recipient is None else (actor.user_id, recipient)  # once is enough
    return Outcome(signals=signals, topic_signals=(TopicSignal(thread_topic(thread), frame, not_to),))


def _delivered(row: DeliveredRow) -> Signal:
    data = DeliveredSignal(
        recipient_membership_id=str(row.recipient_membership_id),
        workout_assignment_id=optional_id(row.workout_assignment_id),
        up_to=str(row.up_to),
    )
    frame = signal_frame(SignalKind.DELIVERED, str(row.organization_id), encode(data))
    return Signal(str(row.sender_id), frame, background=True)


def _unread(counts: Iterable[tuple[UUID, int]]) -> Unread:
    organizations = tuple(
        UnreadOrganization(organization_id=str(organization), count=count) for organization, count in counts
    )
    return Unread(total=sum(o.count for o in organizations), organizations=organizations)
