"""Several servers on one port, and a parent that starts them, replaces the dead, ends them and serves their measures.

Each is an instance of its own; they share the port by SO_REUSEPORT and meet over Redis. Parent and worker hold a
socket pair: by it a worker says that it is ready, and hears that its parent is gone."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from coachwire.observe import configure
from coachwire.scrape import scraped
from coachwire.serving import prepare, run, run_loop
from coachwire.settings import Settings

log = structlog.get_logger()

START = 30.0  # s until a worker must be ready
DRAIN = 25.0  # s that a worker may take to go; it allows itself less
PAUSES = (0.5, 15.0)  # s before who died is replaced: doubled each time, up to
STEADY = 30.0  # s; whoever lived so long is replaced after the shortest pause
READY = b"ready\n"


def serve_workers(settings: Settings) -> int:
    """`coachwire serve` with more than one worker. Returns the exit code."""
    prepare(settings)
    code = 0

    async def work() -> None:
        nonlocal code
        code = await _supervise(settings, lambda address: log.info("started", address=address))

    run_loop(work())
    log.info("stopped")
    return code


def work(settings: Settings) -> None:
    """`coachwire worker`: what a parent starts; not for people."""
    configure(settings.log_level, worker=os.getpid())
    run_loop(_work(settings))


async def _work(settings: Settings) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=os.dup(0)))
    stop = asyncio.Event()

    async def heed_parent() -> None:
        await reader.read()
        stop.set()

    parent = asyncio.create_task(heed_parent())
    try:
        await run(settings, lambda _: writer.write(READY), stop=stop, shared_port=True)
    finally:
        parent.cancel()
        writer.close()


async def _supervise(settings: Settings, started: Callable[[str], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with (
        _reserved(settings.host, settings.port) as port,
        TemporaryDirectory(prefix="coachwire-measures-") as folder,
    ):
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call] # theirs
        environment = os.environ | {
            "COACHWIRE_PORT": str(port),
            "COACHWIRE_WORKERS": "1",
            "COACHWIRE_METRICS_PORT": "off",
            "PROMETHEUS_MULTIPROC_DIR": folder,
        }
        async with scraped(settings.metrics, registry):
            first = Worker(environment, folder, stop)
            code = await first.start()
            if code is not None:
                return code if code > 0 else 1  # it has said why
            workers = [first, *(Worker(environment, folder, stop) for _ in range(settings.workers - 1))]
            keeping = [asyncio.create_task(worker.keep()) for worker in workers]
            stopped = asyncio.create_task(stop.wait())
            for worker in workers:
                ready = asyncio.create_task(worker.ready.wait())
                await asyncio.wait((ready, stopped), return_when=asyncio.FIRST_COMPLETED)
                ready.cancel()
            if not stop.is_set():
                host = f"[{settings.host}]" if ":" in settings.host else settings.host
                started(f"http://{host}:{port}")
            await stopped
            codes = await asyncio.gather(*keeping)
            return max(codes)


class Worker:
    """A place among the workers: its process, and those after it."""

    def __init__(self, environment: dict[str, str], folder: str, stop: asyncio.Event) -> None:
        self.ready = asyncio.Event()
        self._environment = environment
        self._folder = folder
        self._stop = stop
        self._process: asyncio.subprocess.Process | None = None
        self._began = 0.0

    async def start(self) -> int | None:
        """Start a process and wait until it serves; its exit code if it never does."""
        ours, theirs = socket.socketpair()
        self._began = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "coachwire", "worker", stdin=theirs.fileno(), env=self._environment
        )
        theirs.close()
        reader, self._line = await asyncio.open_unix_connection(sock=ours)
        try:
            async with asyncio.timeout(START):
                said = await reader.readline()
        except TimeoutError:
            said = b""
            log.error("worker_not_ready", pid=self._process.pid)
            self._process.kill()
        if said == READY:
            self.ready.set()
            return None
        return await self._ended()

    async def keep(self) -> int:
        """Have a process run until all are to stop, then see it off. Returns 0 if it went by itself."""
        pause = PAUSES[0]
        while True:
            if self._process is None:
                if self._stop.is_set():
                    return 0
                if await self.start() is not None:
                    pause = await self._pause(pause)
                    continue
            if await self._stopped_first():
                return await self._see_off()
            log.warning("worker_died", code=await self._ended())
            if time.monotonic() - self._began > STEADY:
                pause = PAUSES[0]
            pause = await self._pause(pause)

    async def _stopped_first(self) -> bool:
        """Wait for the end of the process, or of all."""
        assert self._process is not None  # noqa: S101 - started
        ended = asyncio.create_task(self._process.wait())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, stopped):
            task.cancel()
        return self._stop.is_set()

    async def _see_off(self) -> int:
        assert self._process is not None  # noqa: S101 - started
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(DRAIN):
                return 0 if await self._ended() == 0 else 1
        except TimeoutError:
            log.error("worker_killed", pid=self._process.pid)
            self._process.kill()
            await self._process.wait()
            return 1

    async def _ended(self) -> int:
        """Wait for the end of the process; its gauges end with it, its counters stay."""
        assert self._process is not None  # noqa: S101 - started
        code = await self._process.wait()
        mark_process_dead(self._process.pid, self._folder)  # type: ignore[no-untyped-call] # theirs
        self._line.close()
        self._process = None
        return code

    async def _pause(self, pause: float) -> float:
        """Wait so long unless all are to stop; the next pause."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stop.wait()
        return min(pause * 2, PAUSES[1])


@contextmanager
def _reserved(host: str, port: int) -> Iterator[int]:
    """Keep the port for us meanwhile. It is bound, not listened on: connections go to the workers. Raises `OSError`
    when somebody else has it, also another who would share it."""
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    if port:
        socket.create_server(address[:2], family=family).close()
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(address)
        yield held.getsockname()[1]
