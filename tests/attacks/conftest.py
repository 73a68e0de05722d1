"""The server, gyms and phones of tests/server, and lines on which every byte is written by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ..server.conftest import (
    database,
    database_url,
    gym,
    http,
    log,
    one_database_url,
    other_gym,
    phone,
    server,
    settings,
    url,
)
from .line import Line

__all__ = [
    "database",
    "database_url",
    "gym",
    "http",
    "log",
    "one_database_url",
    "other_gym",
    "phone",
    "server",
    "settings",
    "url",
]

OpenLine = Callable[[], Awaitable[Line]]


@pytest.fixture
async def line(url: str) -> AsyncIterator[OpenLine]:
    """`await line()` is a bare connection to the server."""
    lines: list[Line] = []

    async def open_line() -> Line:
        lines.append(await Line.to(url))
        return lines[-1]

    yield open_line
    for one in lines:
        one.cut()
