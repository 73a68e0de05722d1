"""Keeps the search index: reads messages that came, changed or went, and writes what they are found by.

Any instance works, one at a time. A step is one transaction, in which the queue's rows go as well: whoever dies in it
leaves them to the next who looks. Messages from before the index come when nothing else is to be done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar
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


class Content(NamedTuple):
    id: UUID
    organization_id: UUID
    sender_id: UUID
    recipient_id: UUID
    in_thread: bool
    created_at: datetime
    content: str


class Document(NamedTuple):
    id: UUID
    organization_id: UUID
    created_at: datetime
    content_hash: bytes  # SHA-256
    words: str


LOOK = Query("search/look", Waiting)
BEGIN = Query("search/begin", Begun)
NEXT = Query("search/next", PendingRow)
DONE = Query("search/done", tuple)
CONTENTS = Query("search/contents", Content)
BACKLOG = Query("search/backlog", MessageId)
BACKLOG_DONE = Query("search/backlog_done", tuple)
INDEX = Query("search/index", tuple)

T = TypeVar("T")
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
        for some in portions(documents, lambda one: len(one.words)):
            await _write(tx, some, wordless)
            wordless = []


async def _one_by_one(tx: Tx, ids: Sequence[UUID]) -> None:
    """The same, without those that PostgreSQL refuses."""
    for begin in range(0, len(ids), TOGETHER):
        some = ids[begin : begin + TOGETHER]
        documents, _ = await _documents(tx, some)
        await _write(tx, [], some)
        for one in documents:
            try:
                async with tx.transaction():
                    await _write(tx, [one], [])
            except PASSING:
                raise
            except asyncpg.PostgresError as error:
                log.error(
                    "message_not_indexed", id=str(one.id), error=type(error).__name__, code=error.sqlstate
                )


async def _documents(tx: Tx, ids: Sequence[UUID]) -> tuple[list[Document], list[UUID]]:
    """What is to be found, and the others of these."""
    documents: list[Document] = []
    folded = 0
    for message in await CONTENTS.rows(tx, ids):
        words = document(
            message.organization_id,
            (message.sender_id, message.recipient_id),
            in_thread=message.in_thread,
            content=message.content,
        )
        if words is not None:
            content_hash = sha256(message.content.encode()).digest()
            documents.append(
                Document(message.id, message.organization_id, message.created_at, content_hash, words)
            )
        folded += len(message.content)
        if folded > TURN:
            folded = 0
            await asyncio.sleep(0)
    return documents, list(set(ids).difference(one.id for one in documents))


def portions(some: Sequence[T], size: Callable[[T], int]) -> Iterable[Sequence[T]]:
    """At least one, if an empty one. None has more characters than a statement may have, but for a single large one."""
    begin = characters = 0
    for place, one in enumerate(some):
        characters += size(one)
        if characters > CHARACTERS and place > begin:
            yield some[begin:place]
            begin, characters = place, size(one)
    yield some[begin:]


async def _write(tx: Tx, documents: Sequence[Document], wordless: Sequence[UUID]) -> None:
    await INDEX.run(
        tx,
        [one.id for one in documents],
        [one.organization_id for one in documents],
        [one.created_at for one in documents],
        [one.content_hash for one in documents],
        [one.words for one in documents],
        wordless,
    )
