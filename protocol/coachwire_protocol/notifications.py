"""What the platform is posted (Standard Webhooks), and browsers are pushed, about somebody who was away."""

from typing import Final

from msgspec import UNSET, UnsetType

from .ids import Id
from .shape import Wire
from .times import Time


class Notified(Wire, frozen=True, kw_only=True):
    """Who is to be told, and how much they have not read at this moment."""

    user_id: Id
    clerk_id: str | None
    organization_id: Id
    membership_id: Id | None
    badge: int  # unread messages in all their organizations, exact
    organization_badge: int  # those of this organization


class MessageWaits(Notified, frozen=True, kw_only=True):
    """A message that its recipient has not seen yet. Content only if the organization allows it in notifications."""

    message_id: Id
    workout_assignment_id: Id | None
    sender_membership_id: Id | None
    sender_name: str
    content: str | UnsetType | None = UNSET
    attachments: int | UnsetType = UNSET


class MessageSettled(Notified, frozen=True, kw_only=True):
    """What was shown of this message can be cleared: it was read elsewhere, or is gone. It may come before, or without,
    the notification that it clears."""

    message_id: Id


class CommentWaits(Notified, frozen=True, kw_only=True):
    """A comment that concerns the person. Content only if the organization allows it in notifications."""

    comment_id: Id
    workout_movement_id: Id
    author_membership_id: Id | None
    author_name: str
    content: str | UnsetType = UNSET


class CommentSettled(Notified, frozen=True, kw_only=True):
    """What was shown of this comment can be cleared: it is gone."""

    comment_id: Id


class PersonErased(Wire, frozen=True, kw_only=True):
    """Erase what you hold of this person."""

    user_id: Id


NoticeOf = MessageWaits | MessageSettled | CommentWaits | CommentSettled | PersonErased

NOTIFICATION_DATA: Final[dict[str, type[Wire]]] = {
    "message.created": MessageWaits,
    "message.read": MessageSettled,
    "message.deleted": MessageSettled,
    "comment.mentioned": CommentWaits,
    "comment.deleted": CommentSettled,
    "person.erased": PersonErased,
}


class Notification(Wire, frozen=True, kw_only=True):
    """The body. `timestamp` is when it happened; `webhook-id` is the same in each attempt."""

    type: str
    timestamp: Time
    data: NoticeOf
