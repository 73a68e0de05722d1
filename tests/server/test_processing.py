"""When things go wrong with files: decoders that crash, hang or eat, servers that are killed, stores that are away."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.files import processing
from coachwire.files.cleaning import MEMORY, OPEN
from coachwire.keys import PROCESSING
from coachwire.settings import Settings
from PIL import Image

from ..files import film, head, picture, saved, track
from ..gym import SECRET, Place, message_to
from ..instances import instances
from ..s3 import S3Server
from .platform import Tables
from .routes import call
from .test_rest_sends import body_to
from .uploading import complete, put, ready_upload, request_upload, upload

VIDEO = film(head(b"mvhd", 1), track(b"vide", 1, []))


def has_landlock() -> bool:
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            "from coachwire.files.fence import *; print(fence_in(readable=[], writable=[]))",
        ],
        capture_output=True,
        check=False,
    )
    return b"True" in run.stdout


def slow_picture() -> bytes:
    """It takes a second or more to clean."""
    return saved(Image.effect_noise((6000, 6000), 20), "JPEG", quality=60)


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script where ffmpeg is found."""
    (folder := tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(script: str) -> None:
        (program := folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a file that is to be cleaned."""
    (folder := tmp_path / "file").mkdir()
    (folder / "original").write_bytes(VIDEO)
    return folder


async def until(happens: Callable[[], Awaitable[Any]]) -> Any:
    """What it says, once it says something."""
    async with asyncio.timeout(20):
        while True:
            if found := await happens():
                return found
            await asyncio.sleep(0.01)


async def child() -> int:
    """The process that cleans a file. 0: there is none yet."""
    return next(filter(_cleans, _children()), 0)


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _cleans(pid: int) -> bool:
    try:
        return b"coachwire.files.cleaning" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


async def test_a_decoder_that_crashes_takes_its_file_with_it_and_nothing_else(
    gym: Place, http: ClientSession
) -> None:
    upload_id = await upload(http, gym.coach, slow_picture())
    deciding = asyncio.create_task(complete(http, gym.coach, upload_id))
    os.kill(await until(child), signal.SIGSEGV)
    assert await deciding == {"uploadId": upload_id, "state": "refused", "reason": "unreadable"}
    await ready_upload(http, gym.coach)


async def test_a_decoder_that_hangs_is_killed_with_all_it_started(
    ffmpeg: Callable[[str], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "WALL", 1.0)
    ffmpeg("echo $$ > started; exec sleep 1000")
    assert await processing.clean_beside(folder, "video/mp4") == "unreadable"
    pid = int((folder / "started").read_text())

    async def is_gone() -> bool:
        return not _runs(pid)

    await until(is_gone)


async def test_a_decoder_knows_nothing_of_the_server(
    ffmpeg: Callable[[str], None], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "not for decoders")
    ffmpeg("(env; ulimit -n) > seen; exit 1")
    assert await processing.clean_beside(folder, "video/mp4") == "unreadable"
    *environment, files = (folder / "seen").read_text().splitlines()
    assert {line.partition("=")[0] for line in environment} <= {
        "LANG",
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    assert int(files) == OPEN


@pytest.mark.skipif(not has_landlock(), reason="NO LANDLOCK in this kernel, decoders see all files")
async def test_a_decoder_sees_its_own_file_and_talks_to_nobody(
    ffmpeg: Callable[[str], None], folder: Path, tmp_path: Path
) -> None:
    (secret := tmp_path / "secret").write_text("not for decoders")
    server = f"/proc/{os.getpid()}"
    ffmpeg(
        f"cat original > seen; cat {secret} >> seen; tr '\\\\0' ' ' < {server}/environ >> seen; ls {tmp_path} >> seen;"
        f" echo x > {tmp_path}/written; kill -0 {os.getpid()} && echo reached >> seen; exit 1"
    )
    assert await processing.clean_beside(folder, "video/mp4") == "unreadable"
    assert (folder / "seen").read_bytes() == VIDEO
    assert not (tmp_path / "written").exists()


def test_a_decoder_has_only_so_much_memory() -> None:
    asked = f"bytearray({MEMORY})"
    code = f"from coachwire.files.cleaning import hold_to_limits\nhold_to_limits()\n{asked}"
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False)
    assert b"MemoryError" in run.stderr


async def test_what_a_killed_server_left_is_taken_up_by_another(
    gym: Place, database_url: str, database: Tables, tmp_path: Path
) -> None:
    async with (
        instances(2, database_url, COACHWIRE_HOME=str(tmp_path)) as (one, other),
        ClientSession(base_url=one.url) as http,
        ClientSession(base_url=other.url) as elsewhere,
    ):
        upload_id = await upload(http, gym.coach, slow_picture())
        status, answer = await call(http, gym.coach, "POST", f"uploads/{upload_id}/complete")
        assert (status, answer["state"]) == (200, "processing")
        await until(lambda: database.fetchval("select taken_until > now() from uploads"))
        one.kill()
        await database.execute("update uploads set taken_until = now() where state = 'processing'")
        assert (await complete(elsewhere, gym.coach, upload_id))["state"] == "ready"


async def test_a_file_that_ends_every_server_is_refused_in_the_end(
    gym: Place, http: ClientSession, server: TestServer, database: Tables
) -> None:
    upload_id = await upload(http, gym.coach)
    await database.execute("update uploads set state = 'processing', attempts = 3, etag = 'x'")
    server.app[PROCESSING].wake()
    assert (await complete(http, gym.coach, upload_id))["reason"] == "unreadable"


async def test_a_stopped_server_gives_back_what_it_had(
    gym: Place, database_url: str, database: Tables, tmp_path: Path
) -> None:
    async with (
        instances(1, database_url, COACHWIRE_HOME=str(tmp_path)) as (one,),
        ClientSession(base_url=one.url) as http,
    ):
        upload_id = await upload(http, gym.coach, slow_picture())
        await call(http, gym.coach, "POST", f"uploads/{upload_id}/complete")
        await until(lambda: database.fetchval("select taken_until > now() from uploads"))
        one.terminate()
        assert await one.exit_code() == 0
    row = await database.fetchrow("select state::text, attempts, taken_until > now() as taken from uploads")
    assert row is not None
    assert tuple(row) in {("processing", 0, False), ("ready", 1, None)}


class TestWithABucketOfItsOwn:
    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Path, own_s3: S3Server) -> Settings:
        return Settings(database_url=database_url, jwt_secret=SECRET, home=tmp_path, s3=own_s3.settings)

    async def test_a_store_that_is_away_is_unavailable_and_holds_up_no_message(
        self, gym: Place, http: ClientSession, own_s3: S3Server
    ) -> None:
        upload_id = await upload(http, gym.coach)
        own_s3.stop()
        status, problem = await call(http, gym.coach, "POST", f"uploads/{upload_id}/complete")
        assert (status, problem["code"]) == (503, "unavailable")
        await request_upload(http, gym.coach, 100)  # a link is computed
        assert (await call(http, gym.coach, "POST", "messages", json=message_to(gym.member)))[0] == 201
        own_s3.start()
        assert (await complete(http, gym.coach, upload_id))["state"] == "ready"

    async def test_a_store_that_is_slow_is_unavailable_in_time(
        self, gym: Place, http: ClientSession, own_s3: S3Server
    ) -> None:
        upload_id = await upload(http, gym.coach)
        own_s3.freeze()
        try:
            started = time.monotonic()
            looking = asyncio.create_task(call(http, gym.coach, "POST", f"uploads/{upload_id}/complete"))
            for _ in range(20):  # more than the database has connections
                status, _ = await call(http, gym.coach, "POST", "messages", json=body_to(gym.member))
                assert status == 201
            status, problem = await looking
            assert (status, problem["code"]) == (503, "unavailable")
            assert time.monotonic() - started < 60  # not for ever
        finally:
            own_s3.thaw()
        assert (await complete(http, gym.coach, upload_id))["state"] == "ready"

    async def test_a_store_that_goes_away_meanwhile_costs_time_and_no_attempt(
        self,
        gym: Place,
        http: ClientSession,
        own_s3: S3Server,
        server: TestServer,
        database: Tables,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(processing, "AGAIN", 0.1)
        link = await request_upload(http, gym.coach, len(body := picture()))
        assert await put(http, link, body) == 200
        await database.execute("update uploads set state = 'processing', etag = 'x'")
        own_s3.stop()
        server.app[PROCESSING].wake()
        given_back = "select taken_until is not null and attempts = 0 from uploads"
        await until(lambda: database.fetchval(given_back))
        own_s3.start()
        server.app[PROCESSING].wake()
        assert (await complete(http, gym.coach, link["uploadId"]))["reason"] == "changed"


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
