"""One connection of a command's own, outside the server's pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from coachwire.settings import SettingsError

PATIENCE = 10  # s until a database that does not answer is given up


@asynccontextmanager
async def connection(dsn: str) -> AsyncIterator[Any]:
    """Raises `SettingsError` for an address that cannot be read; asyncpg's errors and OSError otherwise."""
    try:
        connected = await asyncpg.connect(dsn, timeout=PATIENCE)
    except ValueError as error:  # what asyncpg raises while it reads the address
        raise SettingsError(f"DATABASE_URL: {error}") from None
    try:
        yield connected
    finally:
        await connected.close()
