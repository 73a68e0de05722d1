"""PostgreSQL dies, stops, freezes, cuts connections: refusals come in time, no `ok` is false, and all goes on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from coachwire.embedded import EmbeddedPostgres
from coachwire.migrate import migrate

from ..conftest import a_postgres, in_a_loop_of_its_own
from ..gym import message_to, open_gym
from ..instances import instances
from ..phone import Phone
from .conftest import People, crowd_of

IN_TIME = 3.5  # s; `unavailable` leaves within 3, and has to be read here by a loop that is busy as well
BACK = 5.0  # s until sends are answered `ok` again
AWAY = 4.0  # s


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedPostgres]:
    """For all tests here: each leaves it running, its database migrated and otherwise used by gyms of former tests."""
    with a_postgres() as cluster:
        in_a_loop_of_its_own(migrate(cluster.dsn))
        yield cluster


@pytest.fixture
async def people(cluster: EmbeddedPostgres, redis_url: str) -> AsyncIterator[People]:
    """Of a gym on that cluster, whose two instances stay up throughout."""
    connection = await asyncpg.connect(cluster.dsn)
    await connection.execute("truncate messages, message_ledger, user_streams, stream_events cascade")
    await connection.close()
    gym = await open_gym(cluster.dsn, f"harbor-{uuid4().hex}")
    async with (
        instances(2, cluster.dsn, redis_url) as servers,
        crowd_of(gym, cluster.dsn) as crowd,
    ):
        people = await crowd(servers)
        async with people.writing():
            await asyncio.sleep(0.5)
        yield people


async def test_a_killed_database_is_met_with_unavailable_and_recovery_needs_nobody(
    people: People, cluster: EmbeddedPostgres
) -> None:
    async with people.writing():
        await asyncio.sleep(0.5)
        cluster.kill()
        gone = _now()
        await asyncio.sleep(AWAY)
        returning = _now()
        await asyncio.to_thread(cluster.start)
        await _ok_again(people)
    _assert_honest(people, gone, returning)
    assert people.history.answers("unavailable")
    assert await people.broken_promises() == []


async def test_a_stopped_database_is_met_with_unavailable_and_recovery_needs_nobody(
    people: People, cluster: EmbeddedPostgres
) -> None:
    async with people.writing():
        await asyncio.sleep(0.5)
        await asyncio.to_thread(cluster.stop)
        gone = _now()
        await asyncio.sleep(AWAY)
        returning = _now()
        await asyncio.to_thread(cluster.start)
        await _ok_again(people)
    _assert_honest(people, gone, returning)
    assert people.history.answers("unavailable")
    assert await people.broken_promises() == []


async def test_a_frozen_database_is_met_with_unavailable_and_recovery_needs_nobody(
    people: People, cluster: EmbeddedPostgres
) -> None:
    async with people.writing():
        await asyncio.sleep(0.5)
        with _frozen(cluster.pid):
            gone = _now()
            await asyncio.sleep(AWAY + IN_TIME)
            returning = _now()
        await _ok_again(people)
    _assert_honest(people, gone, returning)
    assert people.history.answers("unavailable")
    assert await people.broken_promises() == []


async def test_requests_that_wait_for_each_other_are_all_refused_in_time(
    people: People, cluster: EmbeddedPostgres
) -> None:
    mine = await people.say(people.coach)
    theirs = await people.say(people.member)
    async with Phone(people.session, people.coach.url, people.gym.coach.token) as phone:
        to_member = message_to(people.gym.member)
        organization = {"organizationId": people.gym.organization_id}
        with _frozen(cluster.pid):
            asked = _now()
            await phone.say({"type": "message.send", "ref": "send", **to_member})
            await phone.say({"type": "message.read", "ref": "read", **organization, "messageIds": [theirs]})
            await phone.say({"type": "message.delete", "ref": "delete", **organization, "id": mine})
            await phone.say({"type": "message.send", "ref": "again", **message_to(people.gym.member)})
            answers = {ref: await phone.answer(ref) for ref in ("send", "read", "delete", "again")}
            assert _now() - asked < IN_TIME
        assert {ref: answer["error"]["code"] for ref, answer in answers.items()} == dict.fromkeys(
            answers, "unavailable"
        )
        async with asyncio.timeout(BACK):
            while (await phone.ask("message.send", **to_member))["type"] == "error":
                pass


async def test_connections_cut_by_the_database_lose_nothing(
    people: People, cluster: EmbeddedPostgres
) -> None:
    async with people.writing():
        connection = await asyncpg.connect(cluster.dsn)
        for _ in range(20):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'coachwire'"
            )
            await asyncio.sleep(0.1)
        await connection.close()
        await _ok_again(people)
    _assert_honest(people, gone=_now(), returning=_now())
    assert await people.broken_promises() == []


async def test_statements_cancelled_by_the_database_lose_nothing(
    people: People, cluster: EmbeddedPostgres
) -> None:
    async with people.writing():
        connection = await asyncpg.connect(cluster.dsn)
        for _ in range(100):
            await connection.execute(
                "select pg_cancel_backend(pid) from pg_stat_activity"
                " where application_name = 'coachwire' and state = 'active'"
            )
            await asyncio.sleep(0.01)
        await connection.close()
        await _ok_again(people)
    _assert_honest(people, gone=_now(), returning=_now())
    assert await people.broken_promises() == []


async def _ok_again(people: People) -> None:
    async with asyncio.timeout(BACK):
        await people.say(people.coach)
        await people.say(people.member)
    await asyncio.sleep(0.5)


def _assert_honest(people: People, gone: float, returning: float) -> None:
    """Refused in time, no `ok` from a database that was not there, and no socket had to be closed."""
    answers = [answer for sending in people.history.sendings for answer in sending.answers]
    assert {answer.code for answer in answers} <= {"ok", "unavailable"}
    assert max(answer.after for answer in answers) < IN_TIME
    settled = gone + 0.5  # s; what was committed before it went may still be on its way
    assert [a for a in answers if a.code == "ok" and settled < a.at < returning] == []
    assert [device.closed for device in people.devices] == [[], [], [], []]


@contextmanager
def _frozen(postmaster: int) -> Iterator[None]:
    """All processes of a cluster stand still: connections are taken and nothing is answered."""
    if not Path("/proc/self/task").exists():
        pytest.skip("finds the processes of PostgreSQL in /proc")
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no more
    children = [
        int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    ]
    try:
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in (*children, postmaster):
            os.kill(pid, signal.SIGCONT)


def _now() -> float:
    return asyncio.get_running_loop().time()
