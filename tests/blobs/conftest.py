"""Both stores, each real: the folder behind routes of a server, and S3 by versitygw."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from coachwire.blobs import Blobs, Presigned
from coachwire.blobs_local import LocalBlobs
from coachwire.keys import BLOBS
from coachwire.problems import answer_problems
from coachwire.request_log import log_requests
from coachwire.rest import blobs as routes

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"


@dataclass(frozen=True)
class Store:
    """A store as its owner holds it, and a client's means to follow its links."""

    blobs: Blobs
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


@pytest.fixture(params=["folder"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with ClientSession() as http:
        app = web.Application(middlewares=[log_requests, answer_problems])
        app.add_routes(routes.routes)
        app[routes.PUTTING] = set()
        server = TestServer(app)
        blobs: Blobs = LocalBlobs(tmp_path / "blobs", lambda: str(server.make_url("")).rstrip("/"))
        app[BLOBS] = blobs
        async with server:
            yield Store(blobs, http)
