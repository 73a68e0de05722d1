"""What values cost where there are many: reading sets and histories, loads, recording. `python -m bench.metrics --help`

Fills a PostgreSQL of its own by COPY: gyms of 500 members, whose values were recorded over the last weeks, a third of
them elsewhere. Shows how sets are read, and asks each statement in turn as the server does, one at a time. The exit
status is 1 when values are read otherwise than by the data model's index; times are printed and never judged."""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import coachwire.app  # noqa: F401 - for its statements
from coachwire.database import QUERIES
from coachwire.embedded import EmbeddedPostgres
from coachwire.migrate import migrate
from coachwire.roles import SERVER

from bench.metrics_world import Filled, fill, found
from bench.world import passing_folder

CALLS = 1_000
FEWER = 200  # of what takes longer
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
INDEX = "member_metrics_member_def_recorded_idx"
TABLES = ("member_metrics", "metric_origins", "metric_grants")
EXPLAIN = {
    "auto_explain.log_min_duration": "0", "auto_explain.log_nested_statements": "on", "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on", "auto_explain.log_timing": "off", "client_min_messages": "log",
}  # fmt: skip

Tx = Any  # of asyncpg
Arguments = Callable[[], Sequence[object]]


async def run(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        folder: Path = options.home or stack.enter_context(passing_folder())
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder, settings=SETTINGS))
        await migrate(postgres.dsn)
        owner = await asyncpg.connect(
            postgres.dsn, server_settings={"jit": "off", "coachwire.quiet": "on", "timezone": "UTC"}
        )
        stack.push_async_callback(owner.close)
        if not await owner.fetchval("select exists (select from member_metrics)"):
            await fill(owner, options.values, options.members)
        filled = await found(owner)
        await _say_sizes(owner)
        await stack.enter_async_context(_walls(owner, down=options.without_row_security))
        tx = await asyncpg.connect(postgres.dsn, server_settings={"jit": "off", "timezone": "UTC"})
        stack.push_async_callback(tx.close)
        right = await _explained(tx, filled)
        print(f"\nms, one at a time; load average {os.getloadavg()[0]:.1f}")
        print(_row("statement", "calls", "rows", "median", "p99"))
        for name, statement, arguments, calls in _asked(filled):
            print(await _measured(tx, name, statement, arguments, calls), flush=True)
        return 0 if right else 1


async def _say_sizes(tx: Tx) -> None:
    for table in TABLES[:2]:
        size = await tx.fetchval("select pg_total_relation_size($1::text::regclass)", table)
        print(f"{table}: {await tx.fetchval(f'select count(*) from {table}'):,} rows, {size / 1e6:,.0f} MB")  # noqa: S608 - ours


@asynccontextmanager
async def _walls(tx: Tx, *, down: bool) -> AsyncIterator[None]:
    """Row security as it is, or none of it until the block ends."""
    standing = [
        name
        for (name,) in await tx.fetch(
            "select relname::text from pg_class where relname = any ($1) and relrowsecurity", TABLES
        )
    ]
    print(f"row security on: {', '.join(standing) or 'nothing'}{', taken away for this run' if down else ''}")
    try:
        for table in standing if down else ():
            await tx.execute(f"alter table {table} disable row level security")
        yield
    finally:
        for table in standing if down else ():
            await tx.execute(f"alter table {table} enable row level security")


async def _explained(tx: Tx, filled: Filled) -> bool:
    """Show how sets are read, the largest in full, with the rights of the server. False: otherwise than by the index.

    By auto_explain, which shows what functions do as well."""
    notices: list[str] = []
    tx.add_log_listener(lambda _, message: notices.append(str(message.message)))
    await tx.execute("load 'auto_explain'")
    for name, value in EXPLAIN.items():
        await tx.execute(f"set {name} = '{value}'")
    await tx.execute("set plan_cache_mode = force_generic_plan")
    statement = await tx.prepare(QUERIES["metrics/resolve"].sql)
    _, membership_id = filled.members[0]
    right = True
    for (count, set_id), form in [
        *((one, "json") for one in filled.sets.items()),
        (max(filled.sets.items()), "text"),
    ]:
        await tx.execute(f"reset role; set auto_explain.log_format = '{form}'; set role {SERVER}")
        del notices[:]
        await statement.fetch(filled.coach, filled.organization_id, membership_id, set_id)
        plans = [notice.partition("plan:\n")[2] for notice in notices if "plan:\n" in notice]
        if form == "text":
            print("\n" + next(plan for plan in plans if "member_metrics" in plan))
            continue
        reads = [read for plan in plans for read in _reads(json.loads(plan)["Plan"])]
        rows, indexes = sum(rows for _, rows in reads), {index for index, _ in reads}
        print(
            f"a set of {count}: {rows} rows of member_metrics read, by {', '.join(sorted(indexes)) or 'nothing'}"
        )
        right = right and indexes == {INDEX}
    await tx.execute("reset role; set auto_explain.log_min_duration = -1; reset client_min_messages")
    await tx.execute(f"reset plan_cache_mode; set role {SERVER}")  # as which the rest is asked
    return right


