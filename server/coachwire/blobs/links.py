"""Links to the files of messages: made when a message is shown, good for 15 minutes for whoever holds them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from coachwire_protocol.messages import Attachment
from coachwire_protocol.times import wire_time
from msgspec import Struct

from coachwire.blobs import GET_SECONDS, Blobs

LIFETIME = timedelta(seconds=GET_SECONDS)


class File(Struct, frozen=True, array_like=True):
    """A file of a message, as its row says."""

    id: UUID
    type: Literal["image", "video"]
    mime_type: str
    size: int  # bytes
    key: str  # in the blob store
    thumbnail_key: str | None


class Link(NamedTuple):
    url: str
    expires_at: str


class Links:
    """Signs, and says until when. Nothing waits: a link is computed, whether or not its object is there."""

    def __init__(self, blobs: Blobs) -> None:
        self._sign = blobs.presign_get

    def show(self, files: Iterable[File]) -> tuple[Attachment, ...]:
        """In the order given."""
        expires_at = _expiry()
        return tuple(
            Attachment(
                id=str(file.id),
                type=file.type,
                mime_type=file.mime_type,
                size=file.size,
                url=self._sign(file.key),
                thumbnail_url=None if file.thumbnail_key is None else self._sign(file.thumbnail_key),
                url_expires_at=expires_at,
            )
            for file in files
        )

    def to(self, key: str) -> Link:
        """To one object of the store."""
        return Link(self._sign(key), _expiry())


def _expiry() -> str:
    """Of links that are made from now on. They count whole seconds: it is never later than theirs."""
    return wire_time(datetime.now(UTC).replace(microsecond=0) + LIFETIME)
