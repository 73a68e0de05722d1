"""What the platform does to its tables, under the server; and what a test reads from them.

The connection is silent: what is told of such changes has tests of its own."""

import asyncio
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

import asyncpg

from ..gym import Place, Someone
from ..phone import PATIENCE

if TYPE_CHECKING:
    Tables: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Tables = asyncpg.Connection  # generic for the type checker only


async def set_status(tables: Tables, who: Someone, status: str) -> None:
    """Change the status of a membership."""
    await tables.execute(
        "update memberships set status = $2::text::membership_status where id = $1",
        who.membership_id,
        status,
    )


async def join(tables: Tables, who: Someone, place: Place, role: str) -> Someone:
    """Make somebody a member of a second organization."""
    membership_id = str(uuid4())
    await tables.execute(
        "insert into memberships (id, user_id, organization_id, role, status, joined_at)"
        " values ($1, $2, $3, $4::text::membership_role, 'active', now())",
        membership_id, who.user_id, place.organization_id, role,
    )  # fmt: skip
    return Someone(who.user_id, membership_id, place.organization_id, who.name, role)


async def delete_user(tables: Tables, who: Someone) -> None:
    await tables.execute("update users set deleted_at = now() where id = $1", who.user_id)


async def until(tables: Tables, question: str, *arguments: object) -> None:
    """Ask the database until it says true; for what it tells nobody of."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await tables.fetchval(question, *arguments):
                return
            await asyncio.sleep(0.02)


async def stored(tables: Tables) -> int:
    """How many messages there are."""
    return int(await tables.fetchval("select count(*) from messages"))


async def head(tables: Tables, who: Someone) -> int:
    """The head of somebody's stream."""
    return int(await tables.fetchval("select position from user_streams where user_id = $1", who.user_id))


async def add_skipped(tables: Tables, who: Someone, count: int) -> None:
    """Make a stream longer by positions without an event, as a race for an id leaves them."""
    await tables.execute("insert into user_streams (user_id) values ($1) on conflict do nothing", who.user_id)
    await tables.execute(
        "insert into stream_events (user_id, position, kind, subject_ids, at)"
        " select user_id, position + n, 'skipped', '{}', now()"
        " from user_streams cross join generate_series(1, $2::int) n where user_id = $1",
        who.user_id, count,
    )  # fmt: skip
    await tables.execute(
        "update user_streams set position = position + $2::int where user_id = $1", who.user_id, count
    )


async def assign(
    tables: Tables, who: Someone, by: Someone | None = None, *, published: bool = True, title: str = "Legs"
) -> str:
    """A workout of this title for somebody; returns the assignment."""
    return str(
        await tables.fetchval(
            "with w as (insert into workouts (organization_id, title) values ($1, $5) returning id)"
            " insert into workout_assignments (organization_id, user_id, workout_id, date, published, assigned_by)"
            " select $1, $2, id, '2026-03-01', $3, $4 from w returning id",
            who.organization_id, who.user_id, published, by.user_id if by else None, title,
        )
    )  # fmt: skip


async def change_assignment(tables: Tables, assignment_id: str, change: str) -> None:
    """As the platform does it, not silently: `published = true`, `deleted_at = now()`."""
    async with tables.transaction():
        await tables.execute("set local coachwire.quiet = off")
        await tables.execute(f"update workout_assignments set {change} where id = '{assignment_id}'")  # noqa: S608 - a test's own words


async def delete_assignment(tables: Tables, assignment_id: str) -> None:
    """With all that hangs on it; not silently."""
    async with tables.transaction():
        await tables.execute("set local coachwire.quiet = off")
        await tables.execute("delete from workout_assignments where id = $1", assignment_id)


async def attach(tables: Tables, message_id: str, *keys: str, thumbnail: str | None = None) -> list[str]:
    """Files of a message, in this order; returns their ids."""
    ids = [str(uuid4()) for _ in keys]
    await tables.executemany(
        "insert into message_attachments"
        " (id, message_id, type, r2_key, size, mime_type, thumbnail_r2_key, created_at)"
        " select $1, id, 'image', $3, 1000, 'image/jpeg', $4, created_at + $5 * interval '1 microsecond'"
        " from messages where id = $2",
        [(id_, message_id, key, thumbnail, place) for place, (id_, key) in enumerate(zip(ids, keys, strict=True))],
    )  # fmt: skip
    return ids
