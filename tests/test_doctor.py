"""The doctor, on what is well and on what is not: it says what is wrong and what to do, and tells no secret."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
import redis
from coachwire.bus.connection import Address
from coachwire.doctor.replies import check_replies
from coachwire.embedded import EmbeddedPostgres
from coachwire.migrate import migrate
from coachwire.settings import S3

from .conftest import in_a_loop_of_its_own
from .gym import SECRET, open_gym
from .instances import instances
from .s3 import S3Server
from .services import EmbeddedCluster, EmbeddedRedis, folder_for_services

Findings = dict[str, dict[str, str]]


def doctor(*options: str, **environment: str) -> tuple[int, str]:
    """Exit code and what it prints."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DATABASE_URL", "REDIS_URL") and not key.startswith(("COACHWIRE_", "S3_"))
    }
    usual = {"COACHWIRE_PORT": "0", "COACHWIRE_METRICS_PORT": "off", "COACHWIRE_JWT_SECRET": SECRET}
    with TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "coachwire", "doctor", *options],
            env=kept | {"COLUMNS": "200", "COACHWIRE_HOME": home} | usual | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == ""
    return done.returncode, done.stdout


def findings(**environment: str) -> tuple[int, Findings]:
    code, out = doctor("--json", **environment)
    told = json.loads(out)
    assert told["ok"] == (code == 0)
    return code, {finding["check"]: finding for finding in told["findings"]}


@pytest.fixture
def synced() -> Iterator[str]:
    """A migrated database of a cluster that syncs, unlike the one of the other tests."""
    with folder_for_services() as home:
        cluster = EmbeddedPostgres(home)
        cluster.start()
        try:
            in_a_loop_of_its_own(migrate(cluster.dsn))
            yield cluster.dsn
        finally:
            cluster.stop()


def test_where_all_is_well_it_says_so_line_by_line(synced: str, redis_url: str) -> None:
    code, found = findings(DATABASE_URL=synced, REDIS_URL=redis_url)
    assert {name: finding["state"] for name, finding in found.items()} == {
        "settings": "ok",
        "database": "ok",
        "schema": "ok",
        "triggers": "ok",
        "partitions": "ok",
        "jobs": "ok",
        "replies": "ok",
        "durability": "ok",
        "clock": "ok",
        "connections": "ok",
        "role": found["role"]["state"],  # whoever runs the tests' cluster
        "redis": "ok",
        "redis safety": "ok",
        "files": "ok",
        "file cleaning": "ok",
        "ffmpeg": found["ffmpeg"]["state"],  # as this machine has it
        "tokens": "ok",
        "notifications": "ok",
        "port": "ok",
        "metrics": "ok",
    }
    assert code == 0
    code, out = doctor(DATABASE_URL=synced, REDIS_URL=redis_url)
    assert code == 0
    assert "FAILED" not in out
    assert "a message came back" in out


def test_each_master_of_a_redis_cluster_is_tried(synced: str, redis_cluster: EmbeddedCluster) -> None:
    _, found = findings(DATABASE_URL=synced, REDIS_URL=redis_cluster.url)
    assert found["redis"]["found"] == "a message came back from each of 3 masters"


def test_a_node_of_a_cluster_is_not_taken_for_a_redis(synced: str, redis_cluster: EmbeddedCluster) -> None:
    _, found = findings(DATABASE_URL=synced, REDIS_URL=redis_cluster.master_of("cw:user:1").url)
    assert found["redis"]["state"] == "failed"
    assert found["redis"]["advice"] == "REDIS_URL must begin with redis+cluster://."


