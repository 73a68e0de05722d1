"""Messages, direct and under a workout: send, look at one, take back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import asyncpg
from coachwire_protocol.conversations import ReadMessage
from coachwire_protocol.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.memberships import SenderRole
from coachwire_protocol.messages import (
    Deleted,
    DeleteMessage,
    Message,
    MessageDeleted,
    SendMessage,
    Sent,
    payload_hash,
)
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import UNSET

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Again, Call, Delivery, Outcome, Result, Scope, batched, operation
from coachwire.operations.access import require_membership
from coachwire.shown import MessageRow, membership, optional_id, show

BATCH = 128  # rows a statement: 512 would save a quarter of the work and hold the streams three times as long
HELD_RETRY = 200  # ms; a row that the platform holds is usually free again by then
MISSING_STREAM = "CW001"


class Resolved(NamedTuple):
    code: str
    sender_membership_id: UUID | None
    sender_as: SenderRole | None
    sender_name: str | None
    recipient_membership_id: UUID | None
    recipient_id: UUID | None
    first_created_at: datetime | None
    retry_after_ms: int


class Stored(NamedTuple):
    at: datetime
    codes: list[str]
    sender_positions: list[int | None]
    recipient_positions: list[int | None]


class Taken(NamedTuple):
    """What a deletion came to."""

    code: str
    at: datetime | None
    sender_membership_id: UUID | None
    workout_assignment_id: UUID | None
    users: list[UUID] | None
    positions: list[int] | None
    belong: list[bool] | None  # whose user has left the organization is told nothing of it


class Kept(NamedTuple):
    """Whether a thread is a draft to whom was asked about."""

    kept: bool


RESOLVE = Query("messages/resolve", Resolved)
SEND = Query("messages/send", Stored)
DELETE = Query("messages/delete", Taken)
ONE = Query("messages/one", MessageRow)
CREATE_STREAMS = Query("streams/create", tuple)
SEE = Query("threads/see", Kept)


@batched(SendMessage, most=BATCH, distinct=attrgetter("id"))
async def send_messages(scope: Scope, calls: Sequence[Call[SendMessage]]) -> list[Result]:
    """Store what may be stored, once, in order of arrival. Refused rows end at resolve, without a lock."""
    hashes = [
        payload_hash(r.organization_id, r.to, r.content, r.attachment_ids) for r in (c.request for c in calls)
    ]
    resolved = await _resolve(scope, calls, hashes)
    results: list[Result] = [_answer(call.request, row) for call, row in zip(calls, resolved, strict=True)]
    new = [i for i, row in enumerate(resolved) if row.code == "new" and isinstance(results[i], Again)]
    if new:
        sendings = [_Sending(calls[i], resolved[i], hashes[i]) for i in new]
        for i, result in zip(new, await _store(scope, sendings), strict=True):
            results[i] = result
    return results


@operation(ReadMessage)
async def read_message(scope: Scope, actor: Actor, request: ReadMessage) -> Outcome:
    """One message: a party's, or of a thread for staff; a deleted one as its tombstone."""
    await require_membership(scope.tx, actor, request.organization_id)
    row = await ONE.first(scope.tx, request.id, request.organization_id, actor.user_id)
    if row is None:
        raise NotFound
    return Outcome(data=show(row, scope.links))


@operation(DeleteMessage, durable=True)
async def delete_message(scope: Scope, actor: Actor, request: DeleteMessage) -> Outcome:
    """The sender takes it back. Again: the first time is answered and no event made."""
    taken = await DELETE.one(scope.tx, request.id, request.organization_id, actor.user_id)
    match taken.code:
        case "forbidden":
            raise Forbidden
        case "not_found":
            raise NotFound
        case "unavailable":
            raise Unavailable(retry_after_ms=HELD_RETRY)
    assert taken.at is not None  # noqa: S101 - both other codes carry it
    deleted_at = wire_time(taken.at)
    data = MessageDeleted(
        id=request.id,
        sender_membership_id=membership(taken.sender_membership_id),
        workout_assignment_id=optional_id(taken.workout_assignment_id),
        deleted_at=deleted_at,
    )
    event = Event(EventKind.MESSAGE_DELETED, request.organization_id, encode(data))
    users = [str(user) for user in taken.users or ()]
    positions = taken.positions or ()
    return Outcome(
        data=Deleted(id=request.id, deleted_at=deleted_at),
        deliveries=tuple(
            Delivery(user, at, event if belongs else None)
            for user, at, belongs in zip(users, positions, taken.belong or (), strict=True)
        ),
        position=dict(zip(users, positions, strict=True)).get(actor.user_id),
    )


class _Sending(NamedTuple):
    """A call that resolve let pass."""

    call: Call[SendMessage]
    resolved: Resolved
    hash: bytes

    @property
    def sender_id(self) -> str:
        return self.call.actor.user_id

    @property
    def recipient_id(self) -> str:
        return str(self.resolved.recipient_id)


async def _resolve(scope: Scope, calls: Sequence[Call[SendMessage]], hashes: list[bytes]) -> list[Resolved]:
    requests = [call.request for call in calls]
    return await RESOLVE.rows(
        scope.tx,
        [request.id for request in requests],
        [request.organization_id for request in requests],
        [call.actor.user_id for call in calls],
        [request.to.membership_id for request in requests],
        [request.to.workout_assignment_id for request in requests],
        hashes,
        *scope.rate,
    )


