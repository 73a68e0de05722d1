"""An endpoint as the platform, or a push service, has one: it notes what it is posted, and answers as it is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "QWxsIHRoaXMgaXMgYSBzZWNyZXQgb2YgdGhlIHRlc3Rz"
PATIENCE = 10.0  # s; a test that waits longer has failed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Post:
    """What arrived."""

    headers: dict[str, str]  # by names in lower case
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str = SECRET) -> Any:
        """As a receiver reads it. Raises when the signature is not by this secret."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Answers 204, unless something else was put into `answers`: a status, or a handler."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: list[int | Handler] = []
        self._arrived: asyncio.Queue[Post] = asyncio.Queue()
        app = web.Application(client_max_size=1_000_000)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/hooks"))

    async def next(self) -> Post:
        """What arrives next, or has arrived and was not asked for yet."""
        async with asyncio.timeout(PATIENCE):
            return await self._arrived.get()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(headers, await request.read())
        self.posts.append(post)
        self._arrived.put_nowait(post)
        answer = self.answers.pop(0) if self.answers else 204
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)
