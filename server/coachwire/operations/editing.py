"""A message said otherwise by its sender, while the window for it is open."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import (
    BadRequest,
    EditWindowOver,
    Forbidden,
    Gone,
    NotFound,
    ProtocolError,
    Unavailable,
)
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.messages import Edited, EditMessage, is_blank
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import UNSET, structs

from coachwire.database import Query
from coachwire.operation import Actor, Delivery, Outcome, Scope, TopicDelivery, operation
from coachwire.operations.messages import ONE
from coachwire.operations.writing import HELD_RETRY
from coachwire.shown import show
from coachwire.topics import thread_topic


class Change(NamedTuple):
    """What an edit came to."""

    code: str
    at: datetime | None
    workout_assignment_id: UUID | None
    users: list[UUID] | None
    positions: list[int] | None
    belong: list[bool] | None  # whose user has left the organization is told nothing of it
    topic_position: int | None  # in the thread's topic


EDIT = Query("messages/edit", Change)
REFUSALS: dict[str, type[ProtocolError]] = {
    error.code: error for error in (Forbidden, NotFound, Gone, EditWindowOver)
}


@operation(EditMessage, durable=True)
async def edit_message(scope: Scope, actor: Actor, request: EditMessage) -> Outcome:
    """Own, and within the window. The same content again: the former time is answered and no event made."""
    change = await EDIT.one(
        scope.tx,
        request.id,
        request.organization_id,
        actor.user_id,
        request.content,
        is_blank(request.content),
        scope.edit_window,
    )
    match change.code:
        case "edited" | "unchanged":
            pass
        case "unavailable":
            raise Unavailable(retry_after_ms=HELD_RETRY)
        case "bad_request":
            raise BadRequest.at("content", "Expected content that is not blank, or attachments.")
        case code:
            raise REFUSALS[code]
    assert change.at is not None  # noqa: S101 - both codes carry it
    answer = Edited(id=request.id, edited_at=wire_time(change.at))
    if change.code == "unchanged":
        return Outcome(data=answer)
    return await _told(scope, actor, request, change, answer)


async def _told(scope: Scope, actor: Actor, request: EditMessage, change: Change, answer: Edited) -> Outcome:
    """Committed: from here on a failure loses a push, which the streams' positions reveal."""
    row = await ONE.first(scope.tx, request.id, request.organization_id, actor.user_id)
    kind, organization_id = EventKind.MESSAGE_EDITED, request.organization_id
    own = other = watched = None  # gone or left since: the positions are vouched for as skipped
    if row is not None:
        shown = show(row, scope.links)
        data = encode(structs.replace(shown, delivered=UNSET))
        own, other = Event(kind, organization_id, encode(shown)), Event(kind, organization_id, data)
        if shown.workout_assignment_id is not None:
            watched = Event(kind, organization_id, data, thread_topic(shown.workout_assignment_id))
    users = [str(user) for user in change.users or ()]
    positions = change.positions or ()
    return Outcome(
        data=answer,
        deliveries=tuple(
            Delivery(user, at, (own if user == actor.user_id else other) if belongs else None)
            for user, at, belongs in zip(users, positions, change.belong or (), strict=True)
        ),
        topics=(TopicDelivery(change.topic_position, watched),)
        if change.topic_position is not None and watched is not None
        else (),
        position=dict(zip(users, positions, strict=True)).get(actor.user_id),
    )
