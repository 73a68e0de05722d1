"""One person's requests at a time: some run, some wait, and more are refused; others are not held up."""

import asyncio

import asyncpg
from aiohttp import ClientSession

from ..gym import Place
from .caller import Caller
from .platform import Tables, until

WAITING = (
    "select count(*) from pg_stat_activity where wait_event = 'advisory' and datname = current_database()"
)
HOLD = "select pg_advisory_xact_lock(hashtextextended('coachwire.export.' || $1::text, 0))"


async def test_one_person_does_not_get_all_connections_to_the_database(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute(HOLD, gym.member.user_id)
            member = Caller(http, gym.member)
            asked = [asyncio.create_task(member.post("/v1/me/export", {})) for _ in range(30)]
            await until(database, f"select ({WAITING}) = 6")
            for _ in range(3):
                assert (await Caller(http, gym.coach).get("badge")).status == 200
            assert await database.fetchval(WAITING) <= 6
    finally:
        await holder.close()
    answers = await asyncio.gather(*asked)
    # A lock is waited for a second at most: on a slow machine some have waited longer.
    assert {answer.status for answer in answers} <= {202, 503}
    assert answers[-1].status == 202


async def test_of_too_many_at_a_time_the_last_ones_are_refused(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute(HOLD, gym.member.user_id)
            member = Caller(http, gym.member)
            asked = [asyncio.create_task(member.post("/v1/me/export", {})) for _ in range(70)]
            done: set[asyncio.Task[object]] = set()
            while not done:
                done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await holder.close()
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 6
    assert {answer.code for answer in refused} == {"rate_limited"}
    assert {answer.body["retryAfterMs"] for answer in refused} == {1000}
    assert (await member.post("/v1/me/export", {})).status == 202
