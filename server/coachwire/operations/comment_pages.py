"""What is said on an exercise, by pages; and one comment in its place."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.comments import ReadComment, ReadComments
from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import NotFound

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.shown.comments import CommentRow, show_comment


class Exercise(NamedTuple):
    id: UUID


EXERCISE = Query("comments/exercise", Exercise)
PAGE = Query("comments/page", CommentRow)
IN_PLACE = Query("comments/in_place", CommentRow)


@operation(ReadComments)
async def read_comments(scope: Scope, actor: Actor, request: ReadComments) -> Outcome:
    """For staff, and for members to whom the workout is assigned."""
    await require_membership(scope.tx, actor, request.organization_id)
    where = request.organization_id, request.workout_id, request.workout_movement_id
    if await EXERCISE.first(scope.tx, actor.user_id, *where) is None:
        raise NotFound
    than = (None, None) if request.cursor is None else decode_cursor(request.cursor)
    rows = await PAGE.rows(scope.tx, request.workout_movement_id, *than, request.limit + 1)
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Outcome(
        data=Page(
            items=tuple(map(show_comment, shown)),
            next_cursor=encode_cursor(shown[-1].created_at, str(shown[-1].id)) if more else None,
        )
    )


@operation(ReadComment)
async def read_comment(scope: Scope, actor: Actor, request: ReadComment) -> Outcome:
    """For its author, and for who may see the exercise; also a deleted one."""
    await require_membership(scope.tx, actor, request.organization_id)
    where = request.organization_id, request.workout_id, request.workout_movement_id
    row = await IN_PLACE.first(scope.tx, actor.user_id, *where, request.id)
    if row is None:
        raise NotFound
    return Outcome(data=show_comment(row))
