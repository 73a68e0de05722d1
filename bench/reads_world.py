"""A busy gym in a PostgreSQL of its own, `coachwire serve` on it, and who asks. Whatever is started is stopped."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from coachwire.embedded import EmbeddedPostgres

from bench.busy_gym import COACHES, MEMBERS, fill
from bench.world import ROOT, command, passing_folder, server, server_environment

# Whom the first coach talks to, the busiest first; the other coach is not among them.
PARTNERS = """
select m.id, m.user_id
from memberships m
join message_ledger l on l.low_user_id = least(m.user_id, $1::uuid) and l.high_user_id = greatest(m.user_id, $1)
where m.organization_id = $2::uuid and m.role = 'member'
group by m.id, m.user_id
order by count(*) desc
"""


@dataclass(frozen=True, slots=True)
class Reader:
    user_id: str
    membership_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWorld:
    postgres: EmbeddedPostgres
    server: asyncio.subprocess.Process
    address: str
    organization_id: str
    coaches: Sequence[Reader]  # ordered as the gym is; the first is asked for
    member: Reader  # whom that one talks to most
    partners: Sequence[str]  # memberships; 299 members
    partner_ids: Sequence[str]  # their users
    user_ids: Sequence[str]  # of the organization first, then its neighbours
    epoch: str
    head: int


@asynccontextmanager
async def reads_world(messages: int, home: Path | None) -> AsyncIterator[ReadWorld]:
    """`home` keeps the database, and the next run goes on with it; else it is made anew."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncExitStack() as stack:
        folder = home or stack.enter_context(passing_folder())
        folder.mkdir(exist_ok=True)
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder))
        environment = server_environment(postgres.dsn, folder, ROOT)
        await command(environment, "migrate")
        out = folder / "bench-people.json"
        new = not out.exists()
        if new:
            await command(
                environment, "seed", "--organizations", "1", "--coaches", str(COACHES), "--members", str(MEMBERS),
                "--ttl", "864000", "--out", str(out),
            )  # fmt: skip
        gym: dict[str, Any] = json.loads(out.read_bytes())["organizations"][0]
        tx = await asyncpg.connect(postgres.dsn)
        try:
            if new:
                await fill(tx, gym["organizationId"], messages)
            found = await _found(tx, gym)
        finally:
            await tx.close()
        process, port = await server(stack, environment)
        yield ReadWorld(postgres=postgres, server=process, address=f"http://127.0.0.1:{port}", **found)


async def _found(tx: Any, gym: dict[str, Any]) -> dict[str, Any]:
    coaches = sorted(
        (
            Reader(person["userId"], person["membershipId"], person["token"])
            for person in gym["people"]
            if person["role"] == "coach"
        ),
        key=lambda coach: coach.user_id,
    )
    partners = await tx.fetch(PARTNERS, coaches[0].user_id, gym["organizationId"])
    users = await tx.fetch(
        "select user_id from memberships order by organization_id <> $1::uuid, id", gym["organizationId"]
    )
    return {
        "organization_id": gym["organizationId"],
        "coaches": coaches,
        "member": next(
            Reader(person["userId"], person["membershipId"], person["token"])
            for person in gym["people"]
            if person["membershipId"] == str(partners[0]["id"])
        ),
        "partners": [str(row["id"]) for row in partners],
        "partner_ids": [str(row["user_id"]) for row in partners],
        "user_ids": [str(row["user_id"]) for row in users],
        "epoch": await tx.fetchval("select epoch from stream_epoch"),
        "head": await tx.fetchval(
            "select position from user_streams where user_id = $1::uuid", coaches[0].user_id
        ),
    }
