"""What is said on an exercise: one comment after the other, each stored once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.comments import (
    MAX_DEPTH,
    Comment,
    CommentCreated,
    CreateComment,
    PostComment,
    payload_hash,
)
from coachwire_protocol.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time

from coachwire.database import Query
from coachwire.operation import (
    Again,
    Call,
    Delivery,
    Outcome,
    Result,
    Scope,
    TopicDelivery,
    batched,
)
from coachwire.operations.writing import BATCH, HELD_RETRY, write
from coachwire.shown import membership
from coachwire.topics import exercise_topic


class Resolved(NamedTuple):
    code: str
    author_membership_id: UUID | None
    author_name: str | None
    workout_id: UUID | None
    parent_author_id: UUID | None
    assigner_id: UUID | None
    first_created_at: datetime | None
    retry_after_ms: int


class Stored(NamedTuple):
    at: datetime
    codes: list[str]
    topic_positions: list[int | None]
    parent_author_positions: list[int | None]
    assigner_positions: list[int | None]


RESOLVE = Query("comments/resolve", Resolved)
CREATE = Query("comments/create", Stored)

REFUSALS: dict[str, type[ProtocolError]] = {
    error.code: error for error in (Forbidden, NotFound, Conflict, Gone)
}


@batched(
    CreateComment,
    PostComment,
    most=BATCH,
    distinct=attrgetter("id"),
    after=attrgetter("parent_comment_id"),
)
async def create_comments(scope: Scope, calls: Sequence[Call[CreateComment]]) -> list[Result]:
    """Store what may be stored, once, in order of arrival. Refused rows end at resolve, without a lock."""
    hashes = [_hash(call.request) for call in calls]
    resolved = await _resolve(scope, calls, hashes)
    results = [_answer(call.request, row) for call, row in zip(calls, resolved, strict=True)]
    new = [place for place, row in enumerate(resolved) if row.code == "new"]
    if new:
        writings = [_Writing(calls[place], resolved[place], hashes[place]) for place in new]
        for place, result in zip(new, await _store(scope, writings), strict=True):
            results[place] = result
    return results


class _Writing(NamedTuple):
    """A call that resolve let pass."""

    call: Call[CreateComment]
    resolved: Resolved
    hash: bytes


def _hash(request: CreateComment) -> bytes:
    return payload_hash(
        request.organization_id, request.workout_movement_id, request.parent_comment_id, request.body
    )


async def _resolve(
    scope: Scope, calls: Sequence[Call[CreateComment]], hashes: Sequence[bytes]
) -> list[Resolved]:
    requests = [call.request for call in calls]
    return await RESOLVE.rows(
        scope.tx,
        [request.id for request in requests],
        [request.organization_id for request in requests],
        [call.actor.user_id for call in calls],
        [request.workout_id if isinstance(request, PostComment) else None for request in requests],
        [request.workout_movement_id for request in requests],
        [request.parent_comment_id for request in requests],
        hashes,
        *scope.rate,
    )


def _answer(request: CreateComment, row: Resolved) -> Result:
    """What resolve decided. `Again` for what is to be stored: that is also the answer if it then is not."""
    match row.code:
        case "duplicate":
            assert row.first_created_at is not None  # noqa: S101 - it comes from the ledger
            created_at = wire_time(row.first_created_at)
            return Outcome(data=CommentCreated(id=request.id, created_at=created_at, duplicate=True))
        case "new":
            return Again()
        case "rate_limited":
            return RateLimited(retry_after_ms=row.retry_after_ms)
        case "bad_request":
            return BadRequest.at(
                "parentCommentId", f"Expected a comment at most {MAX_DEPTH - 1} levels below the root."
            )
        case code:
            return REFUSALS[code]()


async def _store(scope: Scope, writings: Sequence[_Writing]) -> list[Result]:
    told = [
        (writing.call.actor.user_id, writing.resolved.parent_author_id, writing.resolved.assigner_id)
        for writing in writings
    ]
    users = sorted({str(user) for people in told for user in people if user is not None})
    index: dict[str | None, int] = {user: place for place, user in enumerate(users, 1)}
    requests = [writing.call.request for writing in writings]
    stored = await write(
        scope.tx,
        CREATE,
        users,
        [request.id for request in requests],
        [request.organization_id for request in requests],
        [author for author, _, _ in told],
        [writing.resolved.workout_id for writing in writings],
        [request.workout_movement_id for request in requests],
        [request.parent_comment_id for request in requests],
        [request.body for request in requests],
        [writing.hash for writing in writings],
        *(
            [index.get(None if user is None else str(user)) for user in column]
            for column in zip(*told, strict=True)
        ),
        users,
        scope.notifies,
        *scope.rate,
    )
    return [
        _stored(
            writing,
            code,
            stored.at + timedelta(microseconds=ordinal),
            topic_position,
            ((writing.resolved.parent_author_id, parent_author), (writing.resolved.assigner_id, assigner)),
        )
        for ordinal, (writing, code, topic_position, parent_author, assigner) in enumerate(
            zip(
                writings,
                stored.codes,
                stored.topic_positions,
                stored.parent_author_positions,
                stored.assigner_positions,
                strict=True,
            ),
            1,
        )
    ]


def _stored(
    writing: _Writing,
    code: str,
    created_at: datetime,
    topic_position: int | None,
    mentioned: Sequence[tuple[UUID | None, int | None]],
) -> Result:
    """`mentioned`: people, and the positions in their streams if they are told."""
    if code == "unavailable":
        return Unavailable(retry_after_ms=HELD_RETRY)
    if topic_position is None:
        return Again()  # refused at the last moment, or the id was taken: resolve says why
    request, at = writing.call.request, wire_time(created_at)
    data = encode(
        Comment(
            id=request.id,
            organization_id=request.organization_id,
            workout_movement_id=request.workout_movement_id,
            author_membership_id=membership(writing.resolved.author_membership_id),
            author_name=writing.resolved.author_name or "",
            body=request.body,
            parent_comment_id=request.parent_comment_id,
            created_at=at,
            updated_at=at,
            deleted_at=None,
            erased=False,
        )
    )
    organization_id, topic = request.organization_id, exercise_topic(request.workout_movement_id)
    mention = Event(EventKind.COMMENT_MENTIONED, organization_id, data)
    return Outcome(
        data=CommentCreated(id=request.id, created_at=at),
        deliveries=tuple(
            Delivery(str(user), position, mention) for user, position in mentioned if position is not None
        ),
        topics=(
            TopicDelivery(topic_position, Event(EventKind.COMMENT_CREATED, organization_id, data, topic)),
        ),
    )
