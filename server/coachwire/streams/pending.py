"""Tells what the platform changed under us: from `stream_pending` into the streams, and on to whoever is connected.

Any instance works, one at a time. Exactly once: a row goes in the transaction that writes its events. A crash after
that loses a push, never an event; a crash before it leaves the row to the next who looks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import DEADLINE, HELD, PASSING, Database, Query
from coachwire.hub.fanout import Fanout
from coachwire.streams.telling import Telling, spans_of

log = structlog.get_logger()

CHANNEL = "coachwire_pending"  # the triggers notify it at commit
POLL = 1.0  # s; what nobody was notified of is found by looking
PROBE = 5.0  # s between questions to the listening connection: a dead link is silent
RETRY = 1.0  # s, while the database is away
ROWS = 100  # a transaction
SUBJECTS = 2_000  # a transaction; the row that passes it is the last one, and has at most 500


class PendingRow(NamedTuple):
    id: int


class Told(NamedTuple):
    """What one transaction wrote: in each user's and topic's stream, the events after one position through another."""

    busy: bool  # another instance is at it
    users: list[UUID] | None
    afters: list[int] | None
    throughs: list[int] | None
    gone: list[UUID] | None  # people found deleted
    topics: list[str] | None
    topic_afters: list[int] | None
    topic_throughs: list[int] | None
    revoked: list[str] | None  # topics that perhaps not everybody who has them open may see any more
    doubted: list[UUID] | None  # people whose rights may have changed without an event of theirs


class Aside(NamedTuple):
    kind: str
    attempts: int


NEXT = Query("pending/next", PendingRow)
TELL = Query("pending/tell", Told)
SET_ASIDE = Query("pending/set_aside", Aside)


@dataclass(slots=True)
class Counts:
    """What this instance did since its start; only ever grows."""

    told: int = 0  # rows
    set_aside: int = 0  # times a row could not be told


class Pending:
    """Both loops run until their owner cancels them. `work` alone is enough; `listen` makes it prompt."""

    def __init__(self, database: Database, telling: Telling, fanout: Fanout) -> None:
        self.counts = Counts()
        self._database = database
        self._telling = telling
        self._fanout = fanout
        self._wake = asyncio.Event()

    async def work(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                while await self._tell_next():
                    pass
            except Unavailable:
                await asyncio.sleep(RETRY)
            except Exception as error:  # the edge: whatever it was, the next turn begins anew
                log.error("pending_failed", error=type(error).__name__)
                self._fanout.doubt()
                await asyncio.sleep(RETRY)

    async def listen(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except (*PASSING, asyncpg.PostgresError) as error:
                log.warning("listen_failed", error=type(error).__name__)
            await asyncio.sleep(RETRY)

    async def _listen_until_lost(self) -> None:
        lost = asyncio.Event()
        connection = await self._database.alone("listen", deadline=DEADLINE)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            self._wake.set()  # for what came while nobody listened
            while not lost.is_set():
                try:
                    async with asyncio.timeout(PROBE):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("select 1")
            log.warning("listen_lost")
        finally:
            connection.terminate()

    async def _tell_next(self) -> bool:
        """False when there is nothing more to do now."""
        async with self._database.connection() as tx:
            ids = [row.id for row in await NEXT.rows(tx, ROWS, SUBJECTS)]
        return bool(ids) and await self._tell(ids)

    async def _tell(self, ids: Sequence[int]) -> bool:
        """Tell these rows; where they fail, halves, so that a bad row fails alone. False when none of them was done."""
        failure: Exception
        try:
            async with self._database.connection() as tx:
                told = await TELL.one(tx, ids)
        except Unavailable as error:
            if not isinstance(error.__cause__, HELD):
                raise
            failure = error
        except asyncpg.PostgresError as error:
            failure = error
        else:
            if told.busy:
                return False
            self.counts.told += len(ids)
            # Committed: from here on only a push can be lost.
            await self._telling.tell(
                spans_of(told.users, told.afters, told.throughs),
                topics=spans_of(told.topics, told.topic_afters, told.topic_throughs),
                gone=told.gone or (),
                revoked=told.revoked or (),
                doubted=told.doubted or (),
            )
            return True
        if len(ids) > 1:
            middle = len(ids) // 2
            first = await self._tell(ids[:middle])
            return await self._tell(ids[middle:]) or first
        if isinstance(failure, Unavailable):  # a stream is held too long; the next turn may find it free
            log.warning("pending_held", id=ids[0])
            return False
        await self._set_aside(ids[0], failure)
        return True

    async def _set_aside(self, id_: int, failure: Exception) -> None:
        async with self._database.connection() as tx:
            aside = await SET_ASIDE.first(tx, id_)
        if aside is None:
            return
        self.counts.set_aside += 1
        log.error(
            "pending_set_aside",
            id=id_,
            kind=aside.kind,
            attempts=aside.attempts,
            error=type(failure).__name__,
            code=getattr(failure, "sqlstate", None),
        )
