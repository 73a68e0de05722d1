"""A real S3 server for the tests: versitygw, which enforces what a signature says. Found, or built with Go, once."""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Any

from coachwire.blobs.s3 import connect_s3
from coachwire.settings import S3

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
BUILD_LIMIT = 90  # s, within that of a test; `.ci/run` builds it without one beforehand
START_LIMIT = 20  # s; it takes 70 ms
STOP_LIMIT = 5  # s
PORTS = range(20000, 32768)  # below the ports that systems give to outgoing connections


class NoS3Server(Exception):
    """There is none, and none can be built; the text says why."""


class S3Server:
    """On a loopback port, objects below a folder; the same address after each `start`."""

    def __init__(self, folder: Path) -> None:
        self._program = _program()
        self._data, self._notes = folder / "data", folder / "notes"
        (self._data / "files").mkdir(parents=True)
        self._notes.mkdir()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> S3:
        return S3(
            endpoint_url=f"http://127.0.0.1:{self._port}",
            bucket="files",
            access_key_id="the-tests",
            secret_access_key="a secret / of+the tests",
        )

    def start(self) -> None:
        """Returns when it accepts connections."""
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            if not self._port:
                self._port = random.choice(PORTS)  # noqa: S311 - any free port will do
                if _accepts(self._port):  # somebody else is there, and would be taken for it
                    self._port = 0
                    continue
            settings = self.settings
            process = subprocess.Popen(
                [
                    *(self._program, "--quiet", "--port", f"127.0.0.1:{self._port}"),
                    *("--region", settings.region, "posix", "--sidecar", self._notes, self._data),
                ],
                env={
                    "ROOT_ACCESS_KEY": settings.access_key_id,
                    "ROOT_SECRET_KEY": settings.secret_access_key,
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            while process.poll() is None and time.monotonic() < limit:
                if _accepts(self._port):
                    self._process = process
                    return
                time.sleep(0.01)
            process.kill()
            process.wait()
            self._port = 0  # it was taken
        raise NoS3Server(f"{self._program} did not start within {START_LIMIT} s")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    async def allow_pages(self, rules: list[Any]) -> None:
        """The bucket's rules for CORS; none: as it was."""
        async with connect_s3(self.settings) as client:
            if rules:
                await client.put_bucket_cors(Bucket="files", CORSConfiguration={"CORSRules": rules})
            else:
                await client.delete_bucket_cors(Bucket="files")

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _program() -> str:
    """On the PATH, else where Go puts what it builds, else built there."""
    if (found := shutil.which("versitygw")) is not None:
        return found
    if (go := shutil.which("go")) is None:
        raise NoS3Server("no versitygw on the PATH, and no Go to build it with")
    binaries = subprocess.check_output([go, "env", "GOBIN", "GOPATH"], text=True).splitlines()
    folder = Path(binaries[0]) if binaries[0] else Path(binaries[1]) / "bin"
    program = folder / "versitygw"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".versitygw.lock").open("w") as lock:
        _take(lock)
        if not program.exists():
            try:
                subprocess.run(
                    [go, "install", f"{MODULE}@{VERSION}"],
                    check=True,
                    capture_output=True,
                    timeout=BUILD_LIMIT,
                    env=os.environ | {"CGO_ENABLED": "0"},
                )
            except (subprocess.SubprocessError, OSError) as error:
                raise NoS3Server(f"versitygw could not be built: {error}") from error
    return str(program)


def _take(lock: IO[str]) -> None:
    """Another process of this run may be building."""
    limit = time.monotonic() + BUILD_LIMIT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                raise NoS3Server("versitygw is still being built") from None
            time.sleep(0.2)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
