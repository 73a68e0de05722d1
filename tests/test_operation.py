"""The runner: what shares a statement, what fails alone, and what is answered when nothing comes back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire import database as database_module
from coachwire import runner as runner_module
from coachwire.operation import Actor, Outcome
from coachwire.operations import receipts
from coachwire.runner import Runner
from coachwire.settings import RateLimit
from coachwire_protocol.errors import (
    Conflict,
    Forbidden,
    Internal,
    NotFound,
    Overloaded,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from coachwire_protocol.messages import DeleteMessage, Party, SendMessage, Sent
from coachwire_protocol.receipts import MarkedRead, ReadMessages
from msgspec import Struct
from structlog.testing import capture_logs

from .gym import Place, Someone, open_gym
from .running import running

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection


@pytest.fixture
async def gym(database_url: str) -> Place:
    return await open_gym(database_url, "harbor")


@pytest.fixture
async def tables(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@dataclass(eq=False)
class Kept:
    """An answer that keeps what it is settled with."""

    arrived: float
    member: None = None
    results: list[Outcome | ProtocolError] = field(default_factory=list)

    def ok(self, outcome: Outcome, position: int) -> bytes:
        raise AssertionError("there is no connection")

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        self.results.append(result)


def message(recipient: Someone, content: str = "hello", id_: str | None = None) -> SendMessage:
    return SendMessage(
        organization_id=recipient.organization_id,
        id=id_ or str(uuid4()),
        to=Party(membership_id=recipient.membership_id),
        content=content,
    )


async def together(
    runner: Runner, requests: Sequence[tuple[Someone, Struct]]
) -> list[Struct | type[BaseException] | None]:
    """Submitted in one tick, so that they gather; the data of each, or the kind of its error."""
    results = await asyncio.gather(
        *(runner.run(Actor(someone.user_id), request) for someone, request in requests),
        return_exceptions=True,
    )
    return [type(r) if isinstance(r, BaseException) else r.data for r in results]


async def stored(tables: Connection) -> list[str]:
    return [str(row["id"]) for row in await tables.fetch("select id from messages order by created_at, id")]


async def positions(tables: Connection, someone: Someone) -> list[str]:
    """The ids in this person's stream, by position, which must be dense."""
    rows = await tables.fetch(
        "select position, subject_ids[1] as id from stream_events where user_id = $1 order by position",
        UUID(someone.user_id),
    )
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [str(row["id"]) for row in rows]


async def test_a_bad_row_fails_alone_and_the_others_keep_their_order(
    database_url: str, gym: Place, tables: Connection
) -> None:
    ids = sorted((str(uuid4()) for _ in range(9)), reverse=True)
    requests = [message(gym.member, f"number {n}", id_) for n, id_ in enumerate(ids)]
    requests[4] = message(gym.member, "what no door lets pass: \0", ids[4])
    async with running(database_url) as (runner, noted):
        with capture_logs() as logs:
            results = await together(runner, [(gym.coach, request) for request in requests])

    assert [result is Internal for result in results] == [n == 4 for n in range(9)]
    fine = [id_ for id_ in ids if id_ != ids[4]]
    assert await stored(tables) == fine
    assert await positions(tables, gym.coach) == await positions(tables, gym.member) == fine
    created = [result.created_at for result in results if isinstance(result, Sent)]
    assert all(before < after for before, after in pairwise(created))
    assert [position for user, position, _ in noted.told if user == gym.coach.user_id] == list(range(1, 9))
    failed = [entry for entry in logs if entry["event"] == "operation_failed"]
    assert [(entry["operation"], entry["code"]) for entry in failed] == [("send_messages", "22021")]
    assert "no door" not in repr(logs)


async def test_calls_that_gather_share_a_statement(database_url: str, gym: Place) -> None:
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member)) for _ in range(20)])
        assert noted.flushes == 1


