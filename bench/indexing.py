"""What it costs to index messages, apart from the sends. `python -m bench.indexing --help`

Writes messages as sends do, by some a statement, with the server away; then indexes them as a server does, in this
process. CPU is that of this process and of PostgreSQL."""

import argparse
import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import asyncpg
from coachwire.database import Database
from coachwire.embedded import EmbeddedPostgres
from coachwire.search.indexing import Indexing
from coachwire.seed.phrases import line

from bench import cpu
from bench.load import CONTENT
from bench.world import command, passing_folder, secret

SAID = """
insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content)
select id, $2, $3, 'coach', $4, content from unnest($1::uuid[], $5::text[]) t (id, content)
"""


async def run(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(passing_folder())
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder))
        environment = {**os.environ, "DATABASE_URL": postgres.dsn, "COACHWIRE_JWT_SECRET": secret(folder)}
        await command(environment, "migrate")
        await command(
            environment, "seed", "--organizations", "10", "--coaches", "20", "--members", "20",
            "--out", str(folder / "bench-people.json"),
        )  # fmt: skip
        tx = await asyncpg.connect(postgres.dsn)
        stack.push_async_callback(tx.close)
        database = Database(postgres.dsn)
        await database.open()
        stack.push_async_callback(database.close)
        indexing = Indexing(database)
        pairs = await tx.fetch(
            "select c.organization_id, c.user_id, m.user_id"
            " from memberships c join memberships m using (organization_id)"
            " where c.role = 'coach' and m.role = 'member'"
        )
        for number in range(options.runs):
            for place in range(0, options.messages, options.statement):
                await _say(tx, pairs[place % len(pairs)], options)
            ours, theirs, begin = time.process_time(), cpu.seconds([postgres.pid]), time.perf_counter()
            steps = 1
            while await indexing.index_pending():
                steps += 1
            ours, taken = time.process_time() - ours, time.perf_counter() - begin
            theirs = cpu.seconds([postgres.pid]) - theirs
            if await tx.fetchval("select exists (select from search_pending)"):
                sys.exit("bench: not all was indexed")
            print(
                f"run {number + 1}: {options.messages:,} messages in {steps} steps and {taken:.1f} s; CPU-s per 1,000:"
                f" python {ours / options.messages * 1000:.4f}, database {theirs / options.messages * 1000:.4f},"
                f" both {(ours + theirs) / options.messages * 1000:.4f}",
                flush=True,
            )


async def _say(tx: Any, pair: Any, options: argparse.Namespace) -> None:
    contents = [line("coach") if options.talk else CONTENT for _ in range(options.statement)]
    await tx.execute(SAID, [uuid4() for _ in contents], *pair, contents)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.indexing", description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--statement", type=int, default=100, help="messages that are sent together")
    parser.add_argument(
        "--talk", action="store_true", help="small talk in three languages, not one English line"
    )
    parser.add_argument("--runs", type=int, default=3)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
