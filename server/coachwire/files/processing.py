"""Takes uploads that are to be processed, cleans each in a process of its own, and says what became of it.

Any instance works; a row is taken for a while, so that what a killed server left is taken up by another. Only the
object that was looked at is processed (by its etag), and what is shown is a new one, written here: what its owner puts
in its place later is never seen by anybody."""

import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from tempfile import gettempdir, mkdtemp
from typing import NamedTuple, get_args
from uuid import UUID

import structlog
from coachwire_protocol.errors import Unavailable
from coachwire_protocol.uploads import Reason

from coachwire.blobs import Blobs, Changed, what_failed
from coachwire.database import Database, Query
from coachwire.files.cleaning import ANSWERED, CLEAN, ORIGINAL, THUMBNAIL, WALL
from coachwire.measures import UPLOADS

log = structlog.get_logger()

AT_ONCE = 2  # files an instance works on; the others wait in the table
POLL = 5.0  # s; what another instance left is found by looking
LEASE = 150.0  # s that a row is ours; longer than
WHOLE = 120.0  # s for all of a file: fetch, clean, store
AGAIN = 5.0  # s until the next try while the store is away
MOST_ATTEMPTS = 3  # that ended with their server; the file is refused then
PREFIX = "coachwire-file-"  # of a file's own folder
OLD = 3600.0  # s; a folder of that age was left by a killed server
REASONS = frozenset(get_args(Reason))


class Job(NamedTuple):
    id: UUID
    mime_type: str
    upload_key: str
    key: str
    thumbnail_key: str
    etag: str
    attempts: int


class Key(NamedTuple):
    key: str


TAKE = Query("uploads/take", Job)
FINISH = Query("uploads/finish", Key)
REFUSE = Query("uploads/refuse", Key)
RELEASE = Query("uploads/release", tuple)
NOTE = Query("blobs/note", tuple)


class Refused(Exception):
    """The argument is the reason."""


class Processing:
    """`run` until its owner cancels it. `wake` makes it prompt."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._wakes = [asyncio.Event() for _ in range(AT_ONCE)]

    def wake(self) -> None:
        """There is something to do."""
        for event in self._wakes:
            event.set()

    async def run(self) -> None:
        await asyncio.to_thread(_clear_up)
        async with asyncio.TaskGroup() as tasks:
            for number, event in enumerate(self._wakes):
                tasks.create_task(self._work(event, None if number else POLL))

    async def _work(self, wake: asyncio.Event, poll: float | None) -> None:
        """One of them looks by itself, the others when they are told."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(poll):
                    await wake.wait()
            wake.clear()
            try:
                while job := await self._take():
                    self.wake()  # there may be another
                    await self._process(job)
            except Unavailable:
                await asyncio.sleep(AGAIN)

    async def _take(self) -> Job | None:
        async with self._database.connection() as tx:
            return await TAKE.first(tx, LEASE)

    async def _process(self, job: Job) -> None:
        folder = Path(mkdtemp(prefix=PREFIX))  # at once: from here on the row is given back, whatever happens
        try:
            async with asyncio.timeout(WHOLE):
                size, has_thumbnail = await self._made(job, folder)
        except Refused as refused:
            await self._refuse(job, str(refused))
        except (Unavailable, TimeoutError) as error:
            log.warning("blobs_away", doing="process", error=what_failed(error))
            await self._release(job, AGAIN)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                await self._release(job, 0)
            raise
        else:
            await self._finish(job, size, has_thumbnail)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _made(self, job: Job, folder: Path) -> tuple[int, bool]:
        """The size of the cleaned object, and whether it has a thumbnail; both are stored."""
        if job.attempts > MOST_ATTEMPTS:
            raise Refused("unreadable")
        try:
            await self._blobs.get(job.upload_key, job.etag, folder / ORIGINAL)
        except Changed:
            raise Refused("changed") from None
        answer = await clean_beside(folder, job.mime_type)
        if answer != "clean":
            raise Refused(answer)
        size = _size_of_file(folder / CLEAN)
        if not size:
            raise Refused("unreadable")
        await self._blobs.put(job.key, folder / CLEAN, job.mime_type)
        if not _size_of_file(folder / THUMBNAIL):
            return size, False
        await self._blobs.put(job.thumbnail_key, folder / THUMBNAIL, "image/webp")
        return size, True

    async def _finish(self, job: Job, size: int, has_thumbnail: bool) -> None:
        async with self._database.connection() as tx:
            finished = await FINISH.first(tx, job.id, job.attempts, size, has_thumbnail)
            if finished is None:
                await NOTE.run(tx, job.id, [job.key, job.thumbnail_key])
        if finished is not None:
            UPLOADS.labels("ready").inc()
            await self._drop(finished.key)

    async def _refuse(self, job: Job, reason: str) -> None:
        async with self._database.connection() as tx:
            refused = await REFUSE.first(tx, job.id, job.attempts, reason)
        if refused is not None:
            UPLOADS.labels(reason).inc()
            await self._drop(refused.key)

    async def _release(self, job: Job, seconds: float) -> None:
        async with self._database.connection() as tx:
            await RELEASE.run(tx, job.id, job.attempts, seconds)

    async def _drop(self, key: str) -> None:
        """At once, where it can be; the sweeper makes sure."""
        with suppress(Unavailable):
            await self._blobs.delete([key])


async def clean_beside(folder: Path, mime_type: str) -> str:
    """`clean`, or why the original is refused. The process is killed with all that it started, whatever happens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "coachwire.files.cleaning",
        str(folder),
        mime_type,
        shutil.which("ffmpeg") or "",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LANG": "C.UTF-8", "TMPDIR": str(folder)},
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - asked for
    said = b""
    try:
        async with asyncio.timeout(WALL):
            said = await process.stdout.read(200)
            await process.wait()
    except TimeoutError:
        said = b""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    answer = said.decode("ascii", "replace").removeprefix(ANSWERED)
    return answer if process.returncode == 0 and answer in REASONS | {"clean"} else "unreadable"


def _clear_up() -> None:
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or another instance was faster
            found = folder.lstat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > OLD:
                shutil.rmtree(folder)


def _size_of_file(path: Path) -> int:
    """0 for what is not there, and for what is no file: who wrote it has met a stranger's bytes."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0
