"""Deletes what nothing refers to any more: uploads that nobody sent, and the objects whose keys were noted as garbage.

Keys are noted by triggers, in the transaction that lets go of them; so whatever deletes rows (a cascade, retention, an
erasure) need not know of the store. Any instance sweeps; to delete an object twice does no harm."""

import asyncio
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.blobs import Blobs, what_failed
from coachwire.database import Database, Query
from coachwire.measures import BLOBS_DELETED, UPLOADS_FORGOTTEN

log = structlog.get_logger()

PAUSE = 20.0  # s


class Forgotten(NamedTuple):
    id: UUID


class Garbage(NamedTuple):
    key: str


FORGET = Query("uploads/forget", Forgotten)
DUE = Query("blobs/due", Garbage)
DELETED = Query("blobs/deleted", tuple)


class Sweeping:
    """`run` until its owner cancels it."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            with suppress(Unavailable):  # the next turn; keys wait longer each time
                await self.sweep()

    async def sweep(self) -> None:
        """All that is due. Raises `Unavailable`: then some of it is left."""
        while await self._forget():
            pass
        while await self._delete():
            pass

    async def _forget(self) -> bool:
        async with self._database.connection() as tx:
            forgotten = await FORGET.rows(tx)
        UPLOADS_FORGOTTEN.inc(len(forgotten))
        return bool(forgotten)

    async def _delete(self) -> bool:
        """No connection is held while the store works."""
        async with self._database.connection() as tx:
            keys = [row.key for row in await DUE.rows(tx)]
        if not keys:
            return False
        try:
            await self._blobs.delete(keys)
        except Unavailable as error:
            log.warning("blobs_away", doing="sweep", error=what_failed(error))
            raise
        async with self._database.connection() as tx:
            await DELETED.run(tx, keys)
        BLOBS_DELETED.inc(len(keys))
        return True
