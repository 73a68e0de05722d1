"""Both stores, each real: the folder behind routes of a server, and S3 by versitygw."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from coachwire.blobs import Blobs, Presigned
from coachwire.blobs.local import LocalBlobs
from coachwire.blobs.s3 import S3Blobs
from coachwire.keys import BLOBS
from coachwire.request_log import log_requests
from coachwire.rest import blobs as routes
from coachwire.rest.problems import answer_problems
from coachwire.rest.receiving import RECEIVING, Receiving

from ..s3 import S3Server

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"


@dataclass(frozen=True)
class Store:
    """A store as its owner holds it, and a client's means to follow its links."""

    blobs: Blobs
    earlier: Blobs  # the same, by a clock that is a quarter of an hour and a second behind
    http: ClientSession

    async def put(
        self, link: Presigned, body: bytes, *, url: str | None = None, **headers: str | None
    ) -> int:
        """Follow a link; a header given as None is left out. Returns the status."""
        told = link.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in told.items() if value is not None}
        skipped = {name for name, value in told.items() if value is None}
        async with self.http.request(
            link.method, url or link.url, data=body, headers=sent, skip_auto_headers=skipped
        ) as answer:
            await answer.read()
            return answer.status

    async def stored(self, key: str, body: bytes = JPEG, mime_type: str = "image/jpeg") -> str:
        """Put by a link; returns the etag."""
        assert await self.put(self.blobs.presign_put(key, mime_type, len(body)), body) == 200
        found = await self.blobs.head(key)
        assert found is not None
        return found.etag

    async def shown(self, key: str, **headers: str) -> tuple[int, bytes]:
        async with self.http.get(self.blobs.presign_get(key), headers=headers) as answer:
            return answer.status, await answer.read()


def behind() -> float:
    return time.time() - 901


@pytest.fixture(params=["folder", "bucket"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with ClientSession() as http:
        if request.param == "bucket":
            server: S3Server = request.getfixturevalue("s3_server")
            bucket, earlier = [await S3Blobs.open(server.settings, clock) for clock in (time.time, behind)]
            try:
                yield Store(bucket, earlier, http)
            finally:
                await bucket.close()
                await earlier.close()
            return
        app = web.Application(middlewares=[log_requests, answer_problems])
        app.add_routes(routes.routes)
        app[RECEIVING] = Receiving()
        local = TestServer(app)
        folder, past = [
            LocalBlobs(tmp_path / "blobs", lambda: str(local.make_url("")).rstrip("/"), clock)
            for clock in (time.time, behind)
        ]
        app[BLOBS] = folder
        async with local:
            yield Store(folder, past, http)
