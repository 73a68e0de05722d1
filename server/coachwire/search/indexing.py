"""Keeps the search index: reads messages that came, changed or went, and writes what they are found by.

Any instance works, one at a time. A step is one transaction, in which the queue's rows go as well: whoever dies in it
leaves them to the next who looks. Messages from before the index come when nothing else is to be done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import PASSING, Database, Query, Tx
from coachwire.search.terms import document

log = structlog.get_logger()

GATHER = 1.0  # s between looks: under load a step has what came in it, and an idle server asks once a second
RETRY = 1.0  # s, while the database is away
MESSAGES = 1_000  # a step; the row of the queue that passes it is the last one, and has at most 500
ROWS = MESSAGES  # of the queue, a step
TOGETHER = 500  # messages read and written by one statement
CHARACTERS = 100_000  # of documents, the same: words that nobody said before cost most, and fit into its 2 s
TURN = 16_000  # characters folded before the loop has its turn: about a millisecond
PAUSE = 0.5  # s between steps through what was there before: it is in no hurry


class Waiting(NamedTuple):
    some: bool


class Begun(NamedTuple):
    ours: bool


class PendingRow(NamedTuple):
    id: int
    message_ids: list[UUID]


class MessageId(NamedTuple):
    id: UUID


class Contents(NamedTuple):
    """Columns, not rows: a thousand objects that live for a step would only make work for the collector of garbage."""

    ids: list[UUID]
    organization_ids: list[UUID]
    sender_ids: list[UUID]
    recipient_ids: list[UUID]
    in_thread: list[bool]
    created_at: list[datetime]
    contents: list[str]


class Documents(NamedTuple):
    ids: list[UUID]
    organization_ids: list[UUID]
    created_at: list[datetime]
    content_hashes: list[bytes]  # SHA-256
    texts: list[str]

    def portion(self, begin: int, end: int) -> "Documents":
        return Documents._make(column[begin:end] for column in self)


LOOK = Query("search/look", Waiting)
BEGIN = Query("search/begin", Begun)
NEXT = Query("search/next", PendingRow)
DONE = Query("search/done", tuple)
CONTENTS = Query("search/contents", Contents)
BACKLOG = Query("search/backlog", MessageId)
BACKLOG_DONE = Query("search/backlog_done", tuple)
INDEX = Query("search/index", tuple)

NONE = Documents([], [], [], [], [])
Write = Callable[[Tx, Sequence[UUID]], Awaitable[None]]


class Indexing:
    """`run` goes on until its owner cancels it. A step may raise `Unavailable`; it says whether there may be more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._caught_up = False  # nothing is left of what was there before

    async def run(self) -> None:
        while True:
            try:
                while await self.index_pending():
                    pass
                pause = GATHER if self._caught_up or not await self.index_backlog() else PAUSE
            except Unavailable:
                pause = RETRY
            await asyncio.sleep(pause)

    async def index_pending(self) -> bool:
        """What the triggers put down."""
        async with self._database.connection() as tx:
            return (await LOOK.one(tx)).some and await _step(tx, self._index_pending)

    async def index_backlog(self) -> bool:
        """What was there before the index."""
        async with self._database.connection() as tx:
            return await _step(tx, self._index_backlog)

    async def _index_pending(self, tx: Tx, write: Write) -> bool:
        if not (await BEGIN.one(tx)).ours:
            return False
        rows = await NEXT.rows(tx, ROWS, MESSAGES)
        named = [id_ for row in rows for id_ in row.message_ids]
        await write(tx, sorted(set(named)))
        await DONE.run(tx, [row.id for row in rows])
        return len(rows) == ROWS or len(named) >= MESSAGES

    async def _index_backlog(self, tx: Tx, write: Write) -> bool:
        if not (await BEGIN.one(tx)).ours:
            return False
        ids = [row.id for row in await BACKLOG.rows(tx, MESSAGES)]
        await write(tx, ids)
        await BACKLOG_DONE.run(tx, ids[-1] if ids else None)
        self._caught_up = not ids
        return bool(ids)


async def _step(tx: Tx, work: Callable[[Tx, Write], Awaitable[bool]]) -> bool:
    """All or nothing. A message that cannot be indexed is logged and left out: it must not hold up others."""
    try:
        async with tx.transaction():
            return await work(tx, _together)
    except PASSING:
        raise
    except asyncpg.PostgresError as error:
        log.warning("search_batch_failed", error=type(error).__name__, code=error.sqlstate)
    async with tx.transaction():
        return await work(tx, _one_by_one)


async def _together(tx: Tx, ids: Sequence[UUID]) -> None:
    """These messages as they are now."""
    for begin in range(0, len(ids), TOGETHER):
        documents, wordless = await _documents(tx, ids[begin : begin + TOGETHER])
        for first, end in portions([len(text) for text in documents.texts]):
            await _write(tx, documents.portion(first, end), wordless)
            wordless = []


async def _one_by_one(tx: Tx, ids: Sequence[UUID]) -> None:
    """The same, without those that PostgreSQL refuses."""
    for begin in range(0, len(ids), TOGETHER):
        some = ids[begin : begin + TOGETHER]
        documents, _ = await _documents(tx, some)
        await _write(tx, NONE, some)
        for place, id_ in enumerate(documents.ids):
            try:
                async with tx.transaction():
                    await _write(tx, documents.portion(place, place + 1), [])
            except PASSING:
                raise
            except asyncpg.PostgresError as error:
                log.error("message_not_indexed", id=str(id_), error=type(error).__name__, code=error.sqlstate)


async def _documents(tx: Tx, ids: Sequence[UUID]) -> tuple[Documents, Sequence[UUID]]:
    """What is to be found, and the others of these."""
    found = await CONTENTS.one(tx, ids)
    made = Documents([], [], [], [], [])
    folded = 0
    for id_, organization_id, sender_id, recipient_id, in_thread, created_at, content in zip(
        *found, strict=True
    ):
        text = document(organization_id, (sender_id, recipient_id), in_thread=in_thread, content=content)
        if text is not None:
            made.ids.append(id_)
            made.organization_ids.append(organization_id)
            made.created_at.append(created_at)
            made.content_hashes.append(sha256(content.encode()).digest())
            made.texts.append(text)
        folded += len(content)
        if folded > TURN:
            folded = 0
            await asyncio.sleep(0)
    return made, [] if len(made.ids) == len(ids) else list(set(ids).difference(made.ids))


def portions(sizes: Sequence[int]) -> Iterable[tuple[int, int]]:
    """From which to before which place; at least one, if an empty one. None has more characters than a statement may
    have, but for a single large document."""
    begin = characters = 0
    for place, size in enumerate(sizes):
        characters += size
        if characters > CHARACTERS and place > begin:
            yield begin, place
            begin, characters = place, size
    yield begin, len(sizes)


async def _write(tx: Tx, documents: Documents, wordless: Sequence[UUID]) -> None:
    await INDEX.run(tx, *documents, wordless)
