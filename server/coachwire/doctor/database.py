"""Is the database as a server needs it: there, new enough, with our schema, and honest about what it has stored?"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg

from coachwire.database import POOL
from coachwire.doctor.check import Finding, failed, ok, warning
from coachwire.doctor.jobs import check_jobs
from coachwire.doctor.replies import check_replies
from coachwire.doctor.roles import check_role
from coachwire.migrate import SchemaMismatch, check, migrations
from coachwire.settings import Settings
from coachwire.streams.partitions import DAY, EXPIRED, ROOM, WEEK

PATIENCE = 5.0  # s
OLDEST = 15  # major version
LISTENING = 1  # connections a worker, beside its pool
CLOCKS = (1.0, 30.0)  # s that they may differ: to be mentioned, and to be repaired

Connection = Any  # of asyncpg

TRIGGER = re.compile(r"^create trigger (\w+) (?:after|before) [^;]*? on (\w+)", re.MULTILINE)


async def check_database(settings: Settings) -> AsyncIterator[Finding]:
    if settings.database_url is None:
        yield failed("database", "DATABASE_URL is not set", "Set it: postgresql://user@host/coachwire")
        return
    try:
        tx = await asyncpg.connect(settings.database_url, timeout=PATIENCE, command_timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        yield failed(
            "database",
            f"cannot be reached: {error or type(error).__name__}",
            "Is PostgreSQL running, does DATABASE_URL name it, and does pg_hba.conf let this role in?",
        )
        return
    try:
        yield _version(tx)
        schema = await _schema(tx)
        yield schema
        role = await check_role(tx) if schema.state == "ok" else None
        if role is not None:
            yield role
        if role is not None and role.state != "failed":  # else it may look at nothing
            yield await _triggers(tx)
            yield await _partitions(tx, settings.stream_retention)
            yield await check_jobs(tx)
            yield await check_replies(tx)
        yield await _durability(tx)
        yield await _clock(tx)
        yield await _connections(tx, settings.workers)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        yield failed("database", f"a check broke off: {error or type(error).__name__}", "Try again.")
    finally:
        await tx.close(timeout=PATIENCE)


def _version(tx: Connection) -> Finding:
    version = tx.get_server_version()
    found = f"PostgreSQL {version.major}.{version.minor}"
    if version.major < OLDEST:
        return failed("database", found, f"Update PostgreSQL to {OLDEST} or newer.")
    return ok("database", found)


async def _schema(tx: Connection) -> Finding:
    try:
        await check(tx)
    except SchemaMismatch as error:
        return failed("schema", str(error), "Run `coachwire migrate` of the version that is to serve.")
    return ok("schema", f"this version's, {len(migrations())} migrations")


async def _triggers(tx: Connection) -> Finding:
    """Without them nobody hears of what the platform changes."""
    wanted = {(table, name) for m in migrations() for name, table in TRIGGER.findall(m.text)}
    rows = await tx.fetch(
        "select c.relname::text, t.tgname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid"
        " where c.oid = to_regclass(quote_ident(c.relname)) and not t.tgisinternal and t.tgenabled in ('O', 'A')"
    )
    missing = sorted(wanted - {tuple(row) for row in rows})
    if not missing:
        return ok("triggers", f"{len(wanted)} on the platform's tables")
    table, name = missing[0]
    return failed(
        "triggers",
        "missing or disabled: " + ", ".join(f"{name} on {table}" for table, name in missing),
        f"ALTER TABLE {table} ENABLE TRIGGER {name}, or restore it from sql/migrations.",
    )


async def _partitions(tx: Connection, retention: int) -> Finding:
    room = await ROOM.one(tx)
    found = f"room for events for {room.seconds / 86_400:.0f} days"
    if room.seconds < WEEK:
        return failed("partitions", found, "Start a server: it makes four weeks.")
    if left := await EXPIRED.rows(tx, retention + 2 * DAY):
        return warning(
            "partitions",
            f"{found}; past COACHWIRE_STREAM_RETENTION and still there: {', '.join(one.name for one in left)}",
            "A server drops them daily, once no older transaction is open: look for one in pg_stat_activity.",
        )
    return ok("partitions", found)


async def _durability(tx: Connection) -> Finding:
    """`ok` means that a message is on disk."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    values = {name: await tx.fetchval("select current_setting($1)", name) for name in names}
    found = ", ".join(f"{name} {value}" for name, value in values.items())
    if off := [name for name, value in values.items() if value == "off"]:
        return failed(
            "durability", found, f"Set {', '.join(off)} to on: else a crash loses answered messages."
        )
    return ok("durability", found)


async def _clock(tx: Connection) -> Finding:
    before = datetime.now(UTC)
    theirs = await tx.fetchval("select clock_timestamp()")
    after = datetime.now(UTC)
    apart = max((theirs - after).total_seconds(), (before - theirs).total_seconds(), 0.0)
    found = f"{apart:.1f} s from the database's"
    advice = "Let both machines keep time by NTP: tokens expire by this clock, messages carry that one."
    if apart > CLOCKS[1]:
        return failed("clock", found, advice)
    return warning("clock", found, advice) if apart > CLOCKS[0] else ok("clock", found)


async def _connections(tx: Connection, workers: int) -> Finding:
    most = await tx.fetchval(
        "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    )
    others = await tx.fetchval(
        "select count(*) from pg_stat_activity"
        " where backend_type = 'client backend' and application_name not like 'coachwire%'"
        " and pid <> pg_backend_pid()"
    )
    need = workers * (POOL + LISTENING)
    found = f"{need} for {workers} {'worker' if workers == 1 else 'workers'}, {most} there are, {others} in others' use"
    advice = "Raise max_connections, or lower COACHWIRE_WORKERS; count all instances."
    if need > most:
        return failed("connections", found, advice)
    return warning("connections", found, advice) if need + others > most else ok("connections", found)
