"""What the command line asks of the database, one connection a question."""

from collections.abc import Sequence
from uuid import UUID

from coachwire.connect import connection
from coachwire.notifications.queries import COUNTS, REPLAY, Count

REPLAYED = 1_000  # rows a statement


async def find_user(dsn: str, wanted: str, *, or_deleted: bool = False) -> str | None:
    """The id of who has this id or email (in any case of letters) and was not deleted, unless they may be."""
    try:
        user_id = UUID(wanted)
    except ValueError:
        user_id = None
    async with connection(dsn) as tx:
        found = await tx.fetchval(
            "select id::text from users where ($3 or deleted_at is null) and (id = $1 or lower(email) = lower($2))"
            " order by id = $1 desc limit 1",
            user_id,
            wanted,
            or_deleted,
        )
    return None if found is None else str(found)


async def read_epoch(dsn: str) -> str:
    async with connection(dsn) as tx:
        return str(await tx.fetchval("select epoch from stream_epoch"))


async def renew_epoch(dsn: str) -> str:
    """Running instances notice within 5 s and send every client to load again."""
    async with connection(dsn) as tx:
        return str(
            await tx.fetchval("update stream_epoch set epoch = make_epoch(), made_at = now() returning epoch")
        )


async def outbox_counts(dsn: str) -> Sequence[Count]:
    """What the outbox holds, by state and reason."""
    async with connection(dsn) as tx:
        return await COUNTS.rows(tx)


async def replay_outbox(dsn: str, id_: int | None) -> int:
    """Have this row posted again if it is settled, or (None) all dead ones; how many that were. What somebody holds at
    this moment is passed over."""
    replayed = 0
    async with connection(dsn) as tx:
        while True:
            rows = (await REPLAY.one(tx, id_, REPLAYED)).rows
            replayed += rows
            if id_ is not None or rows == 0:
                return replayed