async def test_what_cannot_be_told_is_unavailable_alone_doubted_and_answered_when_asked_again(
    database_url: str, gym: Place, tables: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, other = message(gym.member), message(gym.member)
    async with running(database_url) as (runner, noted):
        tell = noted.deliver

        def tell_all_but_the_first(*arguments: Any) -> None:
            monkeypatch.setattr(noted, "deliver", tell)
            raise RuntimeError("a mistake")

        monkeypatch.setattr(noted, "deliver", tell_all_but_the_first)
        untold, told = await together(runner, [(gym.coach, lost), (gym.coach, other)])
        assert (untold, isinstance(told, Sent)) == (Unavailable, True)
        assert noted.doubts == 1
        (again,) = await together(runner, [(gym.coach, lost)])
    assert isinstance(again, Sent)
    assert again.duplicate is True
    assert await stored(tables) == [lost.id, other.id]


async def test_a_repeated_id_in_one_tick_is_a_duplicate_or_a_conflict(
    database_url: str, gym: Place, tables: Connection
) -> None:
    once = message(gym.member)
    after = message(gym.member)
    async with running(database_url) as (runner, noted):
        first, again, other, last = await together(
            runner,
            [
                (gym.coach, once),
                (gym.coach, once),
                (gym.coach, message(gym.member, "bye", once.id)),
                (gym.coach, after),
            ],
        )
    assert isinstance(first, Sent)
    assert again == Sent(
        id=once.id,
        recipient_membership_id=gym.member.membership_id,
        created_at=first.created_at,
        duplicate=True,
    )
    assert (other, isinstance(last, Sent)) == (Conflict, True)
    assert await stored(tables) == [once.id, after.id]
    assert noted.flushes == 3, "each batch ends before the repetition"


async def test_people_without_a_stream_get_one_with_their_first_message(
    database_url: str, gym: Place, tables: Connection
) -> None:
    assert await tables.fetchval("select count(*) from user_streams") == 0
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member))])
        assert sorted(noted.told) == sorted(
            (one.user_id, 1, "message.created") for one in (gym.coach, gym.member)
        )


async def test_the_rate_limit_answers_what_is_too_much(database_url: str, gym: Place) -> None:
    async with running(database_url, rate_limit=RateLimit(messages=2, seconds=60)) as (runner, _):
        results = await together(runner, [(gym.coach, message(gym.member)) for _ in range(3)])
        assert results[2] is RateLimited
        assert all(isinstance(result, Sent) for result in results[:2])


async def test_a_row_that_is_held_too_long_is_unavailable_alone(
    database_url: str, gym: Place, tables: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK", "100ms")
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member)), (gym.coach2, message(gym.member2))])
        async with tables.transaction():
            await hold_stream(tables, gym.member)
            requests = [(gym.coach, message(gym.member)), (gym.coach2, message(gym.member2))] * 2
            distinct = [(someone, message_of(request)) for someone, request in requests]
            results = await together(runner, distinct)
        assert [result is Unavailable for result in results] == [True, False, True, False]
        assert noted.doubts == 0, "it is known that nothing was stored"


async def test_a_statement_that_does_not_come_back_is_unavailable_in_time_and_doubted(
    database_url: str, gym: Place, tables: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = message(gym.member)
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member))])
        monkeypatch.setattr(runner_module, "DEADLINE", 0.2)
        async with tables.transaction():
            await hold_stream(tables, gym.member)
            assert await together(runner, [(gym.coach, request)]) == [Unavailable]
        assert noted.doubts == 1
        monkeypatch.undo()
        # Its outcome was unknown; the same request, sent again, tells.
        (again,) = await together(runner, [(gym.coach, request)])
        assert isinstance(again, Sent)
    assert (await stored(tables)).count(request.id) == 1


async def test_a_link_that_is_cut_in_the_middle_is_unavailable_and_doubted(
    database_url: str, gym: Place, tables: Connection
) -> None:
    request = message(gym.member)
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member))])
        async with tables.transaction():
            await hold_stream(tables, gym.member)
            sending = asyncio.create_task(together(runner, [(gym.coach, request)]))
            await cut_who_waits(tables)
            assert await sending == [Unavailable]
        assert noted.doubts == 1
        (again,) = await together(runner, [(gym.coach, request)])
        assert isinstance(again, Sent)
        assert again.duplicate is not True


async def test_beyond_the_bound_calls_are_overloaded_at_once(database_url: str, gym: Place) -> None:
    actor = Actor(gym.coach.user_id)
    request = message(gym.member)
    async with running(database_url) as (runner, _):
        answers = [Kept(asyncio.get_running_loop().time()) for _ in range(runner_module.WAITING + 1)]
        for answer in answers:
            runner.submit(actor, request, answer)
        assert [len(answer.results) for answer in answers[:-1]] == [0] * runner_module.WAITING
        assert [type(result) for result in answers[-1].results] == [Overloaded]
        deletion = Kept(answers[0].arrived)
        runner.submit(actor, DeleteMessage(organization_id=gym.organization_id, id=request.id), deletion)
        assert deletion.results == [], "another operation has a queue of its own"


