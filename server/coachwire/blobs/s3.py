"""Blobs in a bucket that speaks S3: Cloudflare's R2, Amazon's, or a server of one's own.

Links are signed by us. One client for all else, with limits of its own: a bucket that is away or slow is `Unavailable`
to who waits for a file, and to nobody else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from coachwire_protocol.errors import Unavailable

from coachwire.blobs import GET_SECONDS, PUT_SECONDS, Changed, Presigned, Stored
from coachwire.blobs.sigv4 import Signer
from coachwire.settings import S3

CONNECT: Final = 2.0  # s
SILENCE: Final = 5.0  # s without a byte
SHORT: Final = 8.0  # s for a look, however often it was tried
LONG: Final = 60.0  # s for a whole object
CHUNK: Final = 262_144  # bytes
DELETES: Final = 8  # at a time
GONE: Final = frozenset({"404", "NoSuchKey", "412", "PreconditionFailed"})


class S3Blobs:
    """Open until `close`."""

    def __init__(self, settings: S3, client: Any, opened: AsyncExitStack, clock: Callable[[], float]) -> None:
        self._bucket = settings.bucket
        self._client = client
        self._opened = opened
        self._clock = clock
        self._signer = Signer(
            endpoint_url=settings.endpoint_url,
            bucket=settings.bucket,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            region=settings.region,
        )

    @classmethod
    async def open(cls, settings: S3, clock: Callable[[], float] = time.time) -> "S3Blobs":
        """Nothing is connected yet."""
        opened = AsyncExitStack()
        return cls(settings, await opened.enter_async_context(connect_s3(settings)), opened, clock)

    def presign_put(self, key: str, mime_type: str, size: int) -> Presigned:
        now = self._now()
        return Presigned(
            url=self._signer.put(key, mime_type, size, now, PUT_SECONDS),
            method="PUT",
            headers={"Content-Type": mime_type, "If-None-Match": "*"},
            expires_at=now + timedelta(seconds=PUT_SECONDS),
        )

    def presign_get(self, key: str) -> str:
        return self._signer.get(key, self._now(), GET_SECONDS)

    async def head(self, key: str) -> Stored | None:
        try:
            async with _limited(SHORT):
                found = await self._client.head_object(Bucket=self._bucket, Key=key)
        except Changed:
            return None
        return Stored(found["ContentLength"], found.get("ContentType", ""), found["ETag"])

    async def start_of(self, key: str, etag: str, count: int) -> bytes:
        async with _limited(SHORT):
            found = await self._client.get_object(
                Bucket=self._bucket, Key=key, IfMatch=etag, Range=f"bytes=0-{count - 1}"
            )
            async with found["Body"] as body:
                return bytes(await body.read(count))

    async def get(self, key: str, etag: str, into: Path) -> None:
        async with _limited(LONG):
            found = await self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=etag)
            async with found["Body"] as body:
                with into.open("wb", buffering=0) as file:
                    async for chunk in body.iter_chunks(CHUNK):
                        await asyncio.to_thread(file.write, chunk)

    async def put(self, key: str, path: Path, mime_type: str) -> None:
        async with _limited(LONG):
            with path.open("rb") as file:
                await self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=mime_type)

    async def below(self, folder: str) -> list[str]:
        async with _limited(LONG):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{folder}/"
            )
            return [str(found["Key"]) async for page in pages for found in page.get("Contents", ())]

    async def delete(self, keys: Sequence[str]) -> None:
        async def worker() -> None:
            while waiting:
                await self._client.delete_object(Bucket=self._bucket, Key=waiting.pop())

        waiting = list(keys)
        async with _limited(LONG), asyncio.TaskGroup() as tasks:
            for _ in range(min(DELETES, len(waiting))):
                tasks.create_task(worker())

    async def close(self) -> None:
        await self._opened.aclose()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock()), UTC)


def connect_s3(settings: S3) -> Any:
    from aiobotocore.config import AioConfig  # type: ignore[import-untyped] # it has no types
    from aiobotocore.session import get_session  # type: ignore[import-untyped] # it has no types

    return get_session().create_client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        config=AioConfig(
            signature_version="s3v4",
            # To hash 50 MB would hold up the loop; TLS sees to it that what is sent arrives.
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            connect_timeout=CONNECT,
            read_timeout=SILENCE,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=16,
            # R2 knows no checksums but those of its own choice.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    """Raises `Changed` for an object that is not there or another one, `Unavailable` for all else that may happen."""
    from aiohttp import ClientError as HttpError
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped] # it has no types

    try:
        async with asyncio.timeout(seconds):
            yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in GONE:
            raise Changed from None
        raise Unavailable from error
    except (BotoCoreError, HttpError, OSError, TimeoutError) as error:
        raise Unavailable from error
    except ExceptionGroup as group:  # of several deletions
        raise Unavailable from group.exceptions[0]