async def test_what_is_wrong_with_the_database_is_told_with_its_remedy(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("alter table memberships disable trigger coachwire_updated")
        await connection.execute("drop trigger coachwire_deleted on messages")
        tables = await connection.fetch(
            "select inhrelid::regclass::text from pg_inherits"
            " where inhparent = 'stream_events'::regclass order by 1 desc"
        )
        for (table,) in tables[:4]:
            await connection.execute(f"drop table {table}")
        name = await connection.fetchval("select current_database()")
        await connection.execute(f"alter database {name} set synchronous_commit = off")
    finally:
        await connection.close()
    code, found = findings(DATABASE_URL=database_url, COACHWIRE_WORKERS="1")
    assert code == 1
    assert found["triggers"]["state"] == "failed"
    assert found["triggers"]["found"] == (
        "missing or disabled: coachwire_updated on memberships, coachwire_deleted on messages"
    )
    assert "ENABLE TRIGGER coachwire_updated" in found["triggers"]["advice"]
    assert found["partitions"]["state"] == "failed"
    assert found["durability"]["state"] == "failed"
    assert "synchronous_commit" in found["durability"]["advice"]


def test_a_database_without_tables_is_to_be_migrated(empty_database_url: str) -> None:
    code, found = findings(DATABASE_URL=empty_database_url)
    assert (code, found["schema"]["state"]) == (1, "failed")
    assert "coachwire migrate" in found["schema"]["advice"]


def test_more_workers_than_the_database_has_connections_for_are_too_many(
    database_url: str, redis_url: str
) -> None:
    code, found = findings(DATABASE_URL=database_url, REDIS_URL=redis_url, COACHWIRE_WORKERS="64")
    assert (code, found["connections"]["state"]) == (1, "failed")
    assert found["connections"]["found"].startswith("704 for 64 workers")


def test_what_is_not_there_is_told_without_a_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out = doctor(
            DATABASE_URL="postgresql://a:canary@127.0.0.1:1/x",
            REDIS_URL="redis://:canary@127.0.0.1:1",
            COACHWIRE_JWT_SECRET="",
            COACHWIRE_JWKS_URL="http://127.0.0.1:1/keys",
            COACHWIRE_JWT_ISSUER="https://issuer.test",
            COACHWIRE_METRICS_PORT=str(taken.getsockname()[1]),
        )
    assert code == 1
    assert out.count("FAILED") == 4
    assert "canary" not in out


def test_a_wrong_setting_is_all_it_can_tell() -> None:
    code, found = findings(COACHWIRE_RATE_LIMIT="many")
    assert code == 1
    assert list(found) == ["settings"]
    assert found["settings"]["found"].startswith("COACHWIRE_RATE_LIMIT: expected a number of messages")


def test_a_redis_that_forbids_what_we_need_is_found_out(own_redis: EmbeddedRedis, database_url: str) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.acl_setuser("gym", enabled=True, passwords=["+secret"], commands=["+publish", "+ping"])
    url = own_redis.url.replace("://", "://gym:secret@")
    code, found = findings(DATABASE_URL=database_url, REDIS_URL=url)
    assert (code, found["redis"]["state"]) == (1, "failed")
    assert "NOPERM" in found["redis"]["found"]


@pytest.mark.parametrize(
    ("url", "lacking"),
    [
        ("redis://localhost:6379", ()),
        ("redis://127.0.0.1:6379", ()),
        ("unix:///run/redis.sock", ()),
        ("redis://cache:6379", ("a password", "TLS")),
        ("redis://:secret@10.0.0.1:6379", ("TLS",)),
        ("rediss://cache:6379", ("a password",)),
        ("rediss://user:secret@cache:6379", ()),
    ],
)
def test_a_redis_on_the_network_wants_a_password_and_tls(url: str, lacking: tuple[str, ...]) -> None:
    assert Address.from_url(url).lacking == lacking


async def test_a_server_on_an_open_redis_warns_when_it_starts(database_url: str) -> None:
    async with instances(1, database_url, "redis://cache.invalid:6379") as (server,):
        assert [line["lacking"] for line in server.lines() if line["event"] == "redis_unguarded"] == [
            ["a password", "TLS"]
        ]


def of_s3(settings: S3) -> dict[str, str]:
    return {
        "S3_ENDPOINT_URL": settings.endpoint_url,
        "S3_BUCKET": settings.bucket,
        "S3_ACCESS_KEY_ID": settings.access_key_id,
        "S3_SECRET_ACCESS_KEY": settings.secret_access_key,
    }


def test_a_bucket_is_tried_and_left_as_it_was(s3_server: S3Server) -> None:
    _, found = findings(**of_s3(s3_server.settings))
    assert found["files"]["found"] == "bucket files: an object was put, shown and deleted"
    assert found["files"]["state"] == "ok"


def test_what_is_wrong_with_a_bucket_is_told_without_its_secret(s3_server: S3Server) -> None:
    right = of_s3(s3_server.settings)
    for wrong, said in (
        ({"S3_BUCKET": "another"}, "bucket another: NoSuchBucket"),
        ({"S3_SECRET_ACCESS_KEY": "wrong and secret"}, "bucket files: SignatureDoesNotMatch"),
        ({"S3_ACCESS_KEY_ID": "somebody"}, "bucket files: XAdminUserNotFound"),  # versitygw's word
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:1"}, "bucket files: EndpointConnectionError"),
    ):
        _, out = doctor("--json", **right | wrong)
        assert "secret" not in out.replace("COACHWIRE_JWT_SECRET", "").replace("a secret of", "")
        _, found = findings(**right | wrong)
        assert (found["files"]["state"], found["files"]["found"]) == ("failed", said)
        assert "S3_ settings" in found["files"]["advice"]


def test_a_bucket_that_takes_nothing_from_pages_is_warned_of(s3_server: S3Server) -> None:
    _, found = findings(**of_s3(s3_server.settings), COACHWIRE_ALLOWED_ORIGINS="https://app.example.com")
    assert found["file pages"]["state"] == "warning"
    assert "docs/files.md" in found["file pages"]["advice"]


async def test_the_rule_of_the_manual_lets_pages_put(s3_server: S3Server) -> None:
    manual = (Path(__file__).parent.parent / "docs" / "files.md").read_text()
    (rules,) = re.findall(r"```json\n(\[.*?\])\n```", manual, re.DOTALL)
    await s3_server.allow_pages(json.loads(rules))
    try:
        settings = of_s3(s3_server.settings) | {"COACHWIRE_ALLOWED_ORIGINS": "https://app.example.com"}
        _, found = await asyncio.to_thread(findings, **settings)
        assert found["file pages"]["state"] == "ok"
    finally:
        await s3_server.allow_pages([])


def test_a_folder_that_cannot_be_written_is_told_of() -> None:
    _, found = findings(COACHWIRE_HOME="/proc/nowhere")
    assert found["files"]["state"] == "failed"
    assert "COACHWIRE_HOME" in found["files"]["advice"]


def test_a_server_that_others_reach_should_know_its_address() -> None:
    _, found = findings(COACHWIRE_HOST="0.0.0.0")  # noqa: S104 - as in a container
    assert found["file links"]["state"] == "warning"
    _, found = findings(COACHWIRE_HOST="0.0.0.0", COACHWIRE_PUBLIC_URL="https://x.example.com")  # noqa: S104 - likewise
    assert "file links" not in found


async def test_many_comments_without_an_index_for_their_replies_are_told_with_the_statement(
    database_url: str,
) -> None:
    place = await open_gym(database_url, "harbor")
    connection = await asyncpg.connect(database_url)
    try:
        assert (await check_replies(connection)).state == "ok"
        await connection.execute(
            "with w as (insert into workouts (organization_id, title) values ($1, 'Legs') returning id),"
            " v as (insert into workout_movements (workout_id, name, sort_order)"
            " select id, 'Squat', 1 from w returning id)"
            " insert into exercise_comments (id, workout_movement_id, author_id, body)"
            " select gen_random_uuid(), v.id, $2, 'deeper' from v cross join generate_series(1, 6000)",
            place.organization_id,
            place.coach.user_id,
        )
        await connection.execute("analyze exercise_comments")
        found = await check_replies(connection)
        assert (found.state, "about 6000 comments" in found.found) == ("warning", True)
        await connection.execute(found.advice)
        assert (await check_replies(connection)).state == "ok"
        await connection.execute("drop index exercise_comments_parent_comment_id_idx")
    finally:
        await connection.close()
