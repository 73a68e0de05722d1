"""Messages: sending, editing, deleting, and what is told of them."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from .ids import Id
from .memberships import SenderRole
from .shape import Asking, Rule, Wire
from .times import Time

MAX_CONTENT: Final = 5_000  # code points
MAX_ATTACHMENTS: Final = 10
MAX_EVENT_IDS: Final = 500  # ids in one event; more are several events

Content = Annotated[str, Meta(max_length=MAX_CONTENT)]
AttachmentIds = Annotated[tuple[Id, ...], Meta(max_length=MAX_ATTACHMENTS)]
EventIds = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_EVENT_IDS)]


def is_blank(text: str) -> bool:
    """Whether nothing is left after trimming. Decides emptiness only: what is stored is what was sent."""
    return not text or text.isspace()


def _not_one_party(membership_id: str | None, workout_assignment_id: str | None) -> str | None:
    if (membership_id is None) is (workout_assignment_id is None):
        return "Expected exactly one of membershipId and workoutAssignmentId."
    return None


def _nothing_said(content: str | None, attachment_ids: Sequence[str]) -> str | None:
    if not attachment_ids and (content is None or is_blank(content)):
        return "Expected content that is not blank, or attachments."
    return None


class Party(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Whom or what a conversation is with: a membership or a workout's thread, never both."""

    membership_id: Id | None = None
    workout_assignment_id: Id | None = None

    RULES: ClassVar = (Rule("", ("membership_id", "workout_assignment_id"), _not_one_party),)

    def __post_init__(self) -> None:
        if problem := _not_one_party(self.membership_id, self.workout_assignment_id):
            raise ValueError(problem)


class SendMessage(Asking, frozen=True, kw_only=True, tag="message.send"):
    """Send a message. A retry with the same id and payload is the same message."""

    organization_id: Id
    id: Id  # chosen by the sender: a retry with the same id is the same message
    to: Party
    content: Content | None = None
    attachment_ids: AttachmentIds = ()

    RULES: ClassVar = (Rule("content", ("content", "attachment_ids"), _nothing_said),)

    def __post_init__(self) -> None:
        if problem := _nothing_said(self.content, self.attachment_ids):
            raise ValueError(problem)


class EditMessage(Asking, frozen=True, kw_only=True, tag="message.edit"):
    """Blank content is for the operation to judge: it is right when the message has attachments."""

    organization_id: Id
    id: Id
    content: Content


class DeleteMessage(Asking, frozen=True, kw_only=True, tag="message.delete"):
    """Delete a message: one's own, or anyone's as owner or admin."""

    organization_id: Id
    id: Id


class Sent(Wire, frozen=True, kw_only=True):
    """The `ok` of a send; a duplicate answers what the first one answered."""

    id: Id
    recipient_membership_id: Id
    created_at: Time
    duplicate: bool | UnsetType = UNSET


class Edited(Wire, frozen=True, kw_only=True):
    """The `ok` of an edit."""

    id: Id
    edited_at: Time


class Deleted(Wire, frozen=True, kw_only=True):
    """Deleting again answers the first time."""

    id: Id
    deleted_at: Time


class Attachment(Wire, frozen=True, kw_only=True):
    """A file of a message; the links live until `url_expires_at`."""

    id: Id
    type: Literal["image", "video"]
    mime_type: str
    size: int  # bytes
    url: str
    thumbnail_url: str | None
    url_expires_at: Time


class Message(Wire, frozen=True, kw_only=True):
    """A message as one person sees it; a deleted one has neither content nor attachments."""

    id: Id
    organization_id: Id
    sender_membership_id: Id
    sender_name: str
    sender_role: SenderRole
    recipient_membership_id: Id
    workout_assignment_id: Id | None
    content: str | None
    attachments: tuple[Attachment, ...]
    created_at: Time
    read_at: Time | None
    edited_at: Time | None
    deleted_at: Time | None
    erased: bool
    delivered: bool | UnsetType = UNSET  # for the sender only


class MessageDeleted(Wire, frozen=True, kw_only=True):
    """Event data; also when the row itself is gone."""

    id: Id
    sender_membership_id: Id
    workout_assignment_id: Id | None
    deleted_at: Time


class MessageErased(Wire, frozen=True, kw_only=True):
    """Event data: the words and files of these messages are gone, the messages stay."""

    sender_membership_id: Id
    message_ids: EventIds


def payload_hash(
    organization_id: str, to: Party, content: str | None, attachment_ids: Sequence[str]
) -> bytes:
    """SHA-256 that tells whether a repeated id repeats the message. It is stored: the encoding never changes.

    Organization (36 bytes) · `m` or `w` and the membership or assignment (37) · count of attachments (4, big
    endian) and their ids in order (36 each) · `0`, or `1` and the content in UTF-8. Only the last part varies
    freely, so no two payloads share an encoding. No content and empty content are two payloads.
    """
    party = f"m{to.membership_id}" if to.membership_id is not None else f"w{to.workout_assignment_id}"
    return hashlib.sha256(
        b"".join(
            (
                organization_id.encode(),
                party.encode(),
                len(attachment_ids).to_bytes(4, "big"),
                "".join(attachment_ids).encode(),
                b"0" if content is None else b"1" + content.encode(),
            )
        )
    ).digest()
