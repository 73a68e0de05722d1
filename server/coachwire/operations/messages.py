"""Messages, direct and under a workout: send, look at one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from coachwire_protocol.conversations import ReadMessage
from coachwire_protocol.errors import (
    AttachmentNotReady,
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
from coachwire_protocol.messages import SendMessage, Sent, payload_hash
from coachwire_protocol.times import wire_time

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Again, Call, Delivery, Outcome, Result, Scope, batched, operation
from coachwire.operations.access import require_membership
from coachwire.operations.sent import Place, Resolved, Sending, outcome
from coachwire.operations.writing import BATCH, HELD_RETRY, write
from coachwire.shown import MessageRow, membership, show


class Stored(NamedTuple):
    at: datetime
    codes: list[str]
    sender_positions: list[int | None]
    recipient_positions: list[int | None]
    topic_positions: list[int | None] | None  # null: there is no thread in it
    files: list[str | None] | None  # as in `shown.MessageRow`; null: likewise


class Kept(NamedTuple):
    """Whether a thread is a draft to whom was asked about."""

    kept: bool


RESOLVE = Query("messages/resolve", Resolved)
SEND = Query("messages/send", Stored)
ONE = Query("messages/one", MessageRow)
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
        sendings = [Sending(calls[i], resolved[i], hashes[i]) for i in new]
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
        *_uploads(requests),
        *scope.rate,
    )


def _uploads(requests: Sequence[SendMessage]) -> tuple[list[str], list[int]]:
    """The files of all, in order, and the request of each, counted from 1."""
    uploads: list[str] = []
    places: list[int] = []
    for place, request in enumerate(requests, 1):
        if request.attachment_ids:
            uploads += request.attachment_ids
            places += [place] * len(request.attachment_ids)
    return uploads, places


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
        case "new":
            return Again()
        case "rate_limited":
            return RateLimited(retry_after_ms=row.retry_after_ms)
        case "bad_request":
            return BadRequest(
                details=[FieldError("to.membershipId", "Expected somebody else than yourself.")]
            )
        case "upload_not_found":
            return NotFound.at("attachmentIds", "Expected your own uploads of the last 15 minutes.")
        case "upload_conflict":
            return Conflict.at("attachmentIds", "Expected uploads that were not sent before, each once.")
        case "upload_not_ready":
            return AttachmentNotReady.at("attachmentIds", "Expected uploads that are ready.")
        case code:
            return REFUSALS[code]()


REFUSALS: dict[str, type[ProtocolError]] = {
    error.code: error for error in (Forbidden, NotFound, Conflict, Gone)
}


async def _store(scope: Scope, sendings: Sequence[Sending]) -> list[Result]:
    users = sorted({user for sending in sendings for user in (sending.sender_id, sending.recipient_id)})
    index = {user: i for i, user in enumerate(users, 1)}
    requests = [sending.call.request for sending in sendings]
    assignments = {r.to.workout_assignment_id for r in requests if r.to.workout_assignment_id is not None}
    stored = await write(
        scope.tx,
        SEND,
        users,
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
        *_uploads(requests),
        scope.notifies,
        *scope.rate,
    )
    times = [stored.at + timedelta(microseconds=ordinal) for ordinal in range(1, len(sendings) + 1)]
    kept = await _post(scope.tx, sendings, stored.codes, times)
    topic_positions = stored.topic_positions or [None] * len(sendings)
    files = stored.files or [None] * len(sendings)
    return [
        _result(scope, sending, code, created_at, sender, recipient, topic, shown, told=ordinal not in kept)
        for ordinal, (sending, code, created_at, sender, recipient, topic, shown) in enumerate(
            zip(
                sendings,
                stored.codes,
                times,
                stored.sender_positions,
                stored.recipient_positions,
                topic_positions,
                files,
                strict=True,
            )
        )
    ]


async def _post(
    tx: Tx, sendings: Sequence[Sending], codes: Sequence[str], times: Sequence[datetime]
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


def _result(
    scope: Scope,
    sending: Sending,
    code: str,
    created_at: datetime,
    sender_position: int | None,
    recipient_position: int | None,
    topic_position: int | None,
    files: str | None,
    *,
    told: bool,
) -> Result:
    """`told`: whether the recipient is."""
    if code == "unavailable":
        return Unavailable(retry_after_ms=HELD_RETRY)
    if sender_position is None or recipient_position is None:
        return Again()  # refused at the last moment: resolve says why
    if code == "known":  # another connection took the id in this moment: resolve knows it now
        return Again(
            deliveries=(
                Delivery(sending.sender_id, sender_position, None),
                Delivery(sending.recipient_id, recipient_position, None),
            )
        )
    place = Place(created_at, sender_position, recipient_position, topic_position, files)
    return outcome(sending, place, scope.links, told=told)
