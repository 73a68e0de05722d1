"""The search index in tests: caught up, or kept from catching up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from coachwire.database import Database
from coachwire.search.indexing import Indexing

from .platform import Tables

LOCK = "hashtextextended('coachwire.search', 0)"

Index = Callable[[], Awaitable[None]]


async def index(database_url: str, tables: Tables) -> None:
    """Everything that is to be indexed by now is: by us, or by the server under test, whichever comes first."""
    async with _indexing(database_url) as ours:
        while await tables.fetchval("select exists (select from search_pending)"):
            if not await ours.index_pending():
                async with tables.transaction():  # until whoever is at it has finished
                    await tables.execute(f"select pg_advisory_xact_lock({LOCK})")


async def index_backlog(database_url: str, tables: Tables) -> None:
    """What was there before the index, too."""
    async with _indexing(database_url) as ours:
        while await tables.fetchval("select exists (select from search_backlog)"):
            await ours.index_backlog()


@asynccontextmanager
async def _indexing(database_url: str) -> AsyncIterator[Indexing]:
    database = Database(database_url)
    await database.open()
    try:
        yield Indexing(database)
    finally:
        await database.close()


@asynccontextmanager
async def index_held(tables: Tables) -> AsyncIterator[None]:
    """Meanwhile nobody indexes, as if every worker were dead."""
    await tables.execute(f"select pg_advisory_lock({LOCK})")
    try:
        yield
    finally:
        await tables.execute(f"select pg_advisory_unlock({LOCK})")
