"""What reading costs on long histories: each route, and the plan of each statement. `python -m bench.reads --help`

Starts PostgreSQL with its own settings, writes a gym in which four coaches have 300 conversations each, and asks as one
of them, one request at a time: warm, and after a restart of PostgreSQL (with its cache empty, the system's not)."""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from coachwire import app
from coachwire.database import QUERIES

from bench import cpu
from bench.outcome import outcome
from bench.reads_world import Reader, ReadWorld, reads_world
from bench.table import row

assert app  # its import loads all statements

CALLS = 100  # of each route
AFTER_RESTART = 50
PAGE = 256  # events, as the server reads them
MISSED = 5_000  # events
USERS = 10_000  # whose heads are compared at once
COUNTED = 500  # users whose unread is counted at once
RETURN = 30.0  # s for the server to find its database again

Paths = dict[str, list[str]]


def routes(here: ReadWorld) -> Paths:
    """What is asked, by what it is called in the table; several paths are asked in turn."""
    organization = f"/v1/organizations/{here.organization_id}"
    history = [f"{organization}/conversations/{partner}" for partner in here.partners]
    first = max(0, here.head - MISSED)
    return {
        "conversations, 50 of 300": [f"{organization}/conversations"],
        "conversations, 100 of 300": [f"{organization}/conversations?limit=100"],
        "newest 50, the busiest pair": history[:1],
        "newest 50, each of the others": history[1:],
        "newest 50, two busy coaches' 13 messages": [f"{organization}/conversations/{here.coaches[1].membership_id}"],
        "around firstUnread": [f"{path}?around=firstUnread" for path in history],
        "sync": ["/v1/sync"],
        "badge": [f"{organization}/badge"],
        "members, 50 of 1,206": [f"{organization}/members"],
        "members, search": [f"{organization}/members?search=lev"],
        "resume, a page of 256 of 5,000": [
            f"/v1/events?epoch={here.epoch}&position={position}" for position in range(first, here.head, PAGE)
        ],
    }  # fmt: skip


def statements(here: ReadWorld) -> dict[str, tuple[str, Sequence[Any]]]:
    me, organization = here.coaches[0].user_id, here.organization_id
    busiest, quiet = here.partner_ids[0], here.coaches[1].user_id
    return {
        "conversations, 50": ("conversations/list", (me, organization, None, None, 51)),
        "newest 50, the busiest pair": ("conversations/history", (me, organization, busiest, None, None, 51)),
        "newest 50, two busy coaches": ("conversations/history", (me, organization, quiet, None, None, 51)),
        "first unread": ("conversations/first_unread", (me, organization, busiest)),
        "first unread, two busy coaches": ("conversations/first_unread", (me, organization, quiet)),
        "state of sync": ("session/sync", (me, None)),
        "hello's unread, badge": ("session/unread", ([me],)),
        f"unread of {COUNTED} users": ("session/unread", (here.user_ids[:COUNTED],)),
        "members": ("organization/members", (organization, False, "", None, None, 51)),
        "members, search": ("organization/members", (organization, False, "lev", None, None, 51)),
        "events, a page": ("streams/events", ([me], [max(0, here.head - MISSED)], [here.head], PAGE)),
        "events kept": ("streams/kept", (me, max(0, here.head - MISSED), here.head)),
        f"heads of {USERS:,} users": ("streams/heads", (here.user_ids[:USERS], [], [], [], [])),
    }


