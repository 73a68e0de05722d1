"""Ends grants whose time has passed: whoever has the values on a screen is told to drop them.

Any instance works. Exactly once: that a grant has ended and the events that tell it are one transaction under the lock
of the person's stream. A crash after it loses a push, never an event; one before it leaves the grant to the next."""

import asyncio
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import HELD, Database, Query
from coachwire.streams.telling import Telling, spans_of

log = structlog.get_logger()

EVERY = 1.0  # s between looks, each a glance at an index: so late is noticed what was given to end sooner than that
RETRY = 0.2  # s before a person is tried again whose stream was held
MOST = 100  # grants a look


class Due(NamedTuple):
    users: list[UUID]
    next_in: float | None  # s until the next one ends that is known


class Ended(NamedTuple):
    """What one transaction ended and wrote."""

    busy: bool  # somebody else has the person's stream
    ended: int
    topics: list[str] | None
    topic_afters: list[int] | None
    topic_throughs: list[int] | None


DUE = Query("grants/due", Due)
END = Query("grants/end", Ended)


class EndingGrants:
    """`run` goes on until its owner cancels it."""

    def __init__(self, database: Database, telling: Telling) -> None:
        self._database = database
        self._telling = telling

    async def run(self) -> None:
        while True:
            try:
                pause = await self._end_due()
            except Unavailable:
                pause = EVERY
            await asyncio.sleep(pause)

    async def _end_due(self) -> float:
        """Returns how long to wait, in seconds."""
        async with self._database.connection() as tx:
            due = await DUE.one(tx, MOST)
        if due.users:
            return max([await self._end(user_id) for user_id in due.users])
        return EVERY if due.next_in is None else min(due.next_in, EVERY)

    async def _end(self, user_id: UUID) -> float:
        """Returns when to come back to this person, in seconds: 0 when all that was due has ended."""
        try:
            async with self._database.connection() as tx:
                ended = await END.one(tx, user_id)
        except Unavailable as error:
            if not isinstance(error.__cause__, HELD):
                raise
            log.warning("grants_held", user_id=str(user_id))
            return EVERY
        except asyncpg.PostgresError as error:  # one person must not stop the others
            log.error(
                "grants_not_ended", user_id=str(user_id), error=type(error).__name__, code=error.sqlstate
            )
            return EVERY
        if ended.busy:
            return RETRY
        # Committed: from here on only a push can be lost.
        if topics := spans_of(ended.topics, ended.topic_afters, ended.topic_throughs):
            await self._telling.tell(topics=topics)
        if ended.ended:
            log.info("grants_ended", count=ended.ended)
        return 0.0
