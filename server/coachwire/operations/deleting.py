"""A message taken back by its sender, or deleted by an owner or admin."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Forbidden, NotFound, Unavailable
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.messages import Deleted, DeleteMessage, MessageDeleted
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time

from coachwire.database import Query
from coachwire.operation import Actor, Delivery, Outcome, Scope, TopicDelivery, operation
from coachwire.operations.writing import HELD_RETRY
from coachwire.shown import membership, optional_id
from coachwire.topics import thread_topic


class Taken(NamedTuple):
    """What a deletion came to."""

    code: str
    at: datetime | None
    sender_membership_id: UUID | None
    workout_assignment_id: UUID | None
    users: list[UUID] | None
    positions: list[int] | None
    belong: list[bool] | None  # whose user has left the organization is told nothing of it
    topic_position: int | None  # in the thread's topic


DELETE = Query("messages/delete", Taken)


@operation(DeleteMessage, durable=True)
async def delete_message(scope: Scope, actor: Actor, request: DeleteMessage) -> Outcome:
    """One's own, or anybody's as owner or admin, which is written down. Again: the first time is answered and no event
    made."""
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
    thread = optional_id(taken.workout_assignment_id)
    data = encode(
        MessageDeleted(
            id=request.id,
            sender_membership_id=membership(taken.sender_membership_id),
            workout_assignment_id=thread,
            deleted_at=deleted_at,
        )
    )
    kind, organization_id = EventKind.MESSAGE_DELETED, request.organization_id
    event = Event(kind, organization_id, data)
    users = [str(user) for user in taken.users or ()]
    positions = taken.positions or ()
    topics: tuple[TopicDelivery, ...] = ()
    if thread is not None and taken.topic_position is not None:
        watched = Event(kind, organization_id, data, thread_topic(thread))
        topics = (TopicDelivery(taken.topic_position, watched),)
    return Outcome(
        data=Deleted(id=request.id, deleted_at=deleted_at),
        deliveries=tuple(
            Delivery(user, at, event if belongs else None)
            for user, at, belongs in zip(users, positions, taken.belong or (), strict=True)
        ),
        topics=topics,
        position=dict(zip(users, positions, strict=True)).get(actor.user_id),
    )
