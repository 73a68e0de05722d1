"""A comment said otherwise by its author, taken back, or removed by owner or admin."""

from datetime import datetime
from typing import NamedTuple

from coachwire_protocol.comments import CommentDeleted, CommentEdited, DeleteComment, EditComment
from coachwire_protocol.errors import Forbidden, Gone, NotFound, ProtocolError, Unavailable
from coachwire_protocol.frames import Event
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, TopicDelivery, operation
from coachwire.operations.writing import HELD_RETRY
from coachwire.shown.comments import CommentRow, show_comment
from coachwire.topics import exercise_topic


class Change(NamedTuple):
    """What an edit or a deletion came to."""

    code: str
    at: datetime | None
    topic_position: int | None


EDIT = Query("comments/edit", Change)
DELETE = Query("comments/delete", Change)
ONE = Query("comments/one", CommentRow)
REFUSALS: dict[str, type[ProtocolError]] = {error.code: error for error in (Forbidden, NotFound, Gone)}


@operation(EditComment, durable=True)
async def edit_comment(scope: Scope, actor: Actor, request: EditComment) -> Outcome:
    """One's own, at any time. The same body again: the former time is answered and no event made."""
    where = request.id, request.organization_id, actor.user_id
    change = await EDIT.one(scope.tx, *where, request.body)
    return Outcome(
        data=CommentEdited(id=request.id, updated_at=_time(change)),
        topics=await _told(scope, request.id, change, EventKind.COMMENT_EDITED),
    )


@operation(DeleteComment, durable=True)
async def delete_comment(scope: Scope, actor: Actor, request: DeleteComment) -> Outcome:
    """One's own, or anybody's as owner or admin. Again: the first time is answered and no event made."""
    change = await DELETE.one(scope.tx, request.id, request.organization_id, actor.user_id)
    return Outcome(
        data=CommentDeleted(id=request.id, deleted_at=_time(change)),
        topics=await _told(scope, request.id, change, EventKind.COMMENT_DELETED),
    )


def _time(change: Change) -> str:
    """When it came to be as asked for. Raises what refuses it."""
    if change.at is not None:
        return wire_time(change.at)
    if change.code == "unavailable":
        raise Unavailable(retry_after_ms=HELD_RETRY)
    raise REFUSALS[change.code]


async def _told(scope: Scope, comment_id: str, change: Change, kind: EventKind) -> tuple[TopicDelivery, ...]:
    """Committed: from here on a failure loses a push, which the topic's position reveals."""
    if change.topic_position is None:
        return ()
    row = await ONE.first(scope.tx, comment_id)
    if row is None:  # gone since
        return ()
    topic = exercise_topic(str(row.workout_movement_id))
    event = Event(kind, str(row.organization_id), show_comment(row), topic)
    return (TopicDelivery(change.topic_position, event),)
