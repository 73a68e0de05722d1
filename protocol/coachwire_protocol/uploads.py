"""Files before they are sent: a place for the bytes, and what became of them."""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from .ids import Id
from .shape import Wire
from .times import Time

MB: Final = 1_000_000  # bytes
ImageType: TypeAlias = Literal["image/jpeg", "image/png", "image/webp", "image/gif"]
VideoType: TypeAlias = Literal["video/mp4", "video/quicktime"]
MAX_IMAGE: Final = 10 * MB
MAX_VIDEO: Final = 50 * MB
MAX_VIDEO_SECONDS: Final = 60

UploadState: TypeAlias = Literal["ready", "processing", "refused"]
Reason: TypeAlias = Literal[
    "size", "type", "changed", "unreadable", "too_many_pixels", "too_many_frames", "too_long"
]


class RequestUpload(Wire, frozen=True, kw_only=True):
    """A place for a file. Its name is asked for politeness' sake: nothing is called by it."""

    organization_id: Id
    file_name: Annotated[str, Meta(min_length=1, max_length=255)]
    file_size: Annotated[int, Meta(ge=1, le=2**53 - 1)]  # bytes, exactly
    mime_type: ImageType | VideoType


class UploadLink(Wire, frozen=True, kw_only=True):
    """Where the bytes go: by this method, with these headers, before this time. The id is the attachment's to be."""

    upload_id: Id
    upload_url: str
    method: Literal["PUT"]
    headers: dict[str, str]
    expires_at: Time


class CompleteUpload(Wire, frozen=True, kw_only=True):
    """The bytes are there: look at them."""

    organization_id: Id
    upload_id: Id


class ReadUpload(Wire, frozen=True, kw_only=True):
    """What became of it."""

    organization_id: Id
    upload_id: Id


class Upload(Wire, frozen=True, kw_only=True):
    """`ready`: it may be sent. `refused`: it never will be, for this reason."""

    upload_id: Id
    state: UploadState
    reason: Reason | UnsetType = UNSET
