"""What the command line asks of the database, one connection a question."""

from uuid import UUID

from coachwire.connect import connection


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
