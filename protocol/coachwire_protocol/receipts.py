"""Read receipts, and what retention takes away."""

from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from .ids import Id
from .messages import EventIds, Party
from .shape import Asking, Rule, Wire
from .times import Time

MAX_READ_IDS: Final = 100


def _not_one_form(message_ids: object, conversation: object) -> str | None:
    if (message_ids is UNSET) is (conversation is UNSET):
        return "Expected exactly one of messageIds and conversation."
    return None


def _up_to_what(message_ids: object, up_to: object) -> str | None:
    if up_to is not UNSET and message_ids is not UNSET:
        return "Expected upTo only beside conversation."
    return None


class ReadMessages(Asking, frozen=True, kw_only=True, tag="message.read"):
    """By ids, or a conversation: all of it, or all with (createdAt, id) not above the message `up_to`."""

    organization_id: Id
    message_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_READ_IDS)] | UnsetType = UNSET
    conversation: Party | UnsetType = UNSET
    up_to: Id | UnsetType = UNSET

    RULES: ClassVar = (
        Rule("messageIds", ("message_ids", "conversation"), _not_one_form),
        Rule("upTo", ("message_ids", "up_to"), _up_to_what),
    )

    def __post_init__(self) -> None:
        self._hold_to_rules()


class MarkedRead(Wire, frozen=True, kw_only=True):
    """The `ok` of a read; `read_at` when anything was marked."""

    marked_count: int
    read_at: Time | UnsetType = UNSET


class MessageRead(Wire, frozen=True, kw_only=True):
    """Event data: to the sender as the receipt, and to the reader's own stream."""

    reader_membership_id: Id
    sender_membership_id: Id
    workout_assignment_id: Id | None
    message_ids: EventIds
    read_at: Time


class HistoryTrimmed(Wire, frozen=True, kw_only=True):
    """Event data: drop what is older than `before` in that organization."""

    before: Time
