"""Jobs side by side: what cannot go on, or takes long, is in nobody's way, and it shows."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import ClientSession
from coachwire.database import Database
from coachwire.doctor.jobs import check_jobs
from coachwire.jobs import Jobs, Step, TakeStep
from coachwire_protocol.errors import Unavailable

from ..gym import Place, message_to
from .caller import Caller
from .platform import Tables, join, until

HOLD = "select from user_streams where user_id = $1 for update"
DONE = "select state = 'done' from jobs where id = $1"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    """A server's way to the database, without a server."""
    pool = Database(database_url)
    await pool.open()
    yield pool
    await pool.close()


@asynccontextmanager
async def working(pool: Database, step: TakeStep) -> AsyncIterator[None]:
    task = asyncio.create_task(Jobs(pool, "export", step).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def begin(tables: Tables) -> UUID:
    job_id = await tables.fetchval("insert into jobs (kind, stage) values ('export', 'waiting') returning id")
    assert isinstance(job_id, UUID)
    return job_id


@pytest.mark.parametrize("trouble", ["held", "unavailable", "failed"])
async def test_others_go_on_while_one_cannot(
    pool: Database, gym: Place, database: Tables, log: list[MutableMapping[str, Any]], trouble: str
) -> None:
    stuck, other = await begin(database), await begin(database)

    async def step(job_id: UUID) -> Step:
        if job_id == stuck:
            if trouble == "held":
                return Step.HELD
            raise Unavailable if trouble == "unavailable" else RuntimeError("words that nobody must read")
        async with pool.connection() as tx:
            await tx.execute("update jobs set state = 'done' where id = $1", job_id)
        return Step.DONE

    async with working(pool, step):
        await until(database, DONE, other)
        await until(database, "select attempts > 2 from jobs where id = $1", stuck)
    wait = await database.fetchval(
        "select extract(epoch from due_at - now())::float8 from jobs where id = $1", stuck
    )
    assert wait <= 300
    told = [entry for entry in log if entry["event"] in ("job_held", "job_failed")]
    assert [entry["attempts"] for entry in told][:3] == [1, 2, 3]
    assert "words that nobody" not in str(told)
    log[:] = [entry for entry in log if entry["event"] != "job_failed"]


async def test_what_has_waited_for_long_is_tried_in_five_minutes_at_the_latest(
    pool: Database, gym: Place, database: Tables
) -> None:
    stuck = await begin(database)
    await database.execute("update jobs set attempts = 1000000 where id = $1", stuck)

    async def step(job_id: UUID) -> Step:
        return Step.HELD

    async with working(pool, step):
        await until(database, "select attempts > 1000000 from jobs where id = $1", stuck)
    assert await database.fetchval("select due_at <= now() + interval '300 s' from jobs where id = $1", stuck)


async def test_a_long_one_lets_short_ones_pass_and_forgets_what_failed(
    pool: Database, gym: Place, database: Tables
) -> None:
    long, short = await begin(database), await begin(database)
    await database.execute("update jobs set attempts = 7 where id = $1", long)
    steps: list[UUID] = []

    async def step(job_id: UUID) -> Step:
        steps.append(job_id)
        if job_id == long and steps.count(long) < 60:
            return Step.MORE
        async with pool.connection() as tx:
            await tx.execute("update jobs set state = 'done' where id = $1", job_id)
        return Step.DONE

    async with working(pool, step):
        await until(database, "select count(*) = 0 from jobs where state = 'running'")
    assert steps == [long] * 20 + [short] + [long] * 40
    assert await database.fetchval("select attempts from jobs where id = $1", long) == 0


async def test_an_erasure_that_waits_for_a_stream_holds_up_no_other(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    assert (await Caller(http, gym.member).post("messages", message_to(gym.coach))).status == 201
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute(HOLD, gym.member.user_id)
            held = (await Caller(http, gym.member).delete("/v1/me")).data["jobId"]
            await until(database, "select attempts > 1 from jobs where id = $1", held)
            other = (await Caller(http, gym.member2).delete("/v1/me")).data["jobId"]
            await until(database, DONE, other)
            assert not await database.fetchval(DONE, held)
    finally:
        await holder.close()
    await until(database, DONE, held)


async def test_one_whose_report_cannot_be_written_is_told_of_by_the_doctor(
    gym: Place, http: ClientSession, database: Tables, log: list[MutableMapping[str, Any]]
) -> None:
    assert (await check_jobs(database)).state == "ok"
    assert (await Caller(http, gym.member).post("messages", message_to(gym.coach))).status == 201
    bad = await database.fetchval(
        "insert into jobs (kind, user_id, organization_id, stage, counts, attempts)"
        " values ('erasure', $1, $2, 'messages', '{\"messages\": \"no number\"}', 5) returning id",
        gym.member.user_id,
        gym.organization_id,
    )
    await until(database, "select attempts > 5 from jobs where id = $1", bad)
    other = (await Caller(http, gym.member2).delete("/v1/me")).data["jobId"]
    await until(database, DONE, other)
    found = await check_jobs(database)
    assert (found.state, f"erasure {bad} at messages" in found.found) == ("warning", True)
    await database.execute("update jobs set counts = '{}', due_at = now() where id = $1", bad)
    await until(database, DONE, bad)
    assert json.loads(await database.fetchval("select counts::text from jobs where id = $1", bad)) == {
        "messages": 1
    }
    log[:] = [entry for entry in log if entry["event"] != "job_failed"]


async def test_whoever_may_ask_for_an_erasure_may_read_its_report(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    second = await join(database, other_gym.owner, gym, "owner")
    path = f"members/{gym.member.membership_id}/erasure"
    first = (await Caller(http, gym.owner).post(path, {})).data["jobId"]
    await until(database, DONE, first)
    for who in (gym.owner, second, gym.member):
        report = (await Caller(http, who).get(f"/v1/me/jobs/{first}")).data
        assert (report["kind"], report["state"]) == ("erasure", "done")
    for who in (gym.admin, gym.coach, gym.member2, other_gym.admin):
        assert (await Caller(http, who).get(f"/v1/me/jobs/{first}")).code == "not_found"
    await database.execute("update memberships set role = 'coach' where id = $1", gym.owner.membership_id)
    assert (await Caller(http, gym.owner).get(f"/v1/me/jobs/{first}")).code == "not_found"


async def test_an_export_is_its_persons_alone(gym: Place, http: ClientSession, database: Tables) -> None:
    job = (await Caller(http, gym.member).post("/v1/me/export", {})).data["jobId"]
    assert (await Caller(http, gym.member).get(f"/v1/me/jobs/{job}")).data["kind"] == "export"
    assert (await Caller(http, gym.owner).get(f"/v1/me/jobs/{job}")).code == "not_found"
