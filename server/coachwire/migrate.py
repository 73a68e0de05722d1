"""The schema: brings a database forward, one file a transaction, and tells whether it fits this code."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import asyncpg

from coachwire import external
from coachwire.connect import connection
from coachwire.resources import folder

PLATFORM_FILE = "0001_platform.sql"
LEFT_OUT = "external"  # stands in place of a checksum: the platform made these tables, not this file
LOCK = 0x636F616368  # key of the advisory lock, "coach"
LOCK_WAIT = 60  # s; what another migration may take before this one gives up
TABLE_WAIT = 5  # s for a table in use: whoever needs the table next waits behind a migration that waits

Connection = Any  # asyncpg's connections: pooled ones are another class, of the same shape


class SchemaError(Exception):
    """The database's schema cannot be used or changed as asked; the text says why and what to do."""


class SchemaMismatch(SchemaError):
    """The schema is older or newer than this code, or was made by another version of its files."""


class MigrationFailed(SchemaError):
    """A migration was not carried out. Files applied before stay; nothing of the failing one does."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str
    checksum: str  # SHA-256 of the file's bytes, hex


def migrations(directory: Path | None = None) -> list[Migration]:
    """All that this code knows, in order."""
    found = []
    for path in sorted((directory or folder("sql") / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql")):
        data = path.read_bytes()
        found.append(Migration(path.name, data.decode(), hashlib.sha256(data).hexdigest()))
    return found


async def migrate(
    dsn: str,
    *,
    platform: Literal["own", "external"] = "own",
    progress: Callable[[str], None] | None = None,
    directory: Path | None = None,
) -> list[str]:
    """Applies what is missing and returns its names. Started twice at once, one works, the other waits.

    With `platform="external"` the platform's tables are checked, not made; the database remembers that.
    Raises `SchemaError`; errors of the connection come as they are.
    """
    async with connection(dsn) as tx:
        # The lock belongs to the session: through a transaction pooler it would protect nothing.
        await _lock(tx)
        known = migrations(directory)
        await tx.execute(
            "create table if not exists schema_migrations"
            " (name text primary key, checksum text not null, applied_at timestamptz not null default now())"
        )
        applied = await _applied(tx)
        missing = _missing(known, applied)
        left_out: set[str] = set()
        if platform == "external" or applied.get(PLATFORM_FILE) == LEFT_OUT:
            left_out = await _platform(tx)
        names = []
        for migration in missing:
            if progress is not None:
                progress(migration.name)
            await _apply(tx, migration, left_out=migration.name in left_out)
            if migration.name not in left_out:
                names.append(migration.name)
        return names


async def check(tx: Connection, directory: Path | None = None) -> None:
    """Returns when the schema is exactly the one of this code; else raises `SchemaMismatch`."""
    if await tx.fetchval("select to_regclass('schema_migrations')") is None:
        raise SchemaMismatch("The database has no tables of Coachwire yet: run `coachwire migrate`.")
    missing = _missing(migrations(directory), await _applied(tx))
    if missing:
        raise SchemaMismatch(
            f"The database's schema is older than this server: {missing[0].name} is missing."
            " Run `coachwire migrate`."
        )


async def _lock(tx: Connection) -> None:
    await tx.execute(f"set lock_timeout = {int(LOCK_WAIT * 1000)}")
    try:
        await tx.execute("select pg_advisory_lock($1)", LOCK)
    except asyncpg.LockNotAvailableError:
        raise MigrationFailed(
            f"Another migration of this database is running; waited {LOCK_WAIT} s for it. Try again later."
        ) from None
    await tx.execute(f"set lock_timeout = {int(TABLE_WAIT * 1000)}")


async def _applied(tx: Connection) -> dict[str, str]:
    rows = await tx.fetch("select name, checksum from schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


def _missing(known: list[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """What is still to be applied; raises when the database went another way than these files."""
    newer = sorted(set(applied) - {migration.name for migration in known})
    if newer:
        raise SchemaMismatch(
            f"The database's schema is newer than this server: it has {', '.join(newer)}."
            " Update Coachwire to the version that made it."
        )
    for migration in known:
        checksum = applied.get(migration.name, migration.checksum)
        if checksum not in (migration.checksum, LEFT_OUT):
            raise SchemaMismatch(
                f"{migration.name} was changed after it had been applied to this database."
                " Released migrations are never edited: restore the file, add another."
            )
    missing = [migration for migration in known if migration.name not in applied]
    if missing and applied and missing[0].name < max(applied):
        raise SchemaMismatch(
            f"{missing[0].name} is missing though {max(applied)} was applied: migrations only go forward."
        )
    return missing


async def _platform(tx: Connection) -> set[str]:
    """Which files are left out, because what they make is the platform's and fits."""
    try:
        adopted = await external.check_platform(tx)
    except external.PlatformMismatch as error:
        raise MigrationFailed(str(error)) from None
    return {PLATFORM_FILE, *adopted}


async def _apply(tx: Connection, migration: Migration, *, left_out: bool) -> None:
    try:
        async with tx.transaction():
            if not left_out:
                await tx.execute(migration.text)
            await tx.execute(
                "insert into schema_migrations (name, checksum) values ($1, $2)",
                migration.name,
                LEFT_OUT if left_out else migration.checksum,
            )
    except asyncpg.PostgresError as error:
        hint = ""
        if migration.name == PLATFORM_FILE and isinstance(
            error, asyncpg.DuplicateObjectError | asyncpg.DuplicateTableError
        ):
            hint = " If these tables are the platform's, use `--platform external`."
        raise MigrationFailed(
            f"{migration.name}: {error}.{hint} Nothing of this file was applied."
        ) from error
