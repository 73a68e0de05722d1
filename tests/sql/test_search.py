"""What a search may cost: which indexes it uses, and how far it goes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from coachwire import app
from coachwire.database import QUERIES
from coachwire.search.terms import document, query

from ..gym import Place
from .calls import Connection
from .test_plans import explained

assert app  # its import loads all statements

SEARCH = QUERIES["search/messages"].sql
FILL = """
with said as (
  insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content, created_at)
  select gen_random_uuid(), $1, $2, 'coach', $3, case when n % 1000 = 0 then 'common rare' else 'common' end,
    now() - n * interval '1 second'
  from generate_series(1, $4::int) n
  returning *)
insert into message_search (message_id, organization_id, created_at, content_hash, document)
select id, organization_id, created_at, sha256(convert_to(content, 'UTF8')),
  case when content = 'common' then $5::text else $6::text end::tsvector
from said
"""


async def fill(tx: Connection, gym: Place, count: int) -> None:
    """Messages of the coach to the member, indexed: all have a common word, one of a thousand a rare one."""
    ids = UUID(gym.organization_id), UUID(gym.coach.user_id), UUID(gym.member.user_id)
    documents = [document(ids[0], ids[1:], in_thread=False, content=c) for c in ("common", "common rare")]
    await tx.execute(FILL, *ids, count, *documents)


async def search(
    tx: Connection,
    gym: Place,
    word: str,
    *,
    before: datetime | None = None,
    limit: int = 51,
    near: int = 10,
    few: int,
    far: int,
) -> list[Any]:
    """As the coach: what was found, newest first, and perhaps how far it came."""
    here, me = UUID(gym.organization_id), UUID(gym.coach.user_id)
    terms = query(here, me, staff=True, words=[word])
    return await tx.fetch(
        SEARCH, me, True, here, terms, before, me if before else None, limit, near, few, far
    )


async def test_of_a_common_word_the_newest_are_found_without_reading_all(
    gym: Place, database_url: str
) -> None:
    async with explained(database_url) as one:
        await fill(one.tx, gym, 5_000)
        newest = await one.tx.fetch("select id from messages order by created_at desc limit 51")
        await one.look()
        for near, indexes in (
            (60, {"message_search_recent_idx"}),  # the index of words is not asked
            (10, {"message_search_recent_idx", "message_search_document_idx"}),
        ):
            rows = await search(one.tx, gym, "common", near=near, few=100, far=20_000)
            assert [row["id"] for row in rows] == [row["id"] for row in newest]
            assert one.scans()["message_search"] == indexes


async def test_a_search_goes_so_far_and_leads_on(gym: Place, database_url: str) -> None:
    async with explained(database_url) as one:
        await fill(one.tx, gym, 5_000)
        found, before, turns = [], None, 0
        while True:
            rows = await search(one.tx, gym, "rare", before=before, few=3, far=600)
            found += [row[1] for row in rows if row[2] is not None]
            turns += 1
            if not rows or rows[-1][2] is not None:
                break
            before = rows[-1][0]
        expected = await one.tx.fetch(
            "select id from messages where content = 'common rare' order by created_at desc"
        )
        assert found == [row["id"] for row in expected]
        assert turns == 9  # 5,000 messages, 600 a turn


async def test_what_was_found_where_the_search_ends_comes_before_the_place_itself(
    gym: Place, database_url: str
) -> None:
    async with explained(database_url) as one:
        await fill(one.tx, gym, 3_000)
        expected = await one.tx.fetch(
            "select id from messages where content = 'common rare' order by created_at desc"
        )
        before = None
        for row in expected:  # the last of those that a turn looks at
            found, place = await search(one.tx, gym, "rare", before=before, few=2, far=1_000)
            assert [found[1], found[2], place[1], place[2]] == [row["id"], row["id"], row["id"], None]
            before = place[0] - timedelta(microseconds=1)


async def test_both_ways_use_their_indexes(gym: Place, database_url: str) -> None:
    async with explained(database_url) as one:
        for count in (70, 20_000):
            await fill(one.tx, gym, count)
            for analyzed in (False, True):
                if analyzed:
                    await one.tx.execute("analyze")
                await one.look()
                for _ in range(7):
                    await search(one.tx, gym, "rare", few=2_000, far=20_000)
                few = one.scans()
                for _ in range(7):
                    await search(one.tx, gym, "common", few=10, far=20_000)
                many = one.scans()
                both = {"message_search_document_idx", "message_search_recent_idx"}
                assert few["message_search"] == many["message_search"] == both
                if count > 70 and analyzed:  # few rows may be read as a whole
                    assert few["messages"] == many["messages"] == {"messages_pkey"}