def _answer(request: SendMessage, row: Resolved) -> Result:
    """What resolve decided. `Again` for what is to be stored: that is also the answer if it then is not."""
    match row.code:
        case "duplicate":
            assert row.first_created_at is not None  # noqa: S101 - it comes from the ledger
            return Outcome(
                data=Sent(
                    id=request.id,
                    recipient_membership_id=membership(row.recipient_membership_id),
                    created_at=wire_time(row.first_created_at),
                    duplicate=True,
                )
            )
        case "new" if request.attachment_ids:
            return NotFound(details=[FieldError("attachmentIds", "There is no such upload.")])
        case "new":
            return Again()
        case "rate_limited":
            return RateLimited(retry_after_ms=row.retry_after_ms)
        case "bad_request":
            return BadRequest(
                details=[FieldError("to.membershipId", "Expected somebody else than yourself.")]
            )
        case code:
            return REFUSALS[code]()


REFUSALS: dict[str, type[ProtocolError]] = {
    error.code: error for error in (Forbidden, NotFound, Conflict, Gone)
}


async def _store(scope: Scope, sendings: Sequence[_Sending]) -> list[Result]:
    users = sorted({user for sending in sendings for user in (sending.sender_id, sending.recipient_id)})
    index = {user: i for i, user in enumerate(users, 1)}
    requests = [sending.call.request for sending in sendings]
    assignments = {r.to.workout_assignment_id for r in requests if r.to.workout_assignment_id is not None}
    arguments = (
        [request.id for request in requests],
        [request.organization_id for request in requests],
        [sending.sender_id for sending in sendings],
        [sending.resolved.sender_as for sending in sendings],
        [sending.resolved.recipient_id for sending in sendings],
        [request.to.workout_assignment_id for request in requests],
        [request.content for request in requests],
        [sending.hash for sending in sendings],
        [index[sending.sender_id] for sending in sendings],
        [index[sending.recipient_id] for sending in sendings],
        users,
        sorted({request.organization_id for request in requests}),
        sorted(assignments),
        *scope.rate,
    )
    stored = await _send(scope.tx, users, arguments)
    times = [stored.at + timedelta(microseconds=ordinal) for ordinal in range(1, len(sendings) + 1)]
    kept = await _post(scope.tx, sendings, stored.codes, times)
    return [
        _stored(sending, code, created_at, sender_position, recipient_position, told=ordinal not in kept)
        for ordinal, (sending, code, created_at, sender_position, recipient_position) in enumerate(
            zip(
                sendings,
                stored.codes,
                times,
                stored.sender_positions,
                stored.recipient_positions,
                strict=True,
            )
        )
    ]


async def _post(
    tx: Tx, sendings: Sequence[_Sending], codes: Sequence[str], times: Sequence[datetime]
) -> set[int]:
    """Committed: who posts in a thread has seen it so far. Returns which of these their recipient is not to hear of: a
    draft's member knows nothing of it. Asked only now, the answer is right: a publication that it does not see yet
    is told after the message, and whoever hears of it loads what was said before."""
    posts = [
        (place, sending.call.request, sending)
        for place, (sending, code) in enumerate(zip(sendings, codes, strict=True))
        if code == "stored" and sending.call.request.to.workout_assignment_id is not None
    ]
    if not posts:
        return set()
    rows = await SEE.rows(
        tx,
        [sending.sender_id for _, _, sending in posts],
        [request.to.workout_assignment_id for _, request, _ in posts],
        [times[place] for place, _, _ in posts],
        [request.id for _, request, _ in posts],
        [sending.recipient_id for _, _, sending in posts],
    )
    return {place for (place, _, _), row in zip(posts, rows, strict=True) if row.kept}


async def _send(tx: Tx, users: list[str], arguments: tuple[object, ...]) -> Stored:
    try:
        return await SEND.one(tx, *arguments)
    except asyncpg.PostgresError as error:
        if error.sqlstate != MISSING_STREAM:
            raise
    await CREATE_STREAMS.run(tx, users)  # people the platform added since
    return await SEND.one(tx, *arguments)


def _stored(
    sending: _Sending,
    code: str,
    created_at: datetime,
    sender_position: int | None,
    recipient_position: int | None,
    *,
    told: bool,
) -> Result:
    """`told`: whether the recipient is."""
    if code == "unavailable":
        return Unavailable(retry_after_ms=HELD_RETRY)
    if sender_position is None or recipient_position is None:
        return Again()  # refused at the last moment: resolve says why
    request, resolved = sending.call.request, sending.resolved
    if code == "known":  # another connection took the id in this moment: resolve knows it now
        return Again(
            deliveries=(
                Delivery(sending.sender_id, sender_position, None),
                Delivery(sending.recipient_id, recipient_position, None),
            )
        )
    at = wire_time(created_at)
    recipient_membership_id = membership(resolved.recipient_membership_id)
    data = encode(
        Message(
            id=request.id,
            organization_id=request.organization_id,
            sender_membership_id=membership(resolved.sender_membership_id),
            sender_name=resolved.sender_name or "",
            sender_role=resolved.sender_as or "member",
            recipient_membership_id=recipient_membership_id,
            workout_assignment_id=request.to.workout_assignment_id,
            content=request.content,
            attachments=(),
            created_at=at,
            read_at=None,
            edited_at=None,
            deleted_at=None,
            erased=False,
            delivered=UNSET,
        )
    )
    kind, organization_id = EventKind.MESSAGE_CREATED, request.organization_id
    own = data[:-1] + b',"delivered":false}'  # for the sender's eyes only
    return Outcome(
        data=Sent(id=request.id, recipient_membership_id=recipient_membership_id, created_at=at),
        deliveries=(
            Delivery(
                sending.recipient_id, recipient_position, Event(kind, organization_id, data) if told else None
            ),
            Delivery(sending.sender_id, sender_position, Event(kind, organization_id, own)),
        ),
        position=sender_position,
    )
