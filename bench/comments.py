"""Comments from many people on many exercises: how many a second, and what they cost. `python -m bench.comments --help`

Starts PostgreSQL with its own settings (so fsync and synchronous_commit are on), seeds a gym, starts `coachwire serve`
without a rate limit, and has people comment over a socket each; every second comment answers one of their own. Then it
fills one exercise, and says what its pages, a fork of its workout and its deletion take."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import uvloop
from coachwire.database import QUERIES
from coachwire.embedded import EmbeddedPostgres
from coachwire.operations.comment_pages import PAGE

from bench import cpu
from bench.watchers import BODY, Coach
from bench.world import ROOT, command, passing_folder, server, server_environment

REPEAT = 20  # reads of a page
DELETION = "delete from workout_movements where id = $1"


class Author(Coach):
    """Comments, every second time as an answer to the comment before."""

    def __init__(self, token: str, organization_id: str, movement_id: str) -> None:
        super().__init__(token, organization_id, movement_id)
        self._root: str | None = None

    def _comment(self) -> None:
        self.sent.append(time.monotonic())
        id_ = str(uuid4())
        request = {
            "type": "comment.create", "ref": len(self.sent), "organizationId": self._organization_id,
            "id": id_, "workoutMovementId": self._movement_id, "body": BODY,
        } | ({} if self._root is None else {"parentCommentId": self._root})  # fmt: skip
        self._root = id_ if self._root is None else None
        self.send(msgspec.json.encode(request))


async def run(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        folder: Path = stack.enter_context(passing_folder())
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder))
        environment = server_environment(postgres.dsn, folder, options.code) | {
            "COACHWIRE_METRICS_PORT": "off",
            "COACHWIRE_HOME": str(folder / "home"),
        }
        await command(environment, "migrate")
        out = folder / "people.json"
        await command(
            environment, "seed", "--organizations", "1", "--coaches", "2", "--members", str(options.people),
            "--ttl", "864000", "--out", str(out),
        )  # fmt: skip
        organization = msgspec.json.decode(out.read_bytes())["organizations"][0]
        served, port = await server(stack, environment)
        authors = [await _author(port, *one) for one in _places(organization)[: options.people]]
        accounts = ([served.pid], [postgres.pid], [os.getpid()])
        load = os.getloadavg()[0]
        before = [_spent(account) for account in accounts]
        began = time.monotonic()
        await asyncio.gather(*(author.comment(options.in_flight, options.seconds) for author in authors))
        seconds = time.monotonic() - began
        used = [_spent(account) - early for account, early in zip(accounts, before, strict=True)]
        done = sum(author.answered for author in authors)
        for author in authors:
            author.close()
        print(f"{len(authors)} people, {options.in_flight} in flight, {done:,} comments")
        print(f"comments /s            {done / seconds:10,.0f}")
        print("CPU-s per 1,000        " + "".join(
            f"{name} {cost / done * 1000:.3f}  "
            for name, cost in zip(("server", "database", "this process"), used, strict=True)))  # fmt: skip
        print(f"load average before {load:.2f}")
        await _measure_one(postgres.dsn, organization, options.comments)
        return 0


async def _measure_one(dsn: str, organization: Any, count: int) -> None:
    """An exercise with so many comments, beside all others."""
    workout = organization["workouts"][0]
    movement = UUID(workout["movementIds"][-1])
    tx = await asyncpg.connect(dsn, server_settings={"jit": "off"})
    try:
        await tx.execute(
            """
            insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at)
            select id, $2, $3, 'well done', case when n % 4 <> 1 then ($1::uuid[])[n - 1] end,
              now() - interval '1 hour' + n * interval '1 ms'
            from unnest($1::uuid[]) with ordinality t (id, n)
            """,
            [uuid4() for _ in range(count)], movement, UUID(organization["people"][0]["userId"]),
        )  # fmt: skip
        await tx.execute("analyze")
        whole = await tx.fetchval("select count(*) from exercise_comments")
        print(f"an exercise with {count:,} of {whole:,} comments")
        middle = await tx.fetchrow(
            "select created_at, comment_id from comment_ledger where workout_movement_id = $1"
            " order by 1, 2 offset $2 limit 1",
            movement, count // 2,
        )  # fmt: skip
        assert middle is not None
        for name, cursor in (("first", (None, None)), ("middle", tuple(middle))):
            took = []
            for _ in range(REPEAT):
                began = time.perf_counter()
                await tx.fetch(QUERIES[PAGE.name].sql, movement, *cursor, 51)
                took.append(time.perf_counter() - began)
            print(f"  {name} page, ms, median   {sorted(took)[REPEAT // 2] * 1000:8.1f}")
        took_of = _timed(tx)
        forked = await took_of(
            "fork of its workout", "select movements from fork_workout($1)", UUID(workout["workoutId"])
        )
        await took_of("its deletion", DELETION, movement)
        await tx.execute(
            "create index on exercise_comments (parent_comment_id) where parent_comment_id is not null;"
            "create index on exercise_comments (workout_movement_id)"
        )
        copy = msgspec.json.decode(forked)[str(movement)]
        await took_of("deletion of its copy, with two indexes more", DELETION, UUID(copy))
    finally:
        await tx.close()


def _timed(tx: Any) -> Callable[[str, str, UUID], Awaitable[Any]]:
    async def run(name: str, statement: str, argument: UUID) -> Any:
        began = time.perf_counter()
        value = await tx.fetchval(statement, argument)
        print(f"  {name}, ms   {(time.perf_counter() - began) * 1000:8.0f}")
        return value

    return run


async def _author(port: int, token: str, organization_id: str, movement_id: str) -> Author:
    loop = asyncio.get_running_loop()
    _, author = await loop.create_connection(
        lambda: Author(token, organization_id, movement_id), "127.0.0.1", port
    )
    await author.arrive()
    return author


def _places(organization: Any) -> list[tuple[str, str, str]]:
    """Token, organization and exercise of each member who has something to do, spread over the exercises."""
    tokens = {person["membershipId"]: person["token"] for person in organization["people"]}
    found: dict[str, tuple[str, str, str]] = {}
    for place, workout in enumerate(organization["workouts"]):
        for number, one in enumerate(workout["assignments"]):
            if one["published"] and (number % len(organization["workouts"]) == place):
                movement = workout["movementIds"][number % len(workout["movementIds"])]
                found.setdefault(
                    one["membershipId"],
                    (tokens[one["membershipId"]], organization["organizationId"], movement),
                )
    return list(found.values())


def _spent(account: list[int]) -> float:
    """Of this process its own CPU, not its children's."""
    return time.process_time() if account == [os.getpid()] else cpu.seconds(account)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.comments", description=__doc__)
    parser.add_argument("--people", type=int, default=100, help="who comment (100)")
    parser.add_argument("--in-flight", type=int, default=1, help="comments each has on their way (1)")
    parser.add_argument("--seconds", type=float, default=10, help="of commenting (10)")
    parser.add_argument(
        "--comments", type=int, default=2000, help="on the exercise that is measured alone (2000)"
    )
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout whose server is started")
    return uvloop.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
