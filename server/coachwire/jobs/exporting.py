"""Export: builds a person's ZIP page by page, puts it into the blob store, and says so in one step.

Whoever dies over it leaves nothing behind but a job that another takes up after a minute, from the beginning."""

import asyncio
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from msgspec import json

from coachwire.blobs import ENDINGS, Blobs, Changed
from coachwire.database import Database, Query
from coachwire.jobs import Step
from coachwire.operations.jobs import export_key

PAGE = 500  # lines
FIRST = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


class Taken(NamedTuple):
    user_id: UUID | None


class Going(NamedTuple):
    on: bool


class Line(NamedTuple):
    at: datetime
    id: UUID
    line: str


class LineWithFiles(NamedTuple):
    at: datetime
    id: UUID
    line: str
    files: list[list[str]]  # id, mime type, key


class Person(NamedTuple):
    line: str


TAKE = Query("export/take", Taken)
KEEP = Query("export/keep", Going)
FINISH = Query("export/finish", Going)
PERSON = Query("export/person", Person)
SENT = Query("export/sent", LineWithFiles)
RECEIVED = Query("export/received", Line)
COMMENTS = Query("export/comments", Line)
VALUES = Query("export/values", Line)


L = TypeVar("L", Line, LineWithFiles)


class Stopped(Exception):
    """Its person was erased, or somebody else has taken it."""


class Exporting:
    """`words_of_others`: whether messages to the person come with their words, or as references."""

    def __init__(self, database: Database, blobs: Blobs, *, words_of_others: bool) -> None:
        self._database = database
        self._blobs = blobs
        self._received = (words_of_others,)

    async def step(self, job_id: UUID) -> Step:
        async with self._database.connection() as tx:
            user_id = (await TAKE.one(tx, job_id)).user_id
        if user_id is None:
            return Step.BUSY
        try:
            with TemporaryDirectory(prefix="coachwire-export-") as folder:
                await _Building(self, job_id, user_id, Path(folder)).build()
        except Stopped:
            return Step.BUSY
        return Step.DONE

    async def pages(self, query: Query[L], user_id: UUID) -> AsyncIterator[list[L]]:
        """All lines of one kind, in order."""
        after = FIRST
        while True:
            async with self._database.connection() as tx:
                more = self._received if query.name == RECEIVED.name else ()
                page = await query.rows(tx, user_id, *after, PAGE, *more)
            if page:
                yield page
                after = (page[-1].at, page[-1].id)
            if len(page) < PAGE:
                return

    async def ask(self, query: Query[Any], *arguments: object) -> Any:
        async with self._database.connection() as tx:
            return await query.first(tx, *arguments)

    @property
    def blobs(self) -> Blobs:
        return self._blobs


class _Building:
    """One ZIP on its way. Disk and compression are left to threads."""

    def __init__(self, of: Exporting, job_id: UUID, user_id: UUID, folder: Path) -> None:
        self._of = of
        self._job_id = job_id
        self._user_id = user_id
        self._folder = folder
        self._counts: Counter[str] = Counter()

    async def build(self) -> None:
        path = self._folder / "export.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            person = await self._of.ask(PERSON, self._user_id)
            if person is None:
                raise Stopped
            archive.writestr("person.json", person.line + "\n")
            files = [file for row in await self._write(archive, "messages-sent", SENT) for file in row.files]
            await self._write(archive, "messages-received", RECEIVED)
            await self._write(archive, "comments", COMMENTS)
            await self._write(archive, "values", VALUES)
            for id_, mime_type, key in files:
                await self._add(archive, f"files/{id_}.{ENDINGS.get(mime_type, 'bin')}", key)
        key = export_key(str(self._user_id), str(self._job_id))
        await self._of.blobs.put(key, path, "application/zip")
        kept = await self._of.ask(FINISH, self._job_id, key, self._report())
        if not kept.on:
            raise Stopped

    async def _write(self, archive: zipfile.ZipFile, name: str, query: Query[L]) -> list[L]:
        """Lines of one kind, into a file of their own. Returns those that name files."""
        with_files: list[L] = []
        with archive.open(f"{name}.jsonl", "w", force_zip64=True) as target:
            async for page in self._of.pages(query, self._user_id):
                lines = "".join(f"{row.line}\n" for row in page).encode()
                await asyncio.to_thread(target.write, lines)
                with_files.extend(row for row in page if isinstance(row, LineWithFiles) and row.files)
                await self._came_on(name, len(page))
        return with_files

    async def _add(self, archive: zipfile.ZipFile, name: str, key: str) -> None:
        found = await self._of.blobs.head(key)
        if found is None:
            return  # taken back meanwhile
        part = self._folder / "file"
        try:
            await self._of.blobs.get(key, found.etag, part)
        except Changed:
            return
        await asyncio.to_thread(archive.write, part, name, zipfile.ZIP_STORED)  # pictures do not get smaller
        await self._came_on("files", 1)

    async def _came_on(self, name: str, count: int) -> None:
        self._counts[name] += count
        if not (await self._of.ask(KEEP, self._job_id, self._report())).on:
            raise Stopped

    def _report(self) -> str:
        return json.encode(dict(self._counts)).decode()
