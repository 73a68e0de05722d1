"""Runs the application: the loop, the listening socket, the signals."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog
from aiohttp import web

from coachwire.app import init_app
from coachwire.bus.topology import addresses
from coachwire.keys import READINESS
from coachwire.observe import configure
from coachwire.scrape import scraped
from coachwire.settings import Settings, SettingsError
from coachwire.socket.patience import SILENT, impatient

log = structlog.get_logger()

BACKLOG = 1024


async def run(
    settings: Settings,
    started: Callable[[str], None],
    more_routes: Iterable[web.RouteDef] = (),
    *,
    stop: asyncio.Event | None = None,
    shared_port: bool = False,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`, then drain. `started` gets the address when connections are accepted."""
    app = init_app(settings)
    app.add_routes(more_routes)
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=30,
        shutdown_timeout=1,
        auto_decompress=False,  # nobody compresses what is so short, but who wants us to unpack a bomb
    )
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with scraped(settings.metrics):
        await _accept_until(stop, app, runner, settings, started, shared_port)


async def _accept_until(
    stop: asyncio.Event,
    app: web.Application,
    runner: web.AppRunner,
    settings: Settings,
    started: Callable[[str], None],
    shared_port: bool,
) -> None:
    await runner.setup()
    loop = asyncio.get_running_loop()
    try:
        assert runner.server is not None  # noqa: S101 - set up
        listener = await loop.create_server(
            impatient(runner.server, app[SILENT]),
            settings.host,
            settings.port,
            backlog=BACKLOG,
            reuse_port=shared_port or None,
        )
        gc.collect()
        gc.set_threshold(20_000, 20, 20)  # a batch is thousands of objects that no cycle holds
        gc.freeze()  # what lives as long as the process need not be looked at again
        host, port = listener.sockets[0].getsockname()[:2]
        started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        await stop.wait()
        app[READINESS].draining = True
        listener.close()
    finally:
        await runner.cleanup()


def serve(settings: Settings) -> None:
    """`coachwire serve`. Raises `SettingsError` for what is missing, before anything starts."""
    prepare(settings)
    run_loop(run(settings, lambda address: log.info("started", address=address)))
    log.info("stopped")


def prepare(settings: Settings) -> None:
    """Raise `SettingsError` for what serving needs and is missing; set up the log, and warn in it."""
    if settings.jwt_secret is None and settings.jwks_url is None:
        raise SettingsError(
            "neither COACHWIRE_JWT_SECRET nor COACHWIRE_JWKS_URL is set: one of them verifies tokens"
        )
    configure(settings.log_level)
    _warn_of_redis(settings)


def _warn_of_redis(settings: Settings) -> None:
    """Whoever reaches an open Redis reads what people write, and can make it up."""
    if settings.redis_url is None:
        return
    try:
        lacking = max((address.lacking for address in addresses(settings.redis_url)), key=len)
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}") from None
    if lacking:
        log.warning("redis_unguarded", lacking=lacking)


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where there is one."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    uvloop.run(work)