def _reads(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Of values in a plan: by which index, and how many rows, those included that were looked at and left."""
    if node.get("Relation Name") == "member_metrics":
        children = node.get("Plans", ())
        source = children[0] if node["Node Type"] == "Bitmap Heap Scan" else node
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield source.get("Index Name", node["Node Type"]), round(rows * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _reads(child)


def _asked(filled: Filled) -> Iterator[tuple[str, str, Arguments, int]]:
    """Name, statement, what makes its arguments, calls."""

    def own(*more: object) -> Arguments:
        def arguments() -> Sequence[object]:
            user_id, membership_id = random.choice(filled.members)  # noqa: S311
            return [user_id, filled.organization_id, membership_id, *more]

        return arguments

    def staff(*more: object) -> Arguments:
        return lambda: [filled.coach, *own(*more)()[1:]]

    def recording(count: int) -> Arguments:
        def arguments() -> Sequence[object]:
            _, membership_id = random.choice(filled.recorded)  # noqa: S311
            return [filled.coach, filled.organization_id, membership_id, *_new_values(filled, count)]

        return arguments

    page = (None, None, None, None, 51)
    for who, asks in (("staff", staff), ("one's own", own)):
        for count, set_id in filled.sets.items():
            yield f"resolve {count}, {who}", "metrics/resolve", asks(set_id), CALLS
        yield (
            f"history of one definition, {who}",
            "metrics/history",
            asks(filled.definitions[3].id, *page),
            CALLS,
        )
        yield f"history of all definitions, {who}", "metrics/history", asks(None, *page), FEWER
        yield f"loads of a workout, {who}", "metrics/prescription", asks(filled.workout_id), CALLS
    for count in (1, 100):
        yield f"record {count}", "metrics/record", recording(count), FEWER


def _new_values(filled: Filled, count: int) -> list[object]:
    definitions = random.choices(filled.definitions, k=count)  # noqa: S311
    ids = [uuid4() for _ in definitions]
    return [
        ids, [definition.id for definition in definitions], [Decimal(100)] * count,
        [definition.unit for definition in definitions], [None] * count, [None] * count, [id_.bytes for id_ in ids],
    ]  # fmt: skip


async def _measured(tx: Tx, name: str, statement: str, arguments: Arguments, calls: int) -> str:
    prepared = await tx.prepare(QUERIES[statement].sql)
    taken: list[float] = []
    rows: list[Any] = []
    for turn in range(-10, calls):  # the first ones meet a plan that is not made yet
        given = arguments()
        began = time.perf_counter()
        rows = await prepared.fetch(*given)
        if turn >= 0:
            taken.append((time.perf_counter() - began) * 1000)
        if statement == "metrics/record" and rows[0]["code"] != "recorded":
            raise RuntimeError(f"recording came to {rows[0]['code']}")
    taken.sort()
    figures = statistics.median(taken), taken[calls * 99 // 100]
    return _row(name, f"{calls:,}", f"{len(rows)}", *(f"{figure:.2f}" for figure in figures))


def _row(name: str, *values: str) -> str:
    return f"{name:<42}" + "".join(f"{value:>10}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.metrics", description=__doc__)
    parser.add_argument("--values", type=int, default=5_000_000)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--home", type=Path, help="a folder that keeps the database for the next run")
    parser.add_argument(
        "--without-row-security", action="store_true", help="without the second wall, to compare with it"
    )
    try:
        sys.exit(asyncio.run(run(parser.parse_args())))
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


if __name__ == "__main__":
    main()
