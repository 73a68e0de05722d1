"""Conversations, histories and the state to begin from: asked for over REST, in pages."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

from msgspec import Meta

from .errors import BadRequest
from .ids import Id
from .memberships import MembershipView, Role
from .messages import Message
from .shape import Wire

MAX_PAGE: Final = 100

T = TypeVar("T")

PageLimit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Meta(max_length=64)]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
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
    last_message_at: str
    unread_count: int


class ListConversations(Wire, frozen=True, kw_only=True):
    organization_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None


class ReadHistory(Wire, frozen=True, kw_only=True):
    organization_id: Id
    membership_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None


class ReadMessage(Wire, frozen=True, kw_only=True):
    organization_id: Id
    id: Id


class Sync(Wire, frozen=True, kw_only=True):
    """The caller's state, of one organization or of all."""

    organization_id: Id | None = None


class OrganizationState(Wire, frozen=True, kw_only=True):
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
