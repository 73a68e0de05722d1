"""Loops that run beside the handlers: each for ever, whatever happens in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from coachwire.observe import place

log = structlog.get_logger()

AGAIN = 1.0  # s from a failure to the next try

Loop = Callable[[], Awaitable[None]]


@asynccontextmanager
async def running_beside(loops: Mapping[str, Loop]) -> AsyncIterator[None]:
    """Run these, by name, until the block ends; then they are cancelled and waited for."""
    tasks = [asyncio.create_task(_keep(name, loop), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(name: str, loop: Loop) -> None:
    while True:
        try:
            await loop()
        except (
            Exception
        ) as error:  # the edge: a loop that ended would take repair or heartbeat from a server that stays
            log.critical("loop_failed", loop=name, error=type(error).__name__, place=place(error))
        await asyncio.sleep(AGAIN)
