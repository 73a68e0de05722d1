"""Erasure by the command line: the same steps as on a server, taken here until they are done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from msgspec import json

from coachwire.address import PublicAddress
from coachwire.blobs import Blobs
from coachwire.blobs.opening import open_blobs
from coachwire.connect import connection
from coachwire.database import Database
from coachwire.jobs import HELD, Step
from coachwire.jobs.erasing import REPLAY, REPORT, take_step
from coachwire.jobs.erasure_ledger import entries
from coachwire.operations.erasure import BEGIN_PERSON
from coachwire.roles import role_to_take
from coachwire.settings import Settings, SettingsError


async def erase_person(settings: Settings, user_id: str) -> dict[str, int]:
    """Returns the report. Running servers close the person's sockets within 5 s. May raise `Unavailable`: what was done
    is done, and the same command, or a server, does the rest."""
    async with _parts(settings) as (database, blobs):
        async with database.connection() as tx:
            begun = await BEGIN_PERSON.one(tx, user_id, None)
        return await _finish(database, blobs, begun.job_id)


async def replay_ledger(settings: Settings, progress: Callable[[str], None]) -> int:
    """Apply what the ledger knows and this database, restored from a backup, does not. Returns how many. May raise
    `Unavailable`; repeating it does no harm."""
    count = 0
    async with _parts(settings) as (database, blobs):
        for entry in await entries(blobs):
            async with database.connection() as tx:
                begun = (await REPLAY.one(tx, entry.job_id, entry.user_id, entry.organization_id)).begun
            report = await _finish(database, blobs, UUID(entry.job_id)) if begun else None
            if report is not None:
                count += 1
                progress(entry.job_id)
    return count


async def _finish(database: Database, blobs: Blobs, job_id: UUID) -> dict[str, int]:
    while (step := (await take_step(database, blobs, job_id)).step) is not Step.DONE:
        if step is not Step.MORE:  # something is locked, or a server is at it
            await asyncio.sleep(HELD)
    async with database.connection() as tx:
        return json.decode((await REPORT.one(tx, job_id)).counts, type=dict[str, int])


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[tuple[Database, Blobs]]:
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set")
    async with connection(settings.database_url) as tx:
        role = await role_to_take(tx)
    database = Database(settings.database_url, role)
    await database.open()
    try:
        blobs = await open_blobs(settings, PublicAddress(settings))
        try:
            yield database, blobs
        finally:
            await blobs.close()
    finally:
        await database.close()
