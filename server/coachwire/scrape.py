"""The port where Prometheus reads the measures: nothing else is served there, and nobody is asked who they are."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from coachwire.settings import MetricsAddress, SettingsError

log = structlog.get_logger()


@asynccontextmanager
async def scraped(
    address: MetricsAddress | None, registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[None]:
    """Serve `/metrics` meanwhile. A port that was asked for and is taken raises `SettingsError`; the standard one is
    given up with a warning, so that two servers start on one machine."""
    if address is None:
        yield
        return

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Server": "coachwire"},
        )

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            if address.asked:
                raise SettingsError(
                    f"COACHWIRE_METRICS_PORT: cannot listen on {address}: {_reason(error)}"
                ) from None
            log.warning("metrics_off", address=str(address), error=type(error).__name__)
        else:
            host, port = runner.addresses[0][:2]
            log.info("metrics", address=f"http://{MetricsAddress(host, port)}/metrics")
        yield
    finally:
        await runner.cleanup()


def _reason(error: OSError) -> str | None:
    """Without the address, which asyncio repeats; those of names are not of the system's numbers."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
