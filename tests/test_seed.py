"""What seeds and the demo leave behind is what the server itself would have written."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest
from coachwire.demo import demo
from coachwire.seed import Size, seed

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def tx(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def sign(user_id: str) -> str:
    return f"token of {user_id}"


async def make(dsn: str, **size: int) -> dict[str, Any]:
    return await seed(dsn, Size(**{"organizations": 1, "coaches": 2, "members": 12, **size}), sign=sign)


async def test_the_answer_lists_people_by_role_and_workouts_with_their_assignments(database_url: str) -> None:
    made = await make(database_url, organizations=2, members=12)
    assert list(made) == ["organizations"]
    assert len(made["organizations"]) == 2
    for organization in made["organizations"]:
        assert list(organization) == ["organizationId", "name", "people", "workouts"]
        people, workouts = organization["people"], organization["workouts"]
        assert [person["role"] for person in people] == ["owner", "admin", *["coach"] * 2, *["member"] * 12]
        for person in people:
            assert list(person) == ["userId", "membershipId", "email", "name", "role", "token"]
            assert person["token"] == sign(person["userId"])
        members = {person["membershipId"] for person in people if person["role"] == "member"}
        published: Counter[bool] = Counter()
        for workout in workouts:
            assert list(workout) == ["workoutId", "movementIds", "assignments"]
            assert len(workout["movementIds"]) >= 3
            for assignment in workout["assignments"]:
                assert list(assignment) == ["assignmentId", "membershipId", "published"]
                assert assignment["membershipId"] in members
                published[assignment["published"]] += 1
        assert published[True] >= 0.8 * len(members) * (len(workouts) - 1)
        assert 0 < published[False] <= len(members) / 2


async def test_what_the_answer_lists_is_in_the_tables(database_url: str, tx: Connection) -> None:
    [organization] = (await make(database_url))["organizations"]
    rows = await tx.fetch(
        "select u.id::text, m.id::text, u.email, u.first_name || ' ' || u.last_name, m.role::text"
        " from memberships m join users u on u.id = m.user_id"
        " where m.organization_id = $1 and m.status = 'active'",
        uuid.UUID(organization["organizationId"]),
    )
    assert {tuple(row) for row in rows} == {
        tuple(person[key] for key in ("userId", "membershipId", "email", "name", "role"))
        for person in organization["people"]
    }
    rows = await tx.fetch(
        "select a.workout_id::text, a.id::text, m.id::text, a.published from workout_assignments a"
        " join memberships m on m.user_id = a.user_id and m.organization_id = a.organization_id"
    )
    assert {tuple(row) for row in rows} == {
        (workout["workoutId"], *assignment.values())
        for workout in organization["workouts"]
        for assignment in workout["assignments"]
    }
    assert {str(row["id"]) for row in await tx.fetch("select id from workout_movements")} == {
        movement for workout in organization["workouts"] for movement in workout["movementIds"]
    }
    streams = await tx.fetch("select user_id::text, position from user_streams")
    assert {tuple(row) for row in streams} == {(person["userId"], 0) for person in organization["people"]}


async def test_each_run_adds_people_of_its_own(database_url: str) -> None:
    first, second = await make(database_url), await make(database_url)
    emails = [person["email"] for made in (first, second) for person in made["organizations"][0]["people"]]
    assert len(set(emails)) == len(emails) == 2 * 16


async def test_seeded_conversations_agree_in_all_tables(
    database_url: str, tx: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.seed.talk.FLUSH", 100)
    await make(database_url, organizations=2, messages=700)
    assert await tx.fetchval("select count(*) from messages") == 2 * 700
    roles = await tx.fetch("select distinct sender_role::text from messages order by 1")
    assert [row[0] for row in roles] == ["coach", "member"]
    unread = await tx.fetchval("select count(*) from messages where read_at is null")
    assert 0 < unread < 700
    contents = "".join(row[0] for row in await tx.fetch("select content from messages"))
    assert all(any(first <= letter <= last for letter in contents) for first, last in ("az", "את", "ая"))
    await assert_as_if_sent(tx)


async def test_an_organization_of_staff_alone_can_have_messages(database_url: str, tx: Connection) -> None:
    await make(database_url, coaches=0, members=0, messages=40)
    assert await tx.fetchval("select count(*) from messages where sender_role = 'admin'") == 40
    await assert_as_if_sent(tx)


async def test_the_demo_is_made_once_and_says_who_one_can_be(database_url: str, tx: Connection) -> None:
    people = await demo(database_url)
    assert people == await demo(database_url)
    rows = await tx.fetch(
        "select u.email, u.first_name || ' ' || u.last_name, m.role::text, o.name from memberships m"
        " join users u on u.id = m.user_id join organizations o on o.id = m.organization_id"
    )
    assert {tuple(row) for row in rows} == {
        (person.email, person.name, person.role, person.organization) for person in people
    }
    assert [(person.email, person.role, person.organization) for person in people] == [
        ("owner@demo.test", "owner", "Iron Harbor"),
        ("coach@demo.test", "coach", "Iron Harbor"),
        ("coach2@demo.test", "coach", "Iron Harbor"),
        ("member@demo.test", "member", "Iron Harbor"),
        ("member2@demo.test", "member", "Iron Harbor"),
        ("member3@demo.test", "member", "Iron Harbor"),
        ("both@demo.test", "member", "Iron Harbor"),
        ("both@demo.test", "owner", "Studio North"),
        ("north.coach@demo.test", "coach", "Studio North"),
        ("north.member@demo.test", "member", "Studio North"),
    ]
    assert await tx.fetchval("select count(*) from messages where read_at is null") == 5
    await assert_as_if_sent(tx)


async def assert_as_if_sent(tx: Connection) -> None:
    """Holds after any history of sends and receipts among people who are new."""
    # Positions are dense from 1 to the head, and created_at rises with them.
    streams = await tx.fetch(
        "select s.user_id, s.position, count(e.position), min(e.position), max(e.position)"
        " from user_streams s left join stream_events e using (user_id) group by 1, 2"
    )
    for _, head, count, lowest, highest in streams:
        assert (count, lowest or 1, highest or 0) == (head, 1, head)
    assert await disorder(tx) == 0
    # One ledger row a message, with the positions of its two events.
    assert await tx.fetchval("select count(*) from message_ledger") == await tx.fetchval(
        "select count(*) from messages"
    )
    assert await tx.fetchval(
        """
        select count(*) from messages m
        join message_ledger l on (l.message_id, l.organization_id, l.sender_id, l.created_at)
          = (m.id, m.organization_id, m.sender_id, m.created_at)
          and (l.low_user_id, l.high_user_id)
            = (least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id))
        join stream_events s on (s.user_id, s.position) = (m.sender_id, l.sender_position)
          and s.kind = 'message.created' and s.subject_ids = array[m.id] and s.at = m.created_at
        join stream_events r on (r.user_id, r.position) = (m.recipient_id, l.recipient_position)
          and r.kind = 'message.created' and r.subject_ids = array[m.id] and r.at = m.created_at
        """
    ) == await tx.fetchval("select count(*) from messages")
    # What is read has a receipt in both streams, later than the message, at its read_at; nothing else has.
    assert await tx.fetchval(
        """
        select count(*) from stream_events e cross join unnest(e.subject_ids) as i (id)
        join messages m on m.id = i.id and m.read_at = e.at and m.read_at > m.created_at
          and e.user_id in (m.sender_id, m.recipient_id)
        where e.kind = 'message.read' and cardinality(e.subject_ids) <= 500
        """
    ) == 2 * await tx.fetchval("select count(*) from messages where read_at is not null")
    assert await tx.fetchval(
        "select count(*) from stream_events where kind = 'message.read'"
    ) == await tx.fetchval(
        "select 2 * count(distinct (recipient_id, sender_id, read_at)) from messages"
        " where read_at is not null"
    )
    # A conversation a pair, begun with its first message; only staff talk to members.
    expected = await tx.fetch(
        "select organization_id, least(sender_id, recipient_id), greatest(sender_id, recipient_id),"
        " min(created_at) from messages group by 1, 2, 3"
    )
    found = await tx.fetch(
        "select organization_id, low_user_id, high_user_id, first_message_at from conversations"
    )
    assert {tuple(row) for row in found} == {tuple(row) for row in expected}
    assert await tx.fetchval("select bool_and(last_at <= now()) from user_streams")


async def disorder(tx: Connection) -> int:
    found = await tx.fetchval(
        """
        select count(*) from (
          select at > lead(at) over w or (kind = 'message.created' and at = lead(at) over w) as wrong
          from stream_events window w as (partition by user_id order by position)) e
        where wrong
        """
    )
    heads = await tx.fetchval(
        """
        select count(*) from user_streams s where s.last_at is distinct from (
          select max(m.created_at) from messages m where s.user_id in (m.sender_id, m.recipient_id))
        """
    )
    return int(found) + int(heads)
