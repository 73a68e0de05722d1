"""Links to the files of messages, asked for anew when those in a message have run out."""

from .ids import Id
from .shape import Wire
from .times import Time


class ReadAttachmentUrl(Wire, frozen=True, kw_only=True):
    """One file of a message that the caller may see."""

    organization_id: Id
    attachment_id: Id


class AttachmentUrl(Wire, frozen=True, kw_only=True):
    """Good until `url_expires_at`, for whoever holds them."""

    url: str
    thumbnail_url: str | None
    url_expires_at: Time
