"""The long fault run: two instances, everybody writing, one fault after the other, then quiet and the verdict."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import asyncpg
from aiohttp import ClientSession, TCPConnector
from coachwire.embedded import EmbeddedPostgres
from coachwire.migrate import migrate

from ..gym import open_gym
from ..history import History, Truth, read_truth, watch_receipts
from ..instances import Instance, instances
from ..judge import Broken, violations
from ..services import UNSYNCED, EmbeddedRedis, folder_for_services
from .crowd import ROSTER, WORDS, Crowd
from .disturb import Disturber
from .schedule import KINDS, faults, suspensions

ANSWERED = (
    30.0  # s until every request is answered and everybody has been told; the promise is 10, and is judged
)
TICK = 0.05  # s; by how much more we are late ourselves is noted


class Run(NamedTuple):
    seed: int
    history: History
    truth: Truth
    broken: list[Broken]
    errors: list[str]  # what the instances logged as errors


async def long_run(seconds: float, seed: int, keep: Path | None = None) -> Run:
    """Faults begin for this long, and until each kind has come once; then all is made whole and compared."""
    async with _services() as (postgres, redis), AsyncExitStack() as stack:
        gyms = [await open_gym(postgres.dsn, word, ROSTER) for word in WORDS]
        await watch_receipts(postgres.dsn)
        servers = await stack.enter_async_context(instances(2, postgres.dsn, redis.url))
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        threads = await _threads(postgres.dsn)
        crowd = Crowd(session, [server.url for server in servers], gyms, seed, threads)
        history = crowd.history
        await crowd.connect(stack)
        try:
            await _disturb(crowd, Disturber(servers, postgres, redis, history), seconds, seed)
            truth = await _converge(crowd, postgres.dsn)
            await crowd.read_all(truth)
        finally:
            truth = await read_truth(postgres.dsn)
            run = Run(seed, history, truth, violations(history, truth), _errors(servers))
            if keep is not None:
                _keep(run, servers, keep)
    return run


async def _threads(dsn: str) -> dict[str, str]:
    """A published workout of each member, by user."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select distinct on (user_id) user_id::text, id::text from workout_assignments where published"
            " order by user_id, id"
        )
    finally:
        await connection.close()
    return {row["user_id"]: row["id"] for row in rows}


async def _disturb(crowd: Crowd, disturber: Disturber, seconds: float, seed: int) -> None:
    """Returns when the last fault is over, everybody is reinstated and nobody writes any more; `healed` is then."""
    loop = asyncio.get_running_loop()
    history, enough = crowd.history, asyncio.Event()
    history.began = loop.time()
    end = history.began + seconds
    watching = asyncio.create_task(_watch_ourselves(history))

    async def one_after_the_other() -> None:
        for number, planned in enumerate(faults(seed)):
            await asyncio.sleep(planned.pause)
            if loop.time() >= end and number >= len(KINDS):
                break
            await disturber.inflict(planned)

    async def suspend(at: float, person: int, lasts: float) -> None:
        await asyncio.sleep(at)
        await disturber.suspend(crowd.pairs[person].someone, lasts)

    async def stop() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one_after_the_other())
            for one in suspensions(seed, seconds, crowd.suspendable):
                group.create_task(suspend(one.at, one.person, one.lasts))
        enough.set()
        history.healed = loop.time()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stop())
            group.create_task(crowd.sample(enough))
            group.create_task(_bounded(crowd.write(enough), enough))
    finally:
        watching.cancel()


async def _bounded(writing: Coroutine[None, None, None], enough: asyncio.Event) -> None:
    """Once nothing is broken, what is not answered in time is given up; the judge finds what is missing."""
    task, waiting = asyncio.create_task(writing), asyncio.create_task(enough.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    with suppress(TimeoutError):
        await asyncio.wait_for(task, ANSWERED)


async def _converge(crowd: Crowd, dsn: str) -> Truth:
    loop = asyncio.get_running_loop()
    truth = await read_truth(dsn)
    with suppress(TimeoutError):  # the judge says what is missing
        async with asyncio.timeout(ANSWERED):
            while True:
                await crowd.hear(truth)
                former, truth = truth, await read_truth(dsn)
                if former == truth:
                    crowd.history.converged = loop.time()
                    break
    return truth


async def _watch_ourselves(history: History) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK
        await asyncio.sleep(TICK)
        if (now := loop.time()) - due > TICK:
            history.ourselves_late.append((now, now - due))


@asynccontextmanager
async def _services() -> AsyncIterator[tuple[EmbeddedPostgres, EmbeddedRedis]]:
    with folder_for_services() as home:
        redis = EmbeddedRedis()
        async with EmbeddedPostgres(home, settings=UNSYNCED) as postgres:
            await migrate(postgres.dsn)
            await asyncio.to_thread(redis.start)
            try:
                yield postgres, redis
            finally:
                await asyncio.to_thread(redis.stop)


def _errors(servers: list[Instance]) -> list[str]:
    return [json.dumps(line) for server in servers for line in server.lines() if line.get("level") == "error"]


def _keep(run: Run, servers: list[Instance], folder: Path) -> None:
    """`history.jsonl`: a line for each thing that was seen, named by `record`; beside it the instances' logs."""
    folder.mkdir(parents=True, exist_ok=True)
    history = run.history
    with (folder / "history.jsonl").open("w", encoding="utf-8") as file:

        def write(record: str, **fields: object) -> None:
            file.write(json.dumps({"record": record, **fields}, default=sorted) + "\n")

        write("run", seed=run.seed, began=history.began, healed=history.healed, converged=history.converged)
        for connection in history.connections:
            write("connection", **asdict(connection))
        for suspension in history.suspensions:
            write("suspension", **asdict(suspension))
        for sending in history.sendings:
            write("sending", **asdict(sending))
        for many in (history.faults, history.drains, history.jumps, history.heard, history.counts):
            for event in many:
                write(type(event).__name__.lower(), **event._asdict())
        for log in history.devices:
            for told in log.told:
                write("told", device=log.name, user_id=log.user_id, **told._asdict())
        for id_, stored in run.truth.messages.items():
            write("stored", id=id_, **stored._asdict())
        for user_id, rows in run.truth.streams.items():
            for row in rows:
                write("row", user_id=user_id, **row._asdict())
        for broken in run.broken:
            write("broken", **broken._asdict())
    for number, server in enumerate(servers):
        (folder / f"instance-{number}.log").write_bytes(server.log.read_bytes())
