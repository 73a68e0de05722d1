"""Conversations, histories and the state to begin from: asked for over REST, in pages."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from .errors import BadRequest
from .ids import UUID_PATTERN, Id
from .memberships import MembershipView, Role
from .messages import Message
from .shape import Rule, Wire
from .times import Time

MAX_PAGE: Final = 100

T = TypeVar("T")

FIRST_UNREAD: Final = "firstUnread"
# The look-ahead is not redundant: `$` alone would let a trailing newline through.
AROUND_PATTERN: Final = rf"^(?:{FIRST_UNREAD}|{UUID_PATTERN[1:-1]})(?!\n)$"

PageLimit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Meta(max_length=64)]
Around = Annotated[str, Meta(pattern=AROUND_PATTERN, description="A message id, or firstUnread.")]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NEWER: Final = "~"  # no letter of base64, and safe in a URL
_CURSOR: Final = struct.Struct(">q16s")


class Page(Wire, Generic[T], frozen=True, kw_only=True):
    """A part of a list; the cursor of the next part, null at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


class Conversation(Wire, frozen=True, kw_only=True):
    """A row of the list: direct messages with one person of the organization."""

    membership_id: Id
    name: str
    role: Role
    image_url: str | None
    last_message: Message | None
    last_message_at: Time
    unread_count: int


class ListConversations(Wire, frozen=True, kw_only=True):
    """The caller's conversations in one organization."""

    organization_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None


class HistoryPage(Wire, frozen=True, kw_only=True):
    """Messages, newest first. `previous_cursor` leads to newer ones, null where there were none; it is there only in a
    page that was asked for by `around` or by such a cursor."""

    items: tuple[Message, ...]
    next_cursor: str | None
    previous_cursor: str | UnsetType | None = UNSET


def _two_places(cursor: str | None, around: str | None) -> str | None:
    return "Expected only one of cursor and around." if cursor is not None and around is not None else None


class ReadHistory(Wire, frozen=True, kw_only=True):
    """`around`: the page in whose middle this message stands, or the caller's oldest unread one."""

    organization_id: Id
    membership_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None
    around: Around | None = None

    RULES: ClassVar = (Rule("around", ("cursor", "around"), _two_places),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class ReadThread(Wire, frozen=True, kw_only=True):
    """`around`: the page in whose middle this message stands, or the oldest one that the caller has not read."""

    organization_id: Id
    workout_assignment_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None
    around: Around | None = None

    RULES: ClassVar = (Rule("around", ("cursor", "around"), _two_places),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class ReadMessage(Wire, frozen=True, kw_only=True):
    """One message."""

    organization_id: Id
    id: Id


class ReadBadge(Wire, frozen=True, kw_only=True):
    """What the caller has not read in one organization."""

    organization_id: Id


class Badge(Wire, frozen=True, kw_only=True):
    """Unread in one organization, direct messages and threads, exact."""

    count: int


class Sync(Wire, frozen=True, kw_only=True):
    """The caller's state, of one organization or of all."""

    organization_id: Id | None = None


class OrganizationState(Wire, frozen=True, kw_only=True):
    """One organization in a snapshot."""

    organization_id: Id
    conversations: Page[Conversation]
    unread: int


class SyncState(Wire, frozen=True, kw_only=True):
    """One snapshot; the events above `position` follow it."""

    epoch: str
    position: int
    memberships: tuple[MembershipView, ...]
    organizations: tuple[OrganizationState, ...]


def encode_cursor(created_at: datetime, id: str) -> str:  # noqa: A002 - the wire's own word
    """Where the next page begins: after this row. Opaque to clients, 32 characters that are safe in a URL."""
    microseconds = (created_at - _EPOCH) // _MICROSECOND
    return urlsafe_b64encode(_CURSOR.pack(microseconds, UUID(id).bytes)).decode()


def encode_newer_cursor(created_at: datetime, id: str) -> str:  # noqa: A002 - the wire's own word
    """The same place, from which the next page goes towards the newer rows."""
    return _NEWER + encode_cursor(created_at, id)


def leads_to_newer(cursor: str) -> bool:
    """Whether `encode_newer_cursor` made it; what follows the mark is still to be decoded."""
    return cursor.startswith(_NEWER)


def decode_newer_cursor(text: str) -> tuple[datetime, str]:
    """Raises BadRequest for anything that `encode_newer_cursor` did not make."""
    return decode_cursor(text.removeprefix(_NEWER))


def decode_cursor(text: str) -> tuple[datetime, str]:
    """Raises BadRequest for anything that `encode_cursor` did not make."""
    try:
        microseconds, id_bytes = _CURSOR.unpack(urlsafe_b64decode(text.encode("ascii")))
        created_at, row = _EPOCH + timedelta(microseconds=microseconds), str(UUID(bytes=id_bytes))
        if encode_cursor(created_at, row) != text:
            raise ValueError("not canonical")
    except (ValueError, struct.error, OverflowError):
        raise BadRequest.at("cursor", "Expected a cursor from an earlier answer.") from None
    return created_at, row
