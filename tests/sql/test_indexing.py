"""The worker that indexes: whatever ends in the middle of a step, and however many work at once, nothing is skipped."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from coachwire.database import Database
from coachwire.search.indexing import CHARACTERS, MESSAGES, Indexing, portions
from coachwire.search.terms import document
from coachwire_protocol.errors import Unavailable

from ..gym import Place
from .calls import Connection
from .conftest import Connect

SAY = """
insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content)
select id, $2::uuid, $3::uuid, 'coach', $4::uuid, $5 from unnest($1::uuid[]) id
"""
WAITING = "select count(*) from search_pending"
INDEXED = "select array_agg(message_id) from message_search"
BLOCKED = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


async def say(tx: Connection, gym: Place, count: int = 1, content: str = "squat") -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await tx.execute(SAY, ids, gym.organization_id, gym.coach.user_id, gym.member.user_id, content)
    return ids


async def index(indexing: Indexing) -> None:
    while await indexing.index_pending():
        pass


async def test_a_worker_that_dies_in_the_middle_of_a_step_leaves_all_to_the_next(
    gym: Place, tx: Connection, connect: Connect, database: Database
) -> None:
    ids = await say(tx, gym, MESSAGES // 2) + await say(tx, gym, 20)
    other = await connect()
    async with other.transaction():
        await other.execute("lock table message_search in exclusive mode")
        step = asyncio.create_task(Indexing(database).index_pending())
        while (pid := await tx.fetchval(BLOCKED)) is None:
            pass
        await tx.execute("select pg_terminate_backend($1)", pid)
        with pytest.raises(Unavailable):
            await step
    assert await tx.fetchval(WAITING) == 2
    assert await tx.fetchval(INDEXED) is None
    await index(Indexing(database))
    assert sorted(await tx.fetchval(INDEXED)) == sorted(ids)
    assert await tx.fetchval(WAITING) == 0


async def test_of_workers_that_start_at_once_each_message_is_indexed_once(
    gym: Place, tx: Connection, database: Database
) -> None:
    ids: list[UUID] = []
    for _ in range(5):
        ids += await say(tx, gym, 300)
        workers = [Indexing(database) for _ in range(4)]
        await asyncio.gather(*(index(worker) for worker in workers))
    await index(Indexing(database))
    assert sorted(await tx.fetchval(INDEXED)) == sorted(ids)
    assert await tx.fetchval(WAITING) == 0


async def test_while_one_works_others_take_nothing_and_do_not_wait(
    gym: Place, tx: Connection, connect: Connect, database: Database
) -> None:
    await say(tx, gym)
    other = await connect()
    async with other.transaction():
        await other.execute("select pg_advisory_xact_lock(hashtextextended('coachwire.search', 0))")
        assert not await Indexing(database).index_pending()
        assert await tx.fetchval(WAITING) == 1
    await index(Indexing(database))
    assert await tx.fetchval(WAITING) == 0


async def test_a_step_takes_so_much_and_says_that_there_is_more(
    gym: Place, tx: Connection, database: Database
) -> None:
    for _ in range(MESSAGES // 500 + 1):
        await say(tx, gym, 500)
    indexing = Indexing(database)
    assert await indexing.index_pending()
    assert await tx.fetchval("select count(*) from message_search") == MESSAGES
    assert not await indexing.index_pending()
    assert not await indexing.index_pending()
    assert await tx.fetchval("select count(*) from message_search") == MESSAGES + 500


async def test_what_was_edited_or_erased_while_it_waited_is_indexed_as_it_is_then(
    gym: Place, tx: Connection, database: Database
) -> None:
    edited, erased, deleted, left = await say(tx, gym, 4)
    await tx.execute("update messages set content = 'deadlift' where id = $1", edited)
    await tx.execute("update messages set content = null where id = $1", erased)
    await tx.execute("delete from messages where id = $1", deleted)
    await index(Indexing(database))
    rows = await tx.fetch("select message_id, document::text from message_search")
    words = {row[0]: row[1] for row in rows}
    assert words.keys() == {edited, left}
    assert "deadlift" in words[edited]
    assert "squat" not in words[edited]


async def test_an_erasure_during_a_step_leaves_no_words_in_the_index(
    gym: Place, tx: Connection, connect: Connect, database: Database
) -> None:
    (id_,) = await say(tx, gym)
    other = await connect()
    async with other.transaction():
        await other.execute("lock table message_search in exclusive mode")
        step = asyncio.create_task(Indexing(database).index_pending())
        while await tx.fetchval(BLOCKED) is None:  # it has read the message
            pass
        await other.execute("update messages set content = null where id = $1", id_)
        await other.execute("delete from message_search where message_id = $1", id_)
    await asyncio.gather(step, return_exceptions=True)  # on a slow machine it has given up
    await index(Indexing(database))
    assert await tx.fetchval(INDEXED) is None
    assert await tx.fetchval(WAITING) == 0


def test_no_statement_gets_more_characters_than_fit_its_time() -> None:
    assert list(portions([])) == [(0, 0)]
    assert list(portions([100] * 3)) == [(0, 3)]
    assert list(portions([60_000, 60_000, 100, 60_000])) == [(0, 1), (1, 3), (3, 4)]
    assert list(portions([CHARACTERS + 1, 100])) == [(0, 1), (1, 2)]


def test_a_document_has_who_sees_it_and_the_words_on_the_shelf_of_the_organization() -> None:
    organization, one, other = (UUID(int=n) for n in (1, 2, 3))
    assert (
        document(organization, (one, other), in_thread=True, content="Squats, squats! Don't stop")
        == "AAAB~AAAAAAAC AAAB~AAAAAAAD AAAB~ AAABsquats AAABdont AAABstop"
    )
    assert document(organization, (one, other), in_thread=False, content="?!") is None
