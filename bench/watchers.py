"""One event to many watchers: how many deliveries a second, and what they cost. `python -m bench.watchers --help`

Starts PostgreSQL with its own settings, seeds a gym in which a workout is assigned to many members, starts
`coachwire serve`, opens an exercise's topic on a socket of each member, and has a coach comment on it."""

import argparse
import asyncio
import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import uvloop
from coachwire.embedded import EmbeddedPostgres

from bench import cpu
from bench.client import Client
from bench.messages import percentile
from bench.watching import Seen, Watch
from bench.world import ROOT, command, passing_folder, process, server, server_environment

CONNECT = 300.0  # s for all sockets to say hello
BODY = "Knees out on the way up, and rest two minutes before the last set."


class Coach(Client):
    """Comments, always so many on their way; notes when each one left."""

    def __init__(self, token: str, organization_id: str, movement_id: str) -> None:
        super().__init__()
        self.sent: list[float] = []
        self.answered = 0
        self.welcomed = asyncio.Event()
        self.idle = asyncio.Event()
        self.until = 0.0
        self._token = token
        self._organization_id = organization_id
        self._movement_id = movement_id

    async def arrive(self) -> None:
        await self.opened
        self.send(msgspec.json.encode({"type": "hello", "token": self._token, "device": str(uuid4())}))
        await self.welcomed.wait()

    async def comment(self, in_flight: int, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        for _ in range(in_flight):
            self._comment()
        await self.idle.wait()

    def text(self, data: bytes, start: int, stop: int) -> None:
        if data.startswith(b'{"type":"live"', start):
            self.welcomed.set()
        elif data.startswith(b'{"type":"ok"', start):
            self.answered += 1
            if time.monotonic() < self.until:
                self._comment()
            elif self.answered == len(self.sent):
                self.idle.set()
        elif data.startswith(b'{"type":"error"', start):
            raise RuntimeError(data[start:stop].decode())

    def lost(self, why: str) -> None:
        raise RuntimeError(why)

    def _comment(self) -> None:
        self.sent.append(time.monotonic())
        request = {
            "type": "comment.create", "ref": len(self.sent), "organizationId": self._organization_id,
            "id": str(uuid4()), "workoutMovementId": self._movement_id, "body": BODY,
        }  # fmt: skip
        self.send(msgspec.json.encode(request))


async def run(options: argparse.Namespace) -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited: each socket is a descriptor
    async with AsyncExitStack() as stack:
        folder: Path = stack.enter_context(passing_folder())
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder))
        environment = server_environment(postgres.dsn, folder, options.code) | {
            "COACHWIRE_METRICS_PORT": "off",
            "COACHWIRE_HOME": str(folder / "home"),
        }
        await command(environment, "migrate")
        organization = await _seeded(folder, environment, options.watchers)
        served, port = await server(stack, environment)
        workout = organization["workouts"][0]
        tokens = _watching(organization, workout, options.watchers)
        coach = next(person for person in organization["people"] if person["role"] == "coach")
        movement = workout["movementIds"][0]
        watcher = await stack.enter_async_context(
            process("-m", "bench.watching", environment=dict(os.environ))
        )
        assert watcher.stdin is not None
        assert watcher.stdout is not None
        watcher.stdin.write(msgspec.json.encode(Watch(port, tokens, f"exercise:{movement}")) + b"\n")
        async with asyncio.timeout(CONNECT):
            if await watcher.stdout.readline() != b"ready\n":
                raise RuntimeError("the watchers did not connect")
        loop = asyncio.get_running_loop()
        _, author = await loop.create_connection(
            lambda: Coach(coach["token"], organization["organizationId"], movement), "127.0.0.1", port
        )
        await author.arrive()
        load = os.getloadavg()[0]
        accounts = ([served.pid], [postgres.pid], [watcher.pid])
        before = [cpu.seconds(account) for account in accounts]
        began = time.monotonic()
        await author.comment(options.in_flight, options.seconds)
        watcher.stdin.write(b"%d\n" % author.answered)
        async with asyncio.timeout(CONNECT):
            seen = msgspec.json.decode(await watcher.stdout.readline(), type=Seen)
        spent = [cpu.seconds(account) - early for account, early in zip(accounts, before, strict=True)]
        author.close()
        seconds = max(seen.last) - began
        late = sorted(round((last - sent) * 1e6) for last, sent in zip(seen.last, author.sent, strict=False))
        print(f"{len(tokens)} watchers, {options.in_flight} comments in flight, {author.answered} comments")
        print(f"deliveries /s                     {seen.frames / seconds:12,.0f}")
        print(f"  a second of the server's CPU    {seen.frames / spent[0]:12,.0f}")
        print("CPU-s per 1,000 deliveries        " + "".join(
            f"{name} {used / seen.frames * 1000:.4f}  "
            for name, used in zip(("server", "database", "watchers"), spent, strict=True)))  # fmt: skip
        print("comment to its last watcher, ms   " + "".join(
            f"p{share:g} {percentile(late, share / 100):.1f}  " for share in (50, 95, 99)))  # fmt: skip
        print(f"load average before {load:.2f}")
        if seen.incomplete:
            print(f"VIOLATION: {seen.incomplete} watchers have not got every event", file=sys.stderr)
        return int(bool(seen.incomplete))


async def _seeded(folder: Path, environment: dict[str, str], watchers: int) -> Any:
    out = folder / "people.json"
    members = watchers + watchers // 4 + 10  # to some the workout is assigned as a draft
    await command(
        environment, "seed", "--organizations", "1", "--coaches", "1", "--members", str(members),
        "--ttl", "864000", "--out", str(out),
    )  # fmt: skip
    return msgspec.json.decode(out.read_bytes())["organizations"][0]


def _watching(organization: Any, workout: Any, watchers: int) -> tuple[str, ...]:
    """The tokens of so many members to whom this workout is published."""
    tokens = {person["membershipId"]: person["token"] for person in organization["people"]}
    published = [tokens[one["membershipId"]] for one in workout["assignments"] if one["published"]]
    return tuple(published[:watchers])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.watchers", description=__doc__)
    parser.add_argument("--watchers", type=int, default=1000, help="sockets that have the topic open (1000)")
    parser.add_argument("--in-flight", type=int, default=4, help="comments on their way (4)")
    parser.add_argument("--seconds", type=float, default=10, help="of commenting (10)")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout whose server is started")
    return uvloop.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
