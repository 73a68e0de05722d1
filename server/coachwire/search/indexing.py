"""Keeps the search index: reads messages that came, changed or went, and writes what they are found by.

Any instance works, one at a time. A step is one transaction, in which the queue's rows go as well: whoever dies in it
leaves them to the next who looks. Messages from before the index come when nothing else is to be done."""

import asyncio
from collections.abc import Mapping, Sequence
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

POLL = 0.5  # s between looks
RETRY = 1.0  # s, while the database is away
ROWS = 200  # of the queue, a step
MESSAGES = 200  # a step; the row that passes it is the last one, and has at most 500
PAUSE = 0.1  # s between steps through what was there before: it is in no hurry


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


BEGIN = Query("search/begin", Begun)
NEXT = Query("search/next", PendingRow)
DONE = Query("search/done", tuple)
CONTENTS = Query("search/contents", Content)
BACKLOG = Query("search/backlog", MessageId)
BACKLOG_DONE = Query("search/backlog_done", tuple)
INDEX = Query("search/index", tuple)


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
                pause = POLL if self._caught_up or not await self.index_backlog() else PAUSE
            except Unavailable:
                pause = RETRY
            await asyncio.sleep(pause)

    async def index_pending(self) -> bool:
        """What the triggers put down."""
        async with self._database.connection() as tx:
            if not await NEXT.rows(tx, ROWS, MESSAGES):
                return False
            async with tx.transaction():
                if not (await BEGIN.one(tx)).ours:
                    return False
                rows = await NEXT.rows(tx, ROWS, MESSAGES)
                await _index(tx, sorted({id_ for row in rows for id_ in row.message_ids}))
                await DONE.run(tx, [row.id for row in rows])
        return True

    async def index_backlog(self) -> bool:
        """What was there before the index."""
        async with self._database.connection() as tx, tx.transaction():
            if not (await BEGIN.one(tx)).ours:
                return False
            ids = [row.id for row in await BACKLOG.rows(tx, MESSAGES)]
            await _index(tx, ids)
            await BACKLOG_DONE.run(tx, ids[-1] if ids else None)
        self._caught_up = not ids
        return bool(ids)


async def _index(tx: Tx, ids: Sequence[UUID]) -> None:
    """These messages as they are now. One that cannot be indexed is logged and left out: it must not hold up others."""
    if not ids:
        return
    found = {content.id: content for content in await CONTENTS.rows(tx, ids)}
    # Beside the loop: 500 long messages take a while.
    documents = await asyncio.to_thread(lambda: {id_: _document(content) for id_, content in found.items()})
    worded = [found[id_] for id_, text in documents.items() if text is not None]
    wordless = [id_ for id_ in ids if documents.get(id_) is None]
    try:
        await _write(tx, worded, documents, wordless)
        return
    except PASSING:
        raise
    except asyncpg.PostgresError as error:
        log.warning("search_batch_failed", error=type(error).__name__, code=error.sqlstate)
    await _write(tx, [], documents, ids)
    for content in worded:
        try:
            await _write(tx, [content], documents, [])
        except PASSING:
            raise
        except asyncpg.PostgresError as error:
            log.error(
                "message_not_indexed", id=str(content.id), error=type(error).__name__, code=error.sqlstate
            )


async def _write(
    tx: Tx, contents: Sequence[Content], documents: Mapping[UUID, str | None], wordless: Sequence[UUID]
) -> None:
    """All or nothing."""
    async with tx.transaction():
        await INDEX.run(
            tx,
            [one.id for one in contents],
            [one.organization_id for one in contents],
            [one.created_at for one in contents],
            [sha256(one.content.encode()).digest() for one in contents],
            [documents[one.id] for one in contents],
            wordless,
        )


def _document(message: Content) -> str | None:
    return document(
        message.organization_id,
        (message.sender_id, message.recipient_id),
        in_thread=message.in_thread,
        content=message.content,
    )