async def test_a_long_conversation_is_read_in_steps_and_answered_once(
    database_url: str, gym: Place, tables: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "STEP", 3)
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, message(gym.member)) for _ in range(8)])
        noted.told.clear()
        read = ReadMessages(
            organization_id=gym.organization_id, conversation=Party(membership_id=gym.coach.membership_id)
        )
        (answer,) = await together(runner, [(gym.member, read)])
    assert isinstance(answer, MarkedRead)
    assert answer.marked_count == 8
    assert [entry for entry in noted.told if entry[0] == gym.coach.user_id] == [
        (gym.coach.user_id, position, "message.read") for position in (9, 10, 11)
    ]
    sizes = await tables.fetch(
        """
        select cardinality(subject_ids) from stream_events
        where user_id = $1 and kind = 'message.read' order by position
        """,
        UUID(gym.coach.user_id),
    )
    assert [row[0] for row in sizes] == [3, 3, 2]


async def test_what_comes_round_again_keeps_its_order(
    database_url: str, gym: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "STEP", 2)
    settled: list[str] = []

    async def read(runner: Runner, partner: Someone) -> None:
        conversation = Party(membership_id=partner.membership_id)
        await runner.run(
            Actor(gym.member.user_id),
            ReadMessages(organization_id=gym.organization_id, conversation=conversation),
        )
        settled.append(partner.name)

    staff = (gym.coach, gym.coach2)
    async with running(database_url) as (runner, noted):
        await together(runner, [(sender, message(gym.member)) for sender in staff * 3])
        noted.told.clear()
        await asyncio.gather(*(read(runner, sender) for sender in staff))
    assert settled == [sender.name for sender in staff]
    in_turn = [user for user, _, _ in noted.told if user != gym.member.user_id]
    assert in_turn == [sender.user_id for sender in staff] * 3


async def test_readings_of_one_tick_are_answered_each_for_what_it_marked(
    database_url: str, gym: Place
) -> None:
    def read(*ids: str) -> ReadMessages:
        return ReadMessages(organization_id=gym.organization_id, message_ids=ids)

    sends = [message(gym.member) for _ in range(3)]
    first, second, third = (request.id for request in sends)
    async with running(database_url) as (runner, noted):
        await together(runner, [(gym.coach, request) for request in sends])
        noted.told.clear()
        results = await together(
            runner,
            [
                (gym.member, read(first, second)),
                (gym.member, read(second, third)),
                (gym.member, read(first, str(uuid4()))),
                (gym.coach, read(first)),
            ],
        )
    assert [getattr(result, "marked_count", result) for result in results] == [
        2, 1, NotFound, Forbidden,
    ]  # fmt: skip
    assert sorted(noted.told) == sorted(
        (one.user_id, 4, "message.read") for one in (gym.coach, gym.member)
    ), "one event for all of them"


async def test_what_nobody_foresaw_is_internal_and_its_text_is_not_logged(
    database_url: str, gym: Place
) -> None:
    request = DeleteMessage(organization_id=gym.organization_id, id="no id at all")
    async with running(database_url) as (runner, noted):
        with capture_logs() as logs:
            assert await together(runner, [(gym.coach, request)]) == [Internal]
    assert [entry["event"] for entry in logs] == ["operation_failed"]
    assert "no id at all" not in repr(logs)
    assert noted.told == []


async def test_the_end_waits_for_what_was_begun(database_url: str, gym: Place, tables: Connection) -> None:
    async with running(database_url) as (runner, _):
        answer = Kept(asyncio.get_running_loop().time())
        runner.submit(Actor(gym.coach.user_id), message(gym.member), answer)
        await runner.finish()
        assert [type(result) for result in answer.results] == [Outcome]
    assert len(await stored(tables)) == 1


def message_of(request: Any) -> SendMessage:
    """The same with an id of its own."""
    return SendMessage(
        organization_id=request.organization_id, id=str(uuid4()), to=request.to, content=request.content
    )


async def hold_stream(tables: Connection, someone: Someone) -> None:
    await tables.execute("select from user_streams where user_id = $1 for update", UUID(someone.user_id))


async def cut_who_waits(tables: Connection) -> None:
    """As soon as a connection waits for a lock here, end it."""
    async with asyncio.timeout(5):
        while not await tables.fetchval(  # noqa: ASYNC110 - the database tells nobody
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'
            """
        ):
            await asyncio.sleep(0.002)
