"""Puts the parts together; the only module that knows them all."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web
from coachwire_protocol.frames import encode, notice_frame
from coachwire_protocol.schema import NoticeKind
from coachwire_protocol.session import DrainingNotice

from coachwire import rest, service
from coachwire.acks import Acks
from coachwire.auth import Authenticator
from coachwire.bus import Bus, InProcessBus
from coachwire.bus_redis import RedisBus
from coachwire.cors import allow_origins
from coachwire.database import Database
from coachwire.fanout import Fanout
from coachwire.heartbeat import beat
from coachwire.hub import Hub
from coachwire.jwks import KeySet
from coachwire.keys import (
    ACKS,
    AUTHENTICATOR,
    DATABASE,
    FANOUT,
    POLLS,
    READINESS,
    RUNNER,
    SETTINGS,
    SOCKETS,
)
from coachwire.migrate import check
from coachwire.observe import configure
from coachwire.operation import Runner
from coachwire.operations import (
    conversations,
    devices,
    editing,
    history,
    messages,
    organization,
    receipts,
    session,
)
from coachwire.partitions import keep_partitions, make_partitions
from coachwire.pending import Pending
from coachwire.polls import Polls
from coachwire.problems import answer_problems
from coachwire.readiness import Readiness
from coachwire.repair import Repair
from coachwire.settings import Settings, SettingsError
from coachwire.socket import SocketDoor
from coachwire.streams import Streams
from coachwire.unread import UnreadCounts

log = structlog.get_logger()

OPERATIONS = (
    conversations,
    devices,
    editing,
    history,
    messages,
    organization,
    receipts,
    session,
)  # imported for their lines in the table of operations

FINISH = 5.0  # s for what is in flight at SIGTERM
WINDOW = 5.0  # s over which many sockets are closed, so that they do not come back all at once
CLOSE = 0.01  # s of that window a socket
BACKLOG = 1024


def init_app(settings: Settings) -> web.Application:
    """The application, not started. It needs a database and a secret in the settings."""
    app = web.Application(middlewares=[allow_origins, answer_problems], client_max_size=rest.MAX_BODY)
    app[SETTINGS] = settings
    app[READINESS] = Readiness()
    app.add_routes(rest.routes)
    app.add_routes(
        [
            web.get("/v1/ws", _socket),
            web.get("/healthz", service.healthz),
            web.get("/readyz", service.readyz),
            *service.page_routes(),
        ]
    )
    app.cleanup_ctx.append(_parts)
    app.on_shutdown.append(_drain)
    return app


async def run(
    settings: Settings, started: Callable[[str], None], more_routes: Iterable[web.RouteDef] = ()
) -> None:
    """Serve until SIGTERM or SIGINT, then drain. `started` gets the address when connections are accepted."""
    app = init_app(settings)
    app.add_routes(more_routes)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=30, shutdown_timeout=1)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
        await site.start()
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at again
        host, port = runner.addresses[0][:2]
        started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        await stop.wait()
        app[READINESS].draining = True
    finally:
        await runner.cleanup()


def serve(settings: Settings) -> None:
    """`coachwire serve`. Raises `SettingsError` for what is missing, before anything starts."""
    if settings.jwt_secret is None and settings.jwks_url is None:
        raise SettingsError(
            "neither COACHWIRE_JWT_SECRET nor COACHWIRE_JWKS_URL is set: one of them verifies tokens"
        )
    configure()
    run_loop(run(settings, lambda address: log.info("started", address=address)))
    log.info("stopped")


def dev(settings: Settings) -> None:
    """`coachwire dev`."""
    if settings.jwks_url is not None:
        raise SettingsError(
            "COACHWIRE_JWKS_URL: expected none, `coachwire dev` signs its people's tokens itself"
        )
    from coachwire.dev import run_dev  # only here: it brings the embedded parts

    configure()
    run_loop(run_dev(settings))


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where there is one."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    uvloop.run(work)


async def _socket(request: web.Request) -> web.StreamResponse:
    if request.app[READINESS].draining:
        return web.Response(status=503, headers={"Retry-After": "1"})
    return await request.app[SOCKETS].handle(request)


async def _parts(app: web.Application) -> AsyncIterator[None]:
    """Open what is to be opened, start what runs beside the handlers, and undo it in reverse."""
    settings = app[SETTINGS]
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set")
    database = Database(settings.database_url)
    await database.open()
    try:
        await _check_schema(settings.database_url)
        await make_partitions(database)
        bus = _bus(settings)
        hub = Hub()
        streams = Streams(database)
        unread = UnreadCounts(hub, database)
        repair = Repair(hub, streams, bus, changed=unread.changed)
        fanout = Fanout(hub, bus, doubt=repair.doubt, changed=unread.changed)
        runner = Runner(database, fanout, settings.rate_limit, timedelta(seconds=settings.edit_window))
        acks = Acks(database)
        pending = Pending(settings.database_url, database, streams, fanout)
        keys = None if settings.jwks_url is None else KeySet(settings.jwks_url)
        authenticator = Authenticator(settings, database, keys)
        sockets = SocketDoor(
            settings=settings,
            database=database,
            authenticator=authenticator,
            streams=streams,
            hub=hub,
            bus=bus,
            fanout=fanout,
            runner=runner,
            acks=acks,
        )
        app[DATABASE], app[AUTHENTICATOR], app[RUNNER], app[SOCKETS] = (
            database,
            authenticator,
            runner,
            sockets,
        )
        app[FANOUT], app[ACKS], app[POLLS] = fanout, acks, Polls(streams, hub, bus)
        await bus.start(fanout.receive, repair.doubt)
        beside = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("close_gaps", repair.close_gaps()),
                ("compare", repair.compare()),
                ("heartbeat", beat(sockets.connections)),
                ("unread", unread.run()),
                ("acks", acks.run()),
                ("pending", pending.work()),
                ("listen", pending.listen()),
                ("partitions", keep_partitions(database)),
                *([] if keys is None else [("keys", keys.keep())]),
            )
        ]
        for task in beside:
            task.add_done_callback(_tell_of_the_dead)
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await sockets.close()
            if keys is not None:
                await keys.close()
            await runner.close()
            await acks.write()
            await bus.close()
    finally:
        await database.close()


async def _drain(app: web.Application) -> None:
    """Finish what is in flight, tell the clients, and close their sockets spread over a window."""
    sockets, runner = app[SOCKETS], app[RUNNER]
    app[POLLS].drain()
    try:
        async with asyncio.timeout(FINISH):
            await runner.finish()
    except TimeoutError:
        log.warning("drain_unfinished")
    window = min(WINDOW, CLOSE * len(sockets.connections))
    spread = int(1000 * (window + 1))
    notice = notice_frame(NoticeKind.DRAINING, encode(DrainingNotice(reconnect_within_ms=(0, spread))))
    for connection in list(sockets.connections):
        connection.send(notice)
    try:
        async with asyncio.timeout(window + FINISH):
            await sockets.drain(window)
    except TimeoutError:
        log.warning("drain_aborted", sockets=len(sockets.connections))


def _bus(settings: Settings) -> Bus:
    if settings.redis_url is None:
        return InProcessBus()
    try:
        return RedisBus(settings.redis_url)
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}") from None


async def _check_schema(dsn: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        await check(connection)
    finally:
        await connection.close(timeout=1)


def _tell_of_the_dead(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("loop_died", loop=task.get_name(), error=type(error).__name__)
