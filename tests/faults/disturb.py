"""Does what the plan says to instances, Redis, PostgreSQL and memberships, and notes when."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
from coachwire.embedded import EmbeddedPostgres

from ..gym import Someone
from ..history import Drain, Fault, History, Suspension
from ..instances import Instance
from ..services import EmbeddedRedis
from .schedule import Planned

AGAIN = 0.1  # s
STARTS = 20  # attempts
UNAVAILABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class Disturber:
    """What it does is undone when it returns: all runs again. Suspensions may go on beside it."""

    def __init__(
        self, servers: list[Instance], postgres: EmbeddedPostgres, redis: EmbeddedRedis, history: History
    ) -> None:
        self._servers = servers
        self._postgres = postgres
        self._redis = redis
        self._history = history
        self._loop = asyncio.get_running_loop()
        self._ways: dict[str, Callable[[Instance, float], Awaitable[None]]] = {
            "kill -9": self._kill,
            "SIGTERM": self._terminate,
            "SIGSTOP": self._freeze,
            "Redis killed": self._kill_redis,
            "Redis frozen": self._freeze_redis,
            "Redis emptied": self._empty_redis,
            "PostgreSQL crash": self._crash_postgres,
            "backends terminated": self._terminate_backends,
            "LISTEN cut": self._cut_listen,
        }

    async def inflict(self, planned: Planned) -> None:
        """A fault, and the one that falls into it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._inflict(planned))
            if planned.beside is not None:
                await asyncio.sleep(planned.beside.pause)
                group.create_task(self._inflict(planned.beside))

    async def _inflict(self, planned: Planned) -> None:
        server = self._servers[planned.instance]
        place = server.url if planned.kind in ("kill -9", "SIGTERM", "SIGSTOP") else ""
        began = self._loop.time()
        fault = len(self._history.faults)
        self._history.faults.append(Fault(planned.kind, place, began, float("inf")))
        await self._ways[planned.kind](server, planned.lasts)
        self._history.faults[fault] = Fault(planned.kind, place, began, self._loop.time())

    async def suspend(self, someone: Someone, lasts: float) -> None:
        """Whatever else goes on: the statements are repeated until they are committed."""
        begun = self._loop.time()
        await self._set_status(someone, "suspended")
        suspension = Suspension(someone.user_id, someone.organization_id, begun, self._loop.time())
        self._history.suspensions.append(suspension)
        try:
            await asyncio.sleep(lasts)
        finally:
            suspension.reinstating = self._loop.time()
            await self._set_status(someone, "active")
            suspension.reinstated = self._loop.time()

    async def _set_status(self, someone: Someone, status: str) -> None:
        while True:
            try:
                connection = await asyncpg.connect(self._postgres.dsn, timeout=5)
                try:
                    await connection.execute(
                        "update memberships set status = $2 where id = $1",
                        UUID(someone.membership_id),
                        status,
                    )
                    return
                finally:
                    await connection.close()
            except UNAVAILABLE:
                await asyncio.sleep(AGAIN)

    async def _kill(self, server: Instance, lasts: float) -> None:
        server.kill()
        await server.exit_code()
        await asyncio.sleep(lasts)
        await self._start(server)

    async def _terminate(self, server: Instance, lasts: float) -> None:
        at = self._loop.time()
        server.terminate()
        try:
            code: int | None = await server.exit_code()
        except TimeoutError:
            code = None
            await server.stop()
        self._history.drains.append(Drain(server.url, at, self._loop.time(), code))
        await asyncio.sleep(lasts)
        await self._start(server)

    async def _start(self, server: Instance) -> None:
        """As a supervisor does: again, while it cannot start without its database."""
        for left in range(STARTS, 0, -1):
            try:
                await server.start()
                return
            except AssertionError:
                if left == 1:
                    raise
                await asyncio.sleep(AGAIN)

    async def _freeze(self, server: Instance, lasts: float) -> None:
        server.freeze()
        await asyncio.sleep(lasts)
        server.thaw()

    async def _kill_redis(self, _: Instance, lasts: float) -> None:
        self._redis.kill()
        await asyncio.sleep(lasts)
        await asyncio.to_thread(self._redis.start)

    async def _freeze_redis(self, _: Instance, lasts: float) -> None:
        self._redis.freeze()
        await asyncio.sleep(lasts)
        self._redis.thaw()

    async def _empty_redis(self, _: Instance, __: float) -> None:
        await asyncio.to_thread(self._redis.ask, "FLUSHALL")

    async def _crash_postgres(self, _: Instance, lasts: float) -> None:
        await asyncio.to_thread(self._postgres.kill)
        await asyncio.sleep(lasts)
        await asyncio.to_thread(self._postgres.start)

    async def _terminate_backends(self, _: Instance, lasts: float) -> None:
        await self._cut(lasts, "coachwire%")

    async def _cut_listen(self, _: Instance, lasts: float) -> None:
        await self._cut(lasts, "coachwire listen")

    async def _cut(self, lasts: float, name: str) -> None:
        """Again and again: links are made anew after a second."""
        connection = await asyncpg.connect(self._postgres.dsn)
        try:
            end = self._loop.time() + lasts
            while self._loop.time() < end:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1",
                    name,
                )
                await asyncio.sleep(AGAIN)
        finally:
            await connection.close()
