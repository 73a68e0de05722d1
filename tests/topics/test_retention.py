"""Events past retention go with their partitions, and who was away longer begins anew."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from coachwire.database import Database
from coachwire.roles import SERVER
from coachwire.settings import Settings, SettingsError
from coachwire.streams.partitions import drop_expired

from ..gym import Place
from .conftest import Board, Connection, OpenPhone, opened

RETENTION = timedelta(days=30)
OLD = timedelta(days=45)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    pool = Database(database_url, SERVER)
    await pool.open()
    yield pool
    await pool.close()


async def partitions(database: Connection) -> list[str]:
    """Older than retention, attached or not."""
    rows = await database.fetch(
        "select relname::text from pg_class where relkind = 'r' and relname ~ '^(stream|topic)_events_[0-9]{8}$'"
        " and to_date(right(relname, 8), 'YYYYMMDD') < now() - $1::interval - interval '7 days' order by 1",
        RETENTION,
    )
    return [name for (name,) in rows]


async def age(database: Connection, board: Board) -> None:
    """What was told of the thread and to the member is older than retention, all but the newest event of each."""
    await database.execute("select make_stream_partition(now() - $1::interval)", OLD)
    for table in ("topic_events", "stream_events"):
        await database.execute(
            f"update {table} e set at = now() - $1::interval"  # noqa: S608 - one of two
            f" where position < (select max(position) from {table})",
            OLD,
        )


async def test_what_is_past_retention_is_dropped_and_who_was_away_longer_begins_anew(
    gym: Place, phone: OpenPhone, board: Board, database: Connection, database_url: str, pool: Database
) -> None:
    await board.write(times=3)
    member = await phone(gym.member)
    await database.execute(
        """
        with told as (
          insert into stream_events (user_id, position, kind, subject_ids, at)
          select $1, n, 'skipped', '{}', now() from generate_series(1, 3) n)
        insert into user_streams (user_id, position) values ($1, 3)
        on conflict (user_id) do update set position = 3
        """,
        UUID(gym.member.user_id),
    )
    await age(database, board)
    assert len(await partitions(database)) == 2
    await drop_expired(pool, RETENTION)
    assert await partitions(database) == []

    async def resume(position: int) -> object:
        asked = {"epoch": member.epoch, "position": position}
        return (await member.ask("topic.open", topic=board.thread, resume=asked))["data"]

    assert await resume(1) == opened(board.thread, member, 3, "reset", reason="too_old")
    assert await resume(2) == opened(board.thread, member, 3, "resumed")
    await member.leave()
    member.epoch, epoch = None, member.epoch
    welcome = await member.connect(resume={"epoch": epoch, "position": 1})
    assert (welcome["resume"], welcome["reason"], welcome["position"]) == ("reset", "too_old", 3)
    await member.leave()
    member.position = 2
    welcome = await member.connect()
    assert (welcome["resume"], welcome["events"]) == ("resumed", 1)


async def test_several_at_once_and_again_drop_the_same_once(
    board: Board, database: Connection, database_url: str, pool: Database
) -> None:
    await board.write(times=2)
    await age(database, board)
    await asyncio.gather(*(drop_expired(pool, RETENTION) for _ in range(4)))
    await drop_expired(pool, RETENTION)
    assert await partitions(database) == []
    assert await database.fetchval("select count(*) from topic_events") == 1


async def test_detaching_that_was_broken_off_is_finished_the_next_time(
    board: Board, database: Connection, database_url: str, pool: Database
) -> None:
    await board.write(times=2)
    await age(database, board)
    name = next(name for name in await partitions(database) if name.startswith("topic"))
    reader = await asyncpg.connect(database_url)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("select from topic_events")
    await database.execute("set statement_timeout = 200")
    with pytest.raises(asyncpg.QueryCanceledError):
        await database.execute(f"alter table topic_events detach partition {name} concurrently")
    await database.execute("reset statement_timeout")
    await reading.rollback()
    await reader.close()
    await drop_expired(pool, RETENTION)
    assert await partitions(database) == []


def test_retention_is_so_many_days() -> None:
    assert Settings.from_environment({}).stream_retention == 30 * 86_400
    assert Settings.from_environment({"COACHWIRE_STREAM_RETENTION": "90d"}).stream_retention == 90 * 86_400
    for wrong in ("0", "0d", "12h", "for ever"):
        with pytest.raises(
            SettingsError, match="COACHWIRE_STREAM_RETENTION: expected a number of days such as 30d"
        ):
            Settings.from_environment({"COACHWIRE_STREAM_RETENTION": wrong})
