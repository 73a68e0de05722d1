"""Whoever tells what the platform changed may be cut off, killed, doubled or given rows it cannot tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..instances import Instance, instances
from ..phone import Phone
from .conftest import LATE, Connection, OpenPhone, Platform, told

LISTENERS = (
    "from pg_stat_activity where datname = current_database() and application_name = 'coachwire listen'"
)


async def test_with_its_listening_connection_cut_it_finds_out_by_looking(
    gym: Place, phone: OpenPhone, platform: Platform, database: Connection
) -> None:
    member = await phone(gym.member)
    for status in ("suspended", "active", "suspended"):
        assert await database.fetchval(f"select count(pg_terminate_backend(pid)) {LISTENERS}") in (0, 1)
        await platform.set_status(gym.member, status)
        await told(member, "membership.changed" if status == "active" else "membership.ended", LATE)


async def test_a_listening_connection_that_was_cut_is_made_anew(
    gym: Place, phone: OpenPhone, database: Connection
) -> None:
    await phone(gym.member)
    async with asyncio.timeout(10):
        before = await _listener(database, other_than=None)
        await database.execute(f"select pg_terminate_backend(pid) {LISTENERS}")
        await _listener(database, other_than=before)


async def test_two_instances_that_both_try_tell_everything_once(
    gym: Place, platform: Platform, database_url: str, redis_url: str
) -> None:
    async with instances(2, database_url, redis_url) as servers, _phones(gym.member, servers) as phones:
        assignments = [await platform.assign(gym.member, published=False) for _ in range(200)]
        await _publish(database_url, assignments)
        for one in phones:
            heard = [await told(one, "assignment.published", LATE) for _ in assignments]
            assert sorted(frame["data"]["workoutAssignmentId"] for frame in heard) == sorted(assignments)
    assert await platform.positions(gym.member) == list(range(1, 201))


async def test_a_worker_that_is_killed_leaves_nothing_untold_and_nothing_told_twice(
    gym: Place, platform: Platform, database_url: str, redis_url: str
) -> None:
    async with (
        instances(2, database_url, redis_url) as servers,
        _phones(gym.member, servers[1:]) as (member,),
    ):
        assignments = [await platform.assign(gym.member, published=False) for _ in range(300)]
        publishing = asyncio.create_task(_publish(database_url, assignments))
        heard = [await told(member, "assignment.published", LATE) for _ in range(50)]
        servers[0].kill()
        heard += [await told(member, "assignment.published", LATE) for _ in range(250)]
        await publishing
        assert sorted(frame["data"]["workoutAssignmentId"] for frame in heard) == sorted(assignments)
    assert await platform.positions(gym.member) == list(range(1, 301))


async def test_what_happened_while_no_server_ran_is_told_when_one_does(
    gym: Place, platform: Platform, database_url: str
) -> None:
    async with instances(1, database_url) as (server,), _phones(gym.member, [server]) as (member,):
        assignments = [await platform.assign(gym.member, published=False) for _ in range(100)]
        publishing = asyncio.create_task(_publish(database_url, assignments))
        await told(member, "assignment.published", LATE)
        server.kill()
        await publishing
        await server.start()
        await member.connect()
        async with asyncio.timeout(LATE):
            while len(member.events) < 100:
                await member.read()
        found = [frame["data"]["workoutAssignmentId"] for frame in member.events]
        assert sorted(found) == sorted(assignments)


async def test_a_row_that_cannot_be_told_is_set_aside_and_holds_up_nobody(
    gym: Place, phone: OpenPhone, platform: Platform, database: Connection
) -> None:
    member, other = await phone(gym.member), await phone(gym.member2)
    await database.execute(
        f"""
        create function poison() returns trigger language plpgsql as $$
        begin
          if new.user_id = '{gym.member.user_id}' then raise exception 'poison'; end if;
          return new;
        end $$;
        create trigger poison before insert on stream_events for each row execute function poison();
        """
    )
    async with database.transaction():
        for someone in (gym.coach, gym.member, gym.member2):
            await platform.set_status(someone, "suspended")
    await told(other, "membership.ended")
    await platform.settled()
    aside = await database.fetch("select user_ids, attempts, not_before > now() as waits from stream_pending")
    assert [tuple(row) for row in aside] == [([UUID(gym.member.user_id)], 1, True)]
    assert member.events == []

    await database.execute(
        "drop trigger poison on stream_events; update stream_pending set not_before = now()"
    )
    await told(member, "membership.ended", LATE)
    assert await database.fetchval("select count(*) from stream_pending") == 0


async def test_rows_about_people_and_things_that_are_no_more_are_done_with(
    gym: Place, phone: OpenPhone, platform: Platform, database: Connection
) -> None:
    member = await phone(gym.member)
    nobody = [uuid4(), None]
    for kind in ("messages", "comments", "assignments", "memberships", "users", "organizations"):
        await database.execute(
            "insert into stream_pending (kind, user_ids, subject_ids, organization_id) values ($1, $2, $3, $4)",
            kind, nobody, [uuid4(), uuid4(), uuid4()], uuid4(),
        )  # fmt: skip
    await platform.set_status(gym.member, "suspended")
    await told(member, "membership.ended")
    assert await database.fetchval("select count(*) from stream_pending") == 0


async def test_a_comment_that_goes_with_its_exercise_is_put_down_and_done_with(
    gym: Place, phone: OpenPhone, platform: Platform, database: Connection
) -> None:
    await phone(gym.member)
    await database.execute(
        """
        insert into exercise_comments (id, workout_movement_id, author_id, body)
        select gen_random_uuid(), m.id, $1, 'deep' from workout_movements m
        """,
        UUID(gym.member.user_id),
    )
    async with database.transaction():
        await database.execute("delete from workout_movements")
        put_down = await database.fetch(
            "select kind, cardinality(subject_ids) as subjects from stream_pending"
        )
        assert {row["kind"] for row in put_down} == {"comments", "exercises"}
        assert sum(row["subjects"] for row in put_down) > 1
    await platform.settled()
    assert await platform.streams() == {}


async def _listener(database: Connection, other_than: int | None) -> int:
    while True:
        pid: int | None = await database.fetchval(f"select pid {LISTENERS} limit 1")
        if pid is not None and pid != other_than:
            return pid
        await asyncio.sleep(0.05)


async def _publish(database_url: str, assignments: list[str]) -> None:
    """Each in a transaction of its own, over four connections at once."""

    async def publish(share: list[str]) -> None:
        connection = await asyncpg.connect(database_url)
        try:
            for assignment_id in share:
                await connection.execute(
                    "update workout_assignments set published = true where id = $1", UUID(assignment_id)
                )
        finally:
            await connection.close()

    await asyncio.gather(*(publish(assignments[place::4]) for place in range(4)))


@asynccontextmanager
async def _phones(who: Someone, servers: list[Instance]) -> AsyncIterator[list[Phone]]:
    """A phone of this person on each of the servers."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        yield [await stack.enter_async_context(Phone(session, server.url, who.token)) for server in servers]
