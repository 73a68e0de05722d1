"""Real instances: `coachwire serve` (or `dev`) in a process of its own, to be killed, stopped, frozen."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .gym import SECRET

START = 20.0  # s
STOP = 20.0  # s


class Instance:
    """One server. `url` is known once it has started."""

    def __init__(self, environment: dict[str, str], folder: Path, command: str) -> None:
        self.url = ""
        self.restarts = -1  # how often it was started again
        self._command = command
        self.log = folder / f"instance-{id(self)}.log"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when it accepts connections; on a restart at the same address."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "coachwire", self._command,
                env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START):
            async for line in self._process.stdout:
                with self.log.open("ab") as log:
                    log.write(line)
                self.url = _address(line.decode())
                if self.url:
                    self._environment["COACHWIRE_PORT"] = self.url.rpartition(":")[2]
                    break
            else:
                raise AssertionError(f"the server did not start: {self.log.read_text()[-2000:]}")
        self._reader = asyncio.create_task(self._keep_log(self._process.stdout))
        self.restarts += 1

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        async with asyncio.timeout(STOP):
            if self._reader is not None:
                await self._reader
            return await self._process.wait()

    async def stop(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.returncode is None:
            self.thaw()
            self.kill()
            await self.exit_code()

    async def says(self, event: str, times: int = 1, **fields: object) -> None:
        """Wait until it has logged so many such lines since it started."""
        wanted = {"event": event, **fields}
        async with asyncio.timeout(STOP):
            while sum(wanted.items() <= line.items() for line in self.lines()) < times:
                self._news.clear()
                await self._news.wait()

    def lines(self) -> list[dict[str, object]]:
        """What it has logged since it started."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    async def _keep_log(self, stream: asyncio.StreamReader) -> None:
        with self.log.open("ab") as log:
            async for line in stream:
                log.write(line)
                log.flush()
                self._news.set()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)


@asynccontextmanager
async def instances(
    count: int, dsn: str, redis_url: str | None = None, *, command: str = "serve", **settings: str
) -> AsyncIterator[list[Instance]]:
    """That many servers on one database, started and in the end stopped."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COACHWIRE_")}
    environment = kept | {
        "DATABASE_URL": dsn,
        "COACHWIRE_JWT_SECRET": SECRET,
        "COACHWIRE_PORT": "0",
        "COACHWIRE_RATE_LIMIT": "off",
        "COACHWIRE_METRICS_PORT": "off",
        **settings,
    }
    environment.pop("REDIS_URL", None)
    if redis_url is not None:
        environment["REDIS_URL"] = redis_url
    with TemporaryDirectory() as folder:
        servers = [Instance(dict(environment), Path(folder), command) for _ in range(count)]
        try:
            await asyncio.gather(*(server.start() for server in servers))
            yield servers
        finally:
            await asyncio.gather(*(server.stop() for server in servers))


def _address(line: str) -> str:
    """Where it listens, if this line says so: to a machine as `serve` does, or to people as `dev` does."""
    if line.startswith("{"):
        event = json.loads(line)
        return str(event["address"]) if event["event"] == "started" else ""
    told = re.fullmatch(r"Coachwire is running at (\S+)\n", line)
    return told[1] if told else ""