async def run(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(reads_world(options.messages, options.home))
        session = await stack.enter_async_context(aiohttp.ClientSession(here.address))
        print(
            f"{options.messages:,} messages; ms, and ms of CPU a call; load average {os.getloadavg()[0]:.1f}"
        )
        print(row("route", "median", "p95", "most", "server", "database"))
        for name, paths in routes(here).items():
            await _ask(session, here.coaches[0], paths * 3, 10)
            print(await _measured(here, name, session, paths, CALLS), flush=True)
        print("\nafter a restart of PostgreSQL, each route in turn; the first call after it under `first`")
        print(row("route", "median", "p95", "most", "server", "database", "first"))
        for name, paths in routes(here).items():
            await asyncio.to_thread(here.postgres.stop)
            await asyncio.to_thread(here.postgres.start)
            await _returned(session, here)
            first = (await _ask(session, here.coaches[0], paths, 1))[0]
            line = await _measured(here, name, session, paths, AFTER_RESTART)
            print(line + f"{first:>10.1f}", flush=True)
        await _explain(here)


async def _measured(
    here: ReadWorld, name: str, session: aiohttp.ClientSession, paths: Sequence[str], calls: int
) -> str:
    accounts = [here.server.pid], [here.postgres.pid]
    before = [cpu.seconds(account) for account in accounts]
    taken = sorted(await _ask(session, here.coaches[0], paths, calls))
    spent = [
        (cpu.seconds(account) - was) / calls * 1000 for account, was in zip(accounts, before, strict=True)
    ]
    figures = statistics.median(taken), taken[int(len(taken) * 0.95)], taken[-1], *spent
    return row(name, *(f"{figure:.1f}" for figure in figures))


async def _ask(session: aiohttp.ClientSession, who: Reader, paths: Sequence[str], calls: int) -> list[float]:
    """ms of each."""
    taken = []
    for number in range(calls):
        begin = time.perf_counter()
        path = paths[number % len(paths)]
        async with session.get(path, headers={"Authorization": f"Bearer {who.token}"}) as answer:
            await answer.read()
        taken.append((time.perf_counter() - begin) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
    return taken


async def _returned(session: aiohttp.ClientSession, here: ReadWorld) -> None:
    """Until every connection of the server's pool that broke has been found out: asked for nothing that is measured."""
    path, headers = (
        f"/v1/organizations/{here.organization_id}/settings",
        {"Authorization": f"Bearer {here.coaches[0].token}"},
    )
    async with asyncio.timeout(RETURN):
        good = 0
        while good < 20:
            async with session.get(path, headers=headers) as answer:
                good = good + 1 if answer.status == 200 else 0
            await asyncio.sleep(0.02)


async def _explain(here: ReadWorld) -> None:
    tx = await asyncpg.connect(here.postgres.dsn, server_settings={"jit": "off", "timezone": "UTC"})
    try:
        print("\nstatements: ms and pages read, planned for these values and for any")
        print(row("statement", "ms", "pages", "any: ms", "pages"))
        plans = []
        for name, (query, arguments) in statements(here).items():
            own = await _plan(tx, QUERIES[query].sql, arguments, "force_custom_plan")
            any_ = await _plan(tx, QUERIES[query].sql, arguments, "force_generic_plan")
            print(row(name, *_cost(own), *_cost(any_)))
            plans.append(f"\n## {name} ({query})\n{own}\n\n-- planned for any values\n{any_}")
        print("\n".join(plans))
    finally:
        await tx.close()


async def _plan(tx: Any, sql: str, arguments: Sequence[Any], mode: str) -> str:
    """Run three times, the last is told. Prepared, as the server's statements are."""
    prepare = "prepare looked_at as " + sql
    call: Callable[[str], Awaitable[Any]] = tx.fetch
    await tx.execute(f"set plan_cache_mode = {mode}")
    await tx.execute(prepare)
    execute = "execute looked_at (" + ", ".join(map(_literal, arguments)) + ")"
    for _ in range(3):
        rows = await call("explain (analyze, buffers, costs off) " + execute)
    await tx.execute("deallocate looked_at")
    return "\n".join(row[0] for row in rows)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _cost(plan: str) -> tuple[str, str]:
    """ms of execution; pages, found in the cache or not."""
    lines = plan.splitlines()
    buffers = next(line for line in lines if "Buffers:" in line)
    pages = sum(int(word.partition("=")[2]) for word in buffers.split() if word.startswith(("hit=", "read=")))
    return lines[-1].rpartition(": ")[2].removesuffix(" ms"), f"{pages:,}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="a folder that keeps the database for the next run")
    sys.exit(outcome(run(parser.parse_args())))


if __name__ == "__main__":
    main()
