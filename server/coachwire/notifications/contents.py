"""From a row of the outbox to what is told: the same for the platform and for browsers."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from coachwire_protocol.notifications import (
    CommentSettled,
    CommentWaits,
    MessageSettled,
    MessageWaits,
    NoticeOf,
    Notification,
    PersonErased,
)
from coachwire_protocol.times import wire_time
from msgspec import UNSET

from coachwire.shown import optional_id


class Due(NamedTuple):
    """A claimed row and what is so at this moment; with `act` other than post there is nothing to tell."""

    id: int
    claim: int
    attempt: int
    act: str  # post | dropped | passed
    kind: str
    type: str | None
    made_at: datetime
    user_id: UUID
    clerk_id: str | None
    membership_id: UUID | None
    organization_id: UUID | None
    subject_id: UUID
    assignment_id: UUID | None
    movement_id: UUID | None
    author_membership_id: UUID | None
    author_name: str
    badge: int
    organization_badge: int
    shows_content: bool
    content: str | None
    attachments: int
    device_id: UUID | None
    push_endpoint: str | None
    push_p256dh: str | None
    push_auth: str | None


def notification(due: Due) -> Notification:
    assert due.type is not None  # noqa: S101 - only what is to be posted comes here
    return Notification(type=due.type, timestamp=wire_time(due.made_at), data=_data(due))


def _data(due: Due) -> NoticeOf:
    subject = str(due.subject_id)
    if due.type == "person.erased":
        return PersonErased(user_id=str(due.user_id))
    whom: dict[str, Any] = {
        "user_id": str(due.user_id),
        "clerk_id": due.clerk_id,
        "organization_id": str(due.organization_id),
        "membership_id": optional_id(due.membership_id),
        "badge": due.badge,
        "organization_badge": due.organization_badge,
    }
    if due.type == "message.created":
        return MessageWaits(
            **whom,
            message_id=subject,
            workout_assignment_id=optional_id(due.assignment_id),
            sender_membership_id=optional_id(due.author_membership_id),
            sender_name=due.author_name,
            content=due.content if due.shows_content else UNSET,
            attachments=due.attachments if due.shows_content else UNSET,
        )
    if due.type == "comment.mentioned":
        return CommentWaits(
            **whom,
            comment_id=subject,
            workout_movement_id=str(due.movement_id),
            author_membership_id=optional_id(due.author_membership_id),
            author_name=due.author_name,
            content=due.content if due.shows_content and due.content is not None else UNSET,
        )
    if due.type == "comment.deleted":
        return CommentSettled(**whom, comment_id=subject)
    return MessageSettled(**whom, message_id=subject)
