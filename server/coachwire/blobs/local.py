"""Blobs in a folder of this machine, for one server: put and shown by our own routes (rest/blobs.py), signed as in S3.

A link says until when, and holds a keyed hash of all that it allows. Objects appear by a rename, whole and synced."""

import asyncio
import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final, TypeVar

from coachwire_protocol.errors import Unavailable

from coachwire.blobs import GET_SECONDS, KEY, PUT_SECONDS, TYPES, Changed, Presigned, Stored

T = TypeVar("T")

ROUTE: Final = "/v1/blobs/"  # where rest/blobs.py answers, before the key
OLD: Final = 3600.0  # s; a part of that age is nobody's
ANY: Final = "*"  # of If-None-Match: only where nothing is


class Taken(Exception):
    """There is an object of that key."""


class WrongSize(Exception):
    """The bytes ended before, or went on after, what was signed."""


class LocalBlobs:
    """`address` gives the scheme, host and port by which clients reach this server."""

    def __init__(
        self, folder: Path, address: Callable[[], str], clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._address = address
        self._clock = clock
        self._secret_read: bytes | None = None
        self._cleared_up = False

    def presign_put(self, key: str, mime_type: str, size: int) -> Presigned:
        expires = int(self._clock()) + PUT_SECONDS
        return Presigned(
            url=self._url(key, expires, self._sign("PUT", key, expires, mime_type, size)),
            method="PUT",
            headers={"Content-Type": mime_type, "If-None-Match": ANY},
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def presign_get(self, key: str) -> str:
        expires = int(self._clock()) + GET_SECONDS
        return self._url(key, expires, self._sign("GET", key, expires))

    def may_put(self, key: str, expires: str, signature: str, mime_type: str, size: int) -> bool:
        """Whether such a link was given for this type and size, and has not expired."""
        return self._holds(expires, signature, "PUT", key, mime_type, size)

    def may_get(self, key: str, expires: str, signature: str) -> bool:
        return self._holds(expires, signature, "GET", key)

    def seconds_left(self, expires: str) -> float:
        """How long a link that holds goes on to hold."""
        return int(expires) - self._clock()

    def find(self, key: str) -> Path | None:
        """The object's file. None: there is none."""
        path = self._path(key)
        return path if path.is_file() else None

    async def receive(self, key: str, size: int, chunks: AsyncIterable[bytes]) -> str:
        """Store what comes and return its etag. Raises `Taken`, `WrongSize`, or what the chunks raise; then nothing is
        stored."""
        part = await self._on_disk(self._new_part)
        try:
            with part.open("wb", buffering=0) as file:
                received = 0
                async for chunk in chunks:
                    received += len(chunk)
                    if received > size:
                        raise WrongSize
                    await self._on_disk(file.write, chunk)
                if received < size:
                    raise WrongSize
                await self._on_disk(os.fsync, file.fileno())
            if not await self._on_disk(self._place, part, key, False):
                raise Taken
            stored = await self.head(key)
            return "" if stored is None else stored.etag
        finally:
            part.unlink(missing_ok=True)

    async def head(self, key: str) -> Stored | None:
        return await self._on_disk(self._head, key)

    async def start_of(self, key: str, etag: str, count: int) -> bytes:
        def read() -> bytes:
            with self._opened(key, etag) as file:
                return bytes(file.read(count))

        return await self._on_disk(read)

    async def get(self, key: str, etag: str, into: Path) -> None:
        def copy() -> None:
            with self._opened(key, etag) as file, into.open("wb") as target:
                shutil.copyfileobj(file, target)

        await self._on_disk(copy)

    async def put(self, key: str, path: Path, mime_type: str) -> None:
        def copy() -> None:
            part = self._new_part()
            try:
                with path.open("rb") as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                    target.flush()
                    os.fsync(target.fileno())
                self._place(part, key, True)
            finally:
                part.unlink(missing_ok=True)

        await self._on_disk(copy)

    async def below(self, folder: str) -> list[str]:
        def look() -> list[str]:
            found = (path for path in self._path(folder).rglob("*") if path.is_file())
            return sorted(path.relative_to(self._folder).as_posix() for path in found)

        return await self._on_disk(look)

    async def delete(self, keys: Sequence[str]) -> None:
        def remove() -> None:
            for key in keys:
                path = self._path(key)
                path.unlink(missing_ok=True)
                for folder in path.relative_to(self._folder).parents[:-1]:
                    with suppress(OSError):  # not empty
                        (self._folder / folder).rmdir()

        await self._on_disk(remove)

    async def close(self) -> None:
        """Nothing is open."""

    async def _on_disk(self, work: Callable[..., T], *arguments: Any) -> T:
        """In a thread: disks may be slow, and full."""
        try:
            return await asyncio.to_thread(work, *arguments)
        except OSError as error:
            raise Unavailable from error

    def _path(self, key: str) -> Path:
        """Below the folder, always: keys are of our making, and whatever else comes here is refused."""
        if not KEY.fullmatch(key):
            raise ValueError("expected a key")
        return self._folder / key

    def _head(self, key: str) -> Stored | None:
        try:
            found = self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(found.st_size, TYPES.get(key.rpartition(".")[2], ""), _etag(found))

    def _opened(self, key: str, etag: str) -> Any:
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise Changed from None
        if _etag(os.fstat(file.fileno())) != etag:
            file.close()
            raise Changed
        return file

    def _new_part(self) -> Path:
        """Beside the objects, on the same disk; no key begins with a dot."""
        parts = self._folder / ".parts"
        parts.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._cleared_up:
            self._cleared_up = True
            _clear_up(parts)
        handle, name = mkstemp(dir=parts)
        os.close(handle)
        return Path(name)

    def _place(self, part: Path, key: str, replace: bool) -> bool:
        """Give a complete file its name. False: it is taken."""
        path = self._path(key)
        while True:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                if replace:
                    part.replace(path)
                else:
                    os.link(part, path)
                break
            except FileExistsError:
                return False
            except FileNotFoundError:  # its folder was found empty and removed in between
                continue
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True

    def _url(self, key: str, expires: int, signature: str) -> str:
        return f"{self._address()}{ROUTE}{key}?expires={expires}&signature={signature}"

    def _sign(self, *allowed: object) -> str:
        return hmac.digest(self._secret, "\n".join(map(str, allowed)).encode(), hashlib.sha256).hex()

    def _holds(self, expires: str, signature: str, method: str, key: str, *allowed: object) -> bool:
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 12 and signature.isascii()):
            return False
        right = self._sign(method, key, expires, *allowed)
        return hmac.compare_digest(right, signature) and self._clock() < int(expires)

    @property
    def _secret(self) -> bytes:
        """Of this folder, so that the workers of a machine share it, and links outlive a restart."""
        if self._secret_read is None:
            self._secret_read = _lasting_secret(self._folder / ".secret")
        return self._secret_read


def _etag(found: os.stat_result) -> str:
    """Objects are replaced by renames, never written to."""
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def _clear_up(parts: Path) -> None:
    """What a killed server had begun to write."""
    for part in parts.iterdir():
        with suppress(OSError):  # another worker was faster
            if time.time() - part.stat().st_mtime > OLD:
                part.unlink()


def _lasting_secret(path: Path) -> bytes:
    """Made by whoever comes first. Raises `Unavailable` where nothing can be written."""
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, part = mkstemp(dir=path.parent, prefix=".secret-")
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
            with suppress(FileExistsError):
                os.link(part, path)
            os.unlink(part)
        return path.read_bytes()
    except OSError as error:
        raise Unavailable from error
