"""The server that the model is held against."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings

from ..gym import SECRET

T = TypeVar("T")


class World:
    """One server and one loop for all examples; it runs while a step of one does."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def __enter__(self) -> "World":
        self.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._close())
        self._runner.close()

    async def _open(self) -> None:
        self._server = TestServer(
            init_app(Settings(database_url=self.dsn, jwt_secret=SECRET, rate_limit=None))
        )
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")
        self.http = ClientSession(base_url=self.url)
        self.tables = await asyncpg.connect(self.dsn)

    async def _close(self) -> None:
        await self.tables.close()
        await self.http.close()
        await self._server.close()
