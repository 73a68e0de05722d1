"""What a search costs in a gym that said much, for rare words and common ones. `python -m bench.search`

Writes a gym as `bench.reads` does, with small talk in three languages, indexes it as a server does with what it finds,
and asks over HTTP, one request at a time."""

import argparse
import os
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from coachwire.database import Database
from coachwire.search.indexing import Indexing
from coachwire.search.terms import query
from coachwire.seed.phrases import line

from bench import cpu
from bench.outcome import outcome
from bench.reads_world import Reader, ReadWorld, reads_world
from bench.table import row

CALLS = 100
LINES = 20_000  # different ones; as in the statement below
LINE = "create temporary table lines as select * from unnest($1::text[]) with ordinality l (content, n)"
SAID = """
update messages m
set content = l.content || case when hashtext(m.id::text) % 25000 = 0 then ' kettlebell' else '' end
from lines l
where l.n = 1 + abs(hashtext(m.id::text) % 20000)
"""

SEARCHES = {
    "a word of few messages": "kettlebell",
    "none": "xylophone",
    "a common word": "the",
    "a common word in Hebrew": "אימון",
    "a common beginning": "s",
    "a common and a rare one": "the kettlebell",
    "two common ones that never meet": "squats молодец",
    "twelve beginnings of one letter": "a b c d e f g h i j k l",
}
PROBE = "select message_id from message_search where document @@ '{}'::tsquery limit 2001"
WALK = """
select count(*) from (
  select document @@ '{}'::tsquery as matches from message_search where organization_id = '{}'
  order by created_at desc, message_id desc limit 20000) s
where matches
"""


async def run(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(reads_world(options.messages, options.home))
        tx = await asyncpg.connect(here.postgres.dsn, server_settings={"jit": "off"})
        stack.push_async_callback(tx.close)
        if not await tx.fetchval("select exists (select from message_search)"):
            await _prepare(tx, here)
        for name in (
            "message_search",
            "message_search_document_idx",
            "message_search_recent_idx",
            "message_search_pkey",
        ):
            print(
                f"{name}: {await tx.fetchval('select pg_relation_size($1::text::regclass)', name) / 1e6:,.0f} MB"
            )
        session = await stack.enter_async_context(aiohttp.ClientSession(here.address))
        print(f"ms, and ms of CPU a call; load average {os.getloadavg()[0]:.1f}")
        print(row("search", "found", "median", "p95", "most", "server", "database"))
        for who, reader in (("coach", here.coaches[0]), ("member", here.member)):
            for name, words in SEARCHES.items():
                print(await _measured(here, session, f"{who}: {name}", reader, words), flush=True)
        await _explain(tx, here)


async def _prepare(tx: Any, here: ReadWorld) -> None:
    async with tx.transaction():
        await tx.execute("set local session_replication_role = replica")
        await tx.execute(LINE, [line("coach") for _ in range(LINES)])
        await tx.execute(SAID)
        await tx.execute("insert into search_backlog default values on conflict do nothing")
    await tx.execute("vacuum analyze messages")
    database = Database(here.postgres.dsn)
    await database.open()
    begin, before = time.perf_counter(), cpu.seconds([here.postgres.pid])
    while await tx.fetchval("select exists (select from search_backlog)"):
        await Indexing(database).index_backlog()
    taken, spent = time.perf_counter() - begin, cpu.seconds([here.postgres.pid]) - before
    await database.close()
    count = await tx.fetchval("select count(*) from message_search")
    print(f"{count:,} messages indexed in {taken:.0f} s, {spent:.0f} s of PostgreSQL's CPU")
    await tx.execute("vacuum analyze message_search")


async def _measured(
    here: ReadWorld, session: aiohttp.ClientSession, name: str, who: Reader, words: str
) -> str:
    await _ask(session, here, who, words, 5)
    accounts = [here.server.pid], [here.postgres.pid]
    before = [cpu.seconds(account) for account in accounts]
    taken, found = await _ask(session, here, who, words, CALLS)
    spent = [
        (cpu.seconds(account) - was) / CALLS * 1000 for account, was in zip(accounts, before, strict=True)
    ]
    taken.sort()
    figures = statistics.median(taken), taken[CALLS * 95 // 100], taken[-1], *spent
    return row(name, f"{found}", *(f"{figure:.1f}" for figure in figures))


async def _ask(
    session: aiohttp.ClientSession, here: ReadWorld, who: Reader, words: str, calls: int
) -> tuple[list[float], str]:
    """ms of each, and how many the first page has; + when it leads on."""
    taken: list[float] = []
    page: dict[str, Any] = {}
    for _ in range(calls):
        begin = time.perf_counter()
        async with session.get(
            f"/v1/organizations/{here.organization_id}/messages/search",
            params={"q": words},
            headers={"Authorization": f"Bearer {who.token}"},
        ) as answer:
            body = await answer.json()
        taken.append((time.perf_counter() - begin) * 1000)
        if answer.status != 200:
            return [*taken, *[float("nan")] * (calls - len(taken))], f"{answer.status}"
        page = body["data"]
    return taken, f"{len(page['items'])}{'+' if page['nextCursor'] else ''}"


async def _explain(tx: Any, here: ReadWorld) -> None:
    coach = UUID(here.organization_id), UUID(here.coaches[0].user_id)
    await tx.execute("set enable_seqscan = off")
    for words in ("kettlebell", "the"):
        terms = query(*coach, staff=True, words=[words])
        for sql in (PROBE.format(terms.replace("'", "''")), WALK.format(terms.replace("'", "''"), coach[0])):
            print(f"\n-- {words}")
            for _ in range(2):
                rows = await tx.fetch("explain (analyze, buffers, costs off) " + sql)
            print("\n".join(row[0] for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="a folder that keeps the database for the next run")
    sys.exit(outcome(run(parser.parse_args())))


if __name__ == "__main__":
    main()
