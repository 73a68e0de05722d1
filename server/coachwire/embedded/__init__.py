"""PostgreSQL as our own child: what `coachwire dev` and the tests run on.

Everything lies in `home/postgres`: `data` (the cluster), `run` (the socket), `log` (of the last start) and
`lock` (held while we live). What a killed predecessor left behind, a running postmaster among it, the next
start puts in order.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from coachwire.embedded.programs import (
    NOBODY,
    Account,
    EmbeddedPostgresError,
    Programs,
    account_for,
    reachable,
    shared,
)

PORT = 5432  # names the socket's file, nothing listens on the network
SOCKET_PATH_LIMIT = 103  # bytes: macOS allows 103, Linux 107
ROLE = DATABASE = "coachwire"
START_LIMIT = 120  # s; recovery after a crash takes 1 to 3, more where a disk is slow
GONE_LIMIT = 5.0  # s for a process that was killed to be gone; who runs longer, is running
STOP_LIMIT = 15  # s for the fast shutdown, then the immediate one, which the next start recovers from
POLL = 0.01  # s between looks at postmaster.pid, where PostgreSQL says "ready"; there is nothing to wait on


class EmbeddedPostgres:
    """A cluster of our own with one database, reached by `dsn` over a Unix socket by any number of processes.

    `start` returns when PostgreSQL accepts connections, or raises `EmbeddedPostgresError`; a home has one
    supervisor at a time. As root the server runs as the owner of the home, or as `nobody`. `settings` are
    PostgreSQL's. The methods block; `async with` does the same without blocking the loop.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})
        self._home = home.resolve()
        self._account = account_for(self._home)
        self.folder = _folder(self._home, self._account)
        self._data = self.folder / "data"
        self._socket_folder = _socket_folder(self.folder)
        self._programs = Programs(self.folder, self._account)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def dsn(self) -> str:
        host = quote(str(self._socket_folder), safe="")
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}&port={PORT}&sslmode=disable"

    @property
    def pid(self) -> int:
        """The postmaster's; raises `EmbeddedPostgresError` when it was not started."""
        if self._process is None:
            raise EmbeddedPostgresError("PostgreSQL has not been started")
        return self._process.pid

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self._prepare_folders()
            self._acquire_lock()
            self._stop_orphan()
            self._prepare_socket_folder()
            binaries = self._programs.find(self._written_by())
            if not self._data.exists():
                self._initialise(binaries)
            self._launch(binaries)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError | subprocess.SubprocessError):
                raise EmbeddedPostgresError(
                    f"PostgreSQL could not be set up in {self.folder}: {error}"
                ) from error
            raise

    def stop(self) -> None:
        """Ends every connection and writes everything down; without effect when it is not running."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            _shut_down(process.pid, lambda: process.poll() is not None)
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._socket_folder.rmdir()
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """As a crash would: no shutdown, no checkpoint. `start` recovers, under the same `dsn`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on: without this, ctrl-C while it starts would leave a server behind.
            await asyncio.wait([starting])
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    # Folders and the lock

    def _prepare_folders(self) -> None:
        account = self._account
        for folder in (self._home, self.folder.parent, self.folder):
            if not folder.exists():
                folder.mkdir(parents=True)
                # Whatever the umask: the unprivileged user has to pass through.
                folder.chmod(0o711 if account else 0o700)
                self._give(folder, administrative=True)
        if account is not None and not reachable(self.folder, account):
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and user {account.name}, as whom it would, cannot reach "
                f"{self.folder}: let COACHWIRE_HOME name a folder that it can, or start as an ordinary user"
            )
        if self._data.exists() and account is None and self._data.stat().st_uid != os.geteuid():
            raise EmbeddedPostgresError(
                f"{self._data} belongs to another user (was this run as root before?): "
                "start as before, or let COACHWIRE_HOME name another folder"
            )

    def _prepare_socket_folder(self) -> None:
        with contextlib.suppress(FileExistsError):
            self._socket_folder.mkdir(mode=0o700)
            self._give(self._socket_folder)
        found = self._socket_folder.lstat()
        owner = self._account.uid if self._account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedPostgresError(f"{self._socket_folder} is not a private folder of ours: remove it")
        for left_behind in self._socket_folder.iterdir():
            left_behind.unlink()  # a killed postmaster's, whose number may be another program's by now

    def _give(self, path: Path, *, administrative: bool = False) -> None:
        """To the user as whom PostgreSQL runs.

        What root itself writes stays root's, unless the home is another user's, who may be the next to start.
        """
        account = self._account
        if account is not None and not (administrative and account.name == NOBODY):
            os.chown(path, account.uid, account.gid)

    def _acquire_lock(self) -> None:
        """Ends with our process however it ends, so only a living supervisor is in the way."""
        if self._lock is not None:
            return
        lock = (self.folder / "lock").open("a+")
        self._give(self.folder / "lock", administrative=True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedPostgresError(
                f"{self.folder} is in use by the running process {owner}: stop that, "
                "or let COACHWIRE_HOME name another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _stop_orphan(self) -> None:
        """Stops the postmaster of a killed predecessor: adopted, it would keep settings that are not ours."""
        orphan = _postmaster(self._data)
        if orphan is not None:
            _shut_down(orphan, lambda: _postmaster(self._data) is None)
            return
        # A dead postmaster's process number may be another program's by now, and PostgreSQL would refuse to
        # start. It takes its own parent's number for a stale one, and still looks whether backends linger in
        # the shared memory that the file names: so the file gets our number instead of being removed.
        with contextlib.suppress(FileNotFoundError):
            file = os.open(self._data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
            with open(file, "r+") as lines:
                _, *rest = lines.read().splitlines(keepends=True) or [""]
                lines.seek(0)
                lines.writelines([f"{os.getpid()}\n", *rest])
                lines.truncate()

    # Processes

    def _written_by(self) -> int | None:
        if not self._data.exists():
            return None
        return int((self._data / "PG_VERSION").read_text().split(".")[0])

    def _initialise(self, binaries: Path) -> None:
        """A cluster with its database, whole or not at all: it gets its name when it is finished."""
        for unfinished in self.folder.glob("data.new-*"):
            shutil.rmtree(unfinished)
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.folder))
        self._give(new)
        unsynced = self._settings.get("fsync") == "off"
        options = ["-U", ROLE, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
        options += ["--auth-local=trust", "--auth-host=reject"]  # the socket's folder lets nobody else in
        options += ["--no-sync"] if unsynced else []
        _expect(self._programs.run(binaries / "initdb", "-D", new, *options))
        single: list[str | Path] = [
            "--single",
            "-c",
            f"fsync={'off' if unsynced else 'on'}",
            "-D",
            new,
            "postgres",
        ]
        _expect(self._programs.run(binaries / "postgres", *single, given=f"create database {DATABASE}\n"))
        new.rename(self._data)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _launch(self, binaries: Path) -> None:
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{self._socket_folder}"',
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        limit, gone = time.monotonic() + START_LIMIT, time.monotonic() + GONE_LIMIT
        while time.monotonic() < limit:
            with open(self.folder / "log", "wb", opener=_private) as log:
                self._give(self.folder / "log", administrative=True)
                self._process = process = subprocess.Popen(
                    [binaries / "postgres", "-D", self._data, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # ctrl-C reaches us alone, and we finish what is in flight first
                    **self._programs.surroundings(),
                )
            while process.poll() is None and time.monotonic() < limit:
                if _status(self._data, process.pid) == "ready":
                    return
                time.sleep(POLL)
            # After a postmaster was killed, it may need a moment to be gone, and its backends to notice.
            killed = "pre-existing shared memory block" in self._log() or (
                'lock file "postmaster.pid" already exists' in self._log() and time.monotonic() < gone
            )
            if process.poll() is None or not killed:
                break
            time.sleep(POLL)
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start; the end of {self.folder / 'log'} says:\n{self._log()[-2000:]}"
        )

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def _status(data: Path, pid: int) -> str | None:
    """What postmaster.pid says, as pg_ctl reads it ("starting", "ready"); `None` if it is not `pid`'s."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    return lines[7].strip() if len(lines) >= 8 and lines[0] == str(pid) else None


def _postmaster(data: Path) -> int | None:
    """The process that serves this data folder now; not merely one that got the number of a dead one."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    if Path("/proc/self/cwd").exists():
        try:
            return pid if os.readlink(f"/proc/{pid}/cwd") == str(data) else None
        except OSError:
            return None
    command = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True
    )
    return pid if f"-D {data} " in command.stdout else None


def _shut_down(pid: int, gone: Callable[[], bool]) -> None:
    for kind, limit in ((signal.SIGINT, STOP_LIMIT), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, kind)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if gone():
                return
            time.sleep(POLL)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)  # the log may quote what people wrote


def _expect(done: subprocess.CompletedProcess[str]) -> None:
    # In single-user mode a failed statement is no failed process.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise EmbeddedPostgresError(f"{done.args[0]} failed:\n{done.stdout[-500:]}{done.stderr[-2000:]}")


def _folder(home: Path, account: Account | None) -> Path:
    if account is None or account.name != NOBODY or reachable(home, account):
        return home / "postgres"
    return shared(_digest(home))


def _socket_folder(folder: Path) -> Path:
    inside = folder / "run"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return inside
    return Path("/tmp") / f"coachwire-{_digest(folder)}"  # noqa: S108 - its owner and mode are checked


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
