"""The command line as an operator meets it: a process, its words, its exit code."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import jwt
import pytest

SECRET = "a secret that is long enough for HS256"


def coachwire(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command with these settings and no others."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name.isupper() and not name.startswith(("COACHWIRE_", "DATABASE_", "REDIS_", "S3_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "coachwire", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Exit code and the one line of a command that had nothing to say on stdout."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.returncode, done.stderr.strip()


async def value(dsn: str, query: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


def test_help_names_every_command() -> None:
    done = coachwire("--help")
    assert done.returncode == 0
    for command in ("dev", "serve", "migrate", "token", "seed", "epoch", "doctor"):
        assert f" {command} " in done.stdout


def test_migrate_says_what_it_applied_and_then_that_there_is_nothing_to_do(empty_database_url: str) -> None:
    first = coachwire("migrate", DATABASE_URL=empty_database_url)
    assert (first.returncode, first.stderr) == (0, "")
    assert "applying 0001_platform.sql\napplying 0002_messages.sql\n" in first.stdout
    second = coachwire("migrate", DATABASE_URL=empty_database_url)
    assert (second.returncode, second.stdout) == (0, "nothing to do: the schema is this version's\n")


def test_migrate_beside_a_platform_that_is_not_there_lists_what_is_missing(empty_database_url: str) -> None:
    done = coachwire("migrate", "--platform", "external", DATABASE_URL=empty_database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("coachwire: The platform's tables do not fit:\n- table users is missing\n")


@pytest.mark.parametrize("name", ["id", "email", "EMAIL"])
async def test_a_token_is_made_for_an_id_or_an_email(database_url: str, name: str) -> None:
    user_id = await value(database_url, "insert into users (email) values ('Noa@Gym.test') returning id")
    user = {"id": str(user_id), "email": "Noa@Gym.test", "EMAIL": "NOA@GYM.TEST"}[name]
    done = coachwire(
        "token", "--user", user, "--ttl", "90",
        DATABASE_URL=database_url, COACHWIRE_JWT_SECRET=SECRET, COACHWIRE_JWT_ISSUER="gym",
        COACHWIRE_JWT_AUDIENCE="app",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"], audience="app", issuer="gym")
    assert claims == {
        "sub": str(user_id),
        "iat": claims["iat"],
        "exp": claims["iat"] + 90,
        "iss": "gym",
        "aud": "app",
    }


async def test_nobody_gets_the_token_of_who_is_unknown_or_deleted(database_url: str) -> None:
    await value(database_url, "insert into users (email, deleted_at) values ('gone@gym.test', now())")
    for user in ("gone@gym.test", str(uuid.uuid4()), "x'; drop table users"):
        done = coachwire("token", "--user", user, DATABASE_URL=database_url, COACHWIRE_JWT_SECRET=SECRET)
        assert refusal(done) == (1, f"coachwire: no user has the id or email {user!r}")


async def test_seed_writes_the_file_for_its_user_alone(database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "people.json"
    done = coachwire(
        "seed", "--organizations", "2", "--coaches", "1", "--members", "3", "--messages", "20",
        "--out", str(out), DATABASE_URL=database_url, COACHWIRE_JWT_SECRET=SECRET,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert out.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == [out.name]
    organizations = json.loads(out.read_text())["organizations"]
    assert [len(organization["people"]) for organization in organizations] == [6, 6]
    person = organizations[1]["people"][5]
    assert jwt.decode(person["token"], SECRET, algorithms=["HS256"])["sub"] == person["userId"]
    assert await value(database_url, "select count(*) from messages") == 40


async def test_a_new_epoch_is_printed_and_kept(database_url: str) -> None:
    before = coachwire("epoch", DATABASE_URL=database_url).stdout.strip()
    new = coachwire("epoch", "--new", DATABASE_URL=database_url).stdout.strip()
    assert before != new
    assert 1 <= len(new) <= 16
    assert await value(database_url, "select epoch from stream_epoch") == new
    assert coachwire("epoch", DATABASE_URL=database_url).stdout.strip() == new


@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("epoch",), ("token", "--user", "x")])
def test_without_a_database_url_a_command_is_asked_wrongly(command: tuple[str, ...]) -> None:
    code, line = refusal(coachwire(*command))
    assert code == 2
    assert line.startswith("coachwire: DATABASE_URL is not set")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://x", 2),
        ("postgresql://a@127.0.0.1:port/x", 2),
        ("postgresql://a:secret@127.0.0.1:1/x", 1),
        ("postgresql://a:secret@/x?host=/nowhere/at/all", 1),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line_without_the_password(url: str, code: int) -> None:
    found, line = refusal(coachwire("epoch", DATABASE_URL=url))
    assert found == code
    assert "secret" not in line


def test_a_database_without_tables_is_told_to_be_migrated(empty_database_url: str) -> None:
    done = coachwire("epoch", DATABASE_URL=empty_database_url)
    assert refusal(done) == (
        1,
        "coachwire: the database has no tables of Coachwire yet: run `coachwire migrate`",
    )


def test_tokens_need_the_secret(database_url: str) -> None:
    code, line = refusal(coachwire("token", "--user", "x", DATABASE_URL=database_url))
    assert (code, line) == (2, "coachwire: COACHWIRE_JWT_SECRET is not set: tokens are signed with it")


@pytest.mark.parametrize(
    "arguments",
    [
        ("seed",),
        ("seed", "--organizations", "0", "--coaches", "1", "--members", "1", "--out", "x.json"),
        ("seed", "--organizations", "1", "--coaches", "1", "--members", "-1", "--out", "x.json"),
        ("token",),
        ("migrate", "--platform", "rented"),
        ("fly",),
    ],
)
def test_wrong_options_are_refused_before_anything_happens(arguments: tuple[str, ...]) -> None:
    done = coachwire(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert not Path("x.json").exists()


def test_seed_looks_for_the_folder_of_its_file_first(database_url: str, tmp_path: Path) -> None:
    done = coachwire(
        "seed", "--organizations", "1", "--coaches", "1", "--members", "1",
        "--out", str(tmp_path / "no" / "x.json"), DATABASE_URL=database_url, COACHWIRE_JWT_SECRET=SECRET,
    )  # fmt: skip
    assert refusal(done) == (2, f"coachwire: --out: there is no folder {tmp_path / 'no'}")
