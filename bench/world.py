"""What is measured: a PostgreSQL of its own, seeded, and `coachwire serve` on it. Whatever is started is stopped."""

import asyncio
import json
import os
import random
import resource
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from coachwire.embedded import EmbeddedPostgres

from bench.load import Pair, Person

ROOT = Path(__file__).resolve().parent.parent
PORTS = range(
    20000, 32768
)  # below those that systems give to outgoing connections, of which a load makes many
START = 30.0  # s for a server to accept connections
STOP = 15.0  # s after SIGTERM, then SIGKILL
PAIRS = 20  # an organization


@dataclass(frozen=True, slots=True)
class World:
    postgres: EmbeddedPostgres
    servers: Sequence[asyncio.subprocess.Process]
    pairs: tuple[Pair, ...]


@asynccontextmanager
async def world(
    *,
    pairs: int,
    servers: int = 1,
    history: int = 0,
    home: Path | None = None,
    code: Path = ROOT,
    postgres_settings: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    """`history`: messages that were there before. `home` keeps the database, and the next run goes on with it; else it
    is made anew. `code` is the checkout whose server is started. SIGTERM cancels the caller, so that all is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited: each socket is a descriptor
    async with AsyncExitStack() as stack:
        folder = home or stack.enter_context(passing_folder())
        folder.mkdir(exist_ok=True)
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder, settings=postgres_settings))
        environment = server_environment(postgres.dsn, folder, code)
        if servers > 1:
            environment["REDIS_URL"] = await _redis(stack)
        await command(environment, "migrate")
        people = await _seeded(folder, environment, pairs, history)
        processes, ports = [], []
        for _ in range(servers):
            process, port = await server(stack, environment)
            processes.append(process)
            ports.append(port)
        yield World(postgres, processes, tuple(_pairs(people, ports, pairs)))


def server_environment(dsn: str, folder: Path, code: Path) -> dict[str, str]:
    """For servers and commands that run this checkout's code: on loopback, without a rate limit, without Redis."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(code / "server"), str(code / "protocol"))),
        "DATABASE_URL": dsn,
        "COACHWIRE_JWT_SECRET": secret(folder),
        "COACHWIRE_RATE_LIMIT": "off",
        "COACHWIRE_HOST": "127.0.0.1",
    }
    environment.pop("REDIS_URL", None)
    return environment


def pick_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret, any free port will do
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def process(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python with pipes for input and output; ended with the block, and deaf to ctrl-C, which is for us."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=1 << 28,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(STOP):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


class passing_folder:  # noqa: N801 - reads as a function
    def __enter__(self) -> Path:
        self._path = Path(mkdtemp(prefix="coachwire-bench-"))
        self._path.chmod(0o711)  # as root, PostgreSQL runs as somebody who has to pass through
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path)


def secret(folder: Path) -> str:
    """Kept with the database, whose seeded tokens are signed with it."""
    path = folder / "bench-secret"
    if not path.exists():
        path.write_text(secrets.token_hex(32))
    return path.read_text()


async def _redis(stack: AsyncExitStack) -> str:
    from tests.services import EmbeddedRedis  # only where it is needed: it comes with the tests' packages

    redis = EmbeddedRedis()
    stack.callback(redis.stop)
    await asyncio.to_thread(redis.start)
    return redis.url


async def command(environment: Mapping[str, str], *arguments: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "coachwire",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if await child.wait():
            raise RuntimeError(f"coachwire {arguments[0]} failed")
    finally:
        with suppress(ProcessLookupError):
            child.kill()


async def _seeded(folder: Path, environment: Mapping[str, str], pairs: int, history: int) -> Any:
    """What `coachwire seed` says it made."""
    out = folder / "bench-people.json"
    if not out.exists():
        organizations = -(-pairs // PAIRS)
        await command(
            environment, "seed", "--organizations", str(organizations), "--coaches", str(PAIRS),
            "--members", str(PAIRS), "--messages", str(history // organizations), "--ttl", "864000",
            "--out", str(out),
        )  # fmt: skip
    return json.loads(out.read_bytes())


async def server(
    stack: AsyncExitStack, environment: Mapping[str, str]
) -> tuple[asyncio.subprocess.Process, int]:
    """Returns when connections are accepted."""
    port = pick_port()
    child = await stack.enter_async_context(
        process("-m", "coachwire", "serve", environment={**environment, "COACHWIRE_PORT": str(port)})
    )
    assert child.stdout is not None
    async with asyncio.timeout(START):
        while b'"started"' not in (line := await child.stdout.readline()):
            if not line:
                await child.wait()
                raise RuntimeError("coachwire serve did not start")
    telling = asyncio.create_task(_pass_on(child.stdout))
    stack.callback(telling.cancel)
    return child, port


async def _pass_on(log: asyncio.StreamReader) -> None:
    """What the server says under load: nothing, when all is well."""
    async for line in log:
        if b'"level":"info"' not in line:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _pairs(seeded: Any, ports: Sequence[int], count: int) -> list[Pair]:
    """Coach and member, who take turns in who of them is the sender; with two servers each has one side of a pair."""
    pairs: list[Pair] = []
    for organization in seeded["organizations"]:
        sides: dict[str, list[Any]] = {"coach": [], "member": []}
        for person in organization["people"]:
            sides.setdefault(person["role"], []).append(person)
        for sender, recipient in zip(sides["coach"], sides["member"], strict=True):
            place = len(pairs)
            if place % 2:
                sender, recipient = recipient, sender
            pairs.append(
                Pair(
                    organization["organizationId"],
                    Person(sender["membershipId"], sender["token"], ports[place // 2 % len(ports)]),
                    Person(
                        recipient["membershipId"], recipient["token"], ports[(place // 2 + 1) % len(ports)]
                    ),
                )
            )
    if len(pairs) < count:
        raise RuntimeError(f"the kept database has {len(pairs)} pairs")
    return pairs[:count]
