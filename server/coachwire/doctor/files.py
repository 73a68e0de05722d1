"""The store of files: does it take, show and let go of an object, may pages put there, and can videos be shown?"""

import asyncio
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout
from coachwire_protocol.errors import Unavailable

from coachwire.address import PublicAddress
from coachwire.blobs import Blobs, Changed, what_failed
from coachwire.blobs.opening import open_blobs
from coachwire.doctor.check import Finding, failed, ok, warning
from coachwire.files.cleaning import ORIGINAL
from coachwire.files.processing import clean_beside
from coachwire.settings import Settings, is_loopback

PATIENCE = 10.0  # s
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
WORDS = b"coachwire doctor was here"


async def check_files(settings: Settings) -> AsyncIterator[Finding]:
    blobs = await open_blobs(settings, PublicAddress(settings))
    try:
        async with asyncio.timeout(PATIENCE):
            yield await _round_trip(settings, blobs)
            if settings.s3 is not None and settings.allowed_origins:
                yield await _pages(settings, blobs)
    except TimeoutError:
        yield failed("files", "the store does not answer in time", "Is S3_ENDPOINT_URL right and reachable?")
    finally:
        await blobs.close()
    if settings.s3 is None and settings.public_url is None and not is_loopback(settings.host):
        yield warning(
            "file links",
            "clients on other machines are given links to wherever the first request came in",
            "Set COACHWIRE_PUBLIC_URL to the address by which clients reach this server, or use a bucket.",
        )
    yield await _cleaning()
    if shutil.which("ffmpeg") is None:
        yield warning(
            "ffmpeg", "not found: videos have no thumbnail, and are blanked in place", "Install ffmpeg."
        )
    else:
        yield ok("ffmpeg", "packs videos anew and takes their thumbnails")


async def _round_trip(settings: Settings, blobs: Blobs) -> Finding:
    """An object is put, looked at, shown by a link and deleted."""
    key = f"doctor/{uuid4()}.png"
    where = f"folder {settings.home / 'blobs'}" if settings.s3 is None else f"bucket {settings.s3.bucket}"
    try:
        with TemporaryDirectory() as folder:
            (path := Path(folder) / "words").write_bytes(WORDS)
            await blobs.put(key, path, "image/png")
        try:
            found = await blobs.head(key)
            if found is None or await blobs.start_of(key, found.etag, len(WORDS)) != WORDS:
                return failed("files", f"{where}: what was put is not there", "Is it a store of its own?")
            if settings.s3 is not None and (problem := await _not_shown(blobs.presign_get(key))):
                return failed(
                    "files", f"{where}: a signed link is answered {problem}", "Is this machine's clock right?"
                )
        finally:
            await blobs.delete([key])
    except (Unavailable, Changed) as error:
        return failed("files", f"{where}: {what_failed(error)}", _remedy(settings))
    return ok("files", f"{where}: an object was put, shown and deleted")


async def _cleaning() -> Finding:
    """A picture of one pixel is cleaned in a process of its own, as all files are."""
    with TemporaryDirectory() as folder:
        (Path(folder) / ORIGINAL).write_bytes(b64decode(PIXEL))
        answer = await clean_beside(Path(folder), "image/png")
    if answer != "clean":
        return failed(
            "file cleaning",
            f"a sound picture is {answer}: every file will be refused",
            "May this user start processes, and is there room for them (1.2 GB of addresses)?",
        )
    return ok("file cleaning", "works, in a process of its own")


async def _not_shown(url: str) -> str:
    """Empty: it is."""
    try:
        async with _http() as http, http.get(url) as answer:
            return "" if await answer.read() == WORDS else str(answer.status)
    except (ClientError, TimeoutError) as error:
        return type(error).__name__


async def _pages(settings: Settings, blobs: Blobs) -> Finding:
    """Whether a browser may put from each of our pages."""
    link = blobs.presign_put(f"doctor/{uuid4()}.png", "image/png", 1)
    for origin in sorted(settings.allowed_origins):
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,if-none-match",
        }
        try:
            async with _http() as http, http.options(link.url, headers=asked) as answer:
                allowed = answer.headers.get("Access-Control-Allow-Origin")
        except (ClientError, TimeoutError):
            allowed = None
        if allowed not in (origin, "*"):
            return warning(
                "file pages",
                f"the bucket lets pages of {origin} put nothing",
                "Give the bucket the CORS rule of docs/files.md.",
            )
    return ok("file pages", "the bucket takes files from every allowed origin")


def _http() -> ClientSession:
    return ClientSession(timeout=ClientTimeout(total=PATIENCE / 2))


def _remedy(settings: Settings) -> str:
    if settings.s3 is None:
        return "COACHWIRE_HOME must be a folder that the server may write to; or set the S3_ settings."
    return "Do the S3_ settings name a bucket that is there, and a key that may read, write and delete in it?"
