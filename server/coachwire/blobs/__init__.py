"""Where the bytes of files lie, by key: an S3 bucket, or a folder of this machine. Clients put and get by signed links.

Signing is pure computation; all else may raise `Unavailable`, within the limits that the store sets. Nobody but the
server lists or deletes, and no link is ever given for a key that another person puts to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

PUT_SECONDS: Final = 600  # that a link to put lives
GET_SECONDS: Final = 900  # that a link to get lives
KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*(\.[a-z0-9]+)*")

TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "json": "application/json",
    "zip": "application/zip",
}  # what lies in the store, by the ending of its key
ENDINGS: Final = {mime_type: ending for ending, mime_type in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Presigned:
    """How to put one object: this method, these headers, and exactly the bytes that were asked for. A secret."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is now; `etag` changes with its bytes."""

    size: int
    mime_type: str
    etag: str


class Changed(Exception):
    """The object is gone, or no longer the one with that etag."""


class Blobs(Protocol):
    """Objects are written whole or not at all. Deleting what is not there is no error."""

    def presign_put(self, key: str, mime_type: str, size: int) -> Presigned:
        """A link that takes this type and number of bytes, once: a key that is taken is refused with 412."""

    def presign_get(self, key: str) -> str:
        """A link that shows the object for `GET_SECONDS`, whether it is there or not."""

    async def head(self, key: str) -> Stored | None:
        """None: there is no such object."""

    async def start_of(self, key: str, etag: str, count: int) -> bytes:
        """The first bytes. Raises `Changed`."""

    async def get(self, key: str, etag: str, into: Path) -> None:
        """The whole object, into a file. Raises `Changed`."""

    async def put(self, key: str, path: Path, mime_type: str) -> None:
        """The file's bytes become the object, whatever was there."""

    async def below(self, folder: str) -> list[str]:
        """The keys that begin with this and a slash, in order. For the operator: all are read at once."""

    async def delete(self, keys: Sequence[str]) -> None:
        """All of them, or `Unavailable`: then some may be gone."""

    async def close(self) -> None:
        """Let go of what is open."""


def what_failed(error: BaseException) -> str:
    """The word of who caused it (a code, or a kind of error), for a log; never its text, which may quote a link."""
    cause = error.__cause__ or error
    code = getattr(cause, "response", {}).get("Error", {}).get("Code")
    return str(code or getattr(cause, "strerror", None) or type(cause).__name__)
