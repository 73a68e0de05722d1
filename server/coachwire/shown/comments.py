"""Comments as they are shown: from the columns of the view `shown_comments` to what the wire carries."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.comments import Comment
from coachwire_protocol.times import wire_time

from coachwire.shown import membership, optional_id, optional_time


class CommentRow(NamedTuple):
    id: UUID
    organization_id: UUID
    workout_movement_id: UUID
    author_membership_id: UUID | None
    author_name: str
    body: str | None  # null: deleted, or erased
    parent_comment_id: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    erased: bool


def show_comment(row: CommentRow) -> Comment:
    """The same for everybody who may see the exercise."""
    return Comment(
        id=str(row.id),
        organization_id=str(row.organization_id),
        workout_movement_id=str(row.workout_movement_id),
        author_membership_id=membership(row.author_membership_id),
        author_name=row.author_name,
        body=row.body,
        parent_comment_id=optional_id(row.parent_comment_id),
        created_at=wire_time(row.created_at),
        updated_at=wire_time(row.updated_at),
        deleted_at=optional_time(row.deleted_at),
        erased=row.erased,
    )
