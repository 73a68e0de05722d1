"""PostgreSQL: the pool, and statements that lie in sql/queries, one a file."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from coachwire_protocol.errors import Unavailable

from coachwire.measures import POOL_WAIT
from coachwire.resources import folder

log = structlog.get_logger()

if TYPE_CHECKING:
    Tx: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    Tx = PoolConnectionProxy  # generic for the type checker only
Row = TypeVar("Row")

POOL = 10  # connections an instance; one lane writes, the rest answers reads
ACQUIRE = 0.5  # s; these four add up so that `unavailable` leaves within 3 s
LOCK = "1s"
STATEMENT = "2s"
DEADLINE = 2.5  # s, on this side of the link: a frozen database answers no timeout of its own
CONNECT = 2.0  # s

# Every statement, by name: a test prepares each against the migrated schema.
QUERIES: dict[str, "Query[Any]"] = {}

# The link or the server failed, or the rows were held too long: the same request may be sent again.
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, statement_timeout
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,  # deadlock
    asyncpg.ReadOnlySQLTransactionError,  # an old primary
    asyncpg.InvalidCachedStatementError,  # the schema moved on
)
HELD = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, asyncpg.TransactionRollbackError)


class Query(Generic[Row]):
    """One statement of `sql/queries/<name>.sql`; `row` makes a row of its columns, in order."""

    def __init__(self, name: str, row: Callable[..., Row]) -> None:
        self.name = name
        self.row = row
        self.sql = (folder("sql") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        QUERIES[name] = self

    async def rows(self, tx: Tx, *arguments: object) -> list[Row]:
        return [self.row(*record) for record in await tx.fetch(self.sql, *arguments)]

    async def first(self, tx: Tx, *arguments: object) -> Row | None:
        record = await tx.fetchrow(self.sql, *arguments)
        return self.row(*record) if record else None

    async def one(self, tx: Tx, *arguments: object) -> Row:
        """For a statement that always has a row."""
        row = await self.first(tx, *arguments)
        if row is None:
            raise LookupError(f"{self.name} returned no row")
        return row

    async def run(self, tx: Tx, *arguments: object) -> None:
        """For a statement without rows."""
        await tx.execute(self.sql, *arguments)


class Database:
    """The pool. Every wait has a limit; whatever passes by itself becomes `Unavailable`. `role`: whose rights its
    connections have, when not their login's (see roles.py)."""

    def __init__(self, dsn: str, role: str | None = None) -> None:
        self._dsn = dsn
        self._role = {} if role is None else {"role": role}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the pool; nothing is connected yet."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,  # a floor would be restored beside us, with tracebacks while the database is away
            max_size=POOL,
            timeout=CONNECT,
            command_timeout=DEADLINE,
            reset=_keep,
            max_cached_statement_lifetime=0,
            server_settings={
                "application_name": "coachwire",
                "lock_timeout": LOCK,
                "statement_timeout": STATEMENT,
                "jit": "off",
                "timezone": "UTC",
                **self._role,
            },
        )

    async def alone(self, name: str, *, deadline: float) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection beside the pool, whose statements may take that long (s). Whoever opens it, closes it; errors
        come as they are."""
        return await asyncpg.connect(
            self._dsn,
            timeout=CONNECT,
            command_timeout=deadline,
            server_settings={
                "application_name": f"coachwire {name}",
                "lock_timeout": LOCK,
                "timezone": "UTC",
                **self._role,
            },
        )

    async def close(self) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(DEADLINE):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tx]:
        """A connection in autocommit. Raises `Unavailable` when none can be had, or the work in it failed for a passing
        reason; the cause is chained, and after it the outcome of a writing statement is unknown."""
        if self._pool is None:
            raise RuntimeError("the database was not opened")
        try:
            with POOL_WAIT.time():
                tx = await self._pool.acquire(timeout=ACQUIRE)
        except PASSING as error:
            raise Unavailable from error
        try:
            yield tx
        except PASSING as error:
            if not isinstance(error, HELD):
                _cut(tx)
            raise Unavailable from error
        except asyncio.CancelledError:
            _cut(tx)
            raise
        finally:
            await self._release(tx)

    async def _release(self, tx: Tx) -> None:
        if self._pool is None:
            return
        try:
            await self._pool.release(tx, timeout=ACQUIRE)
        except PASSING as error:
            log.warning("connection_dropped", error=type(error).__name__)


def _cut(tx: Tx) -> None:
    """A link in an unknown state is not given back."""
    with suppress(asyncpg.InterfaceError):  # it has ended by itself, and the pool has it back already
        tx.terminate()


async def _keep(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Statements run in autocommit and set nothing that the next one must not find: asyncpg's own reset, four
    statements, is for a transaction that somebody left open."""
    if connection.is_in_transaction():
        await connection.reset()
