"""What becomes of a comment whose answer was lost, whose exercise is held, and which was there before all of this."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire.migrate import migrations
from coachwire_protocol.documents import asyncapi

from ..gym import Place
from ..server.conftest import OpenPhone
from ..server.platform import Tables
from ..server.test_documents import Document, validator
from .conftest import Exercise, Talker


async def test_a_retry_after_a_lost_answer_finds_what_became_of_it(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker
) -> None:
    one = await phone(gym.coach)
    fields = [exercise.fields(str(n)) for n in range(10)]
    frame = [{"type": "comment.create", "ref": n} | each for n, each in enumerate(fields)]
    await one.say(frame)
    one.vanish()
    await one.connect()
    await one.say(frame)
    answers = [await one.answer(n) for n in range(10)]
    assert {answer["type"] for answer in answers} == {"ok"}
    assert await coach.bodies() == [str(n) for n in range(10)]
    await one.say(frame)
    assert [(await one.answer(n))["data"].get("duplicate") for n in range(10)] == [True] * 10


async def test_while_the_platform_holds_an_exercise_what_it_needs_is_unavailable_and_nothing_else(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database_url: str
) -> None:
    known = await coach.said("before")
    one = await phone(gym.coach)
    platform = await asyncpg.connect(database_url)
    try:
        async with platform.transaction():
            await platform.execute("delete from workout_movements where id = $1", UUID(exercise.id))
            where = {"organizationId": gym.organization_id, "id": known}
            for kind, fields in (
                ("comment.create", exercise.fields()),
                ("comment.create", exercise.fields("x", known)),
                ("comment.edit", where | {"body": "x"}),
                ("comment.delete", where),
            ):
                error = (await one.ask(kind, **fields))["error"]
                assert (error["code"], error["retryAfterMs"]) == ("unavailable", 200)
            assert (await coach.comment("x")).code == "unavailable"
            assert await coach.bodies() == ["before"]
        for kind, fields in (("comment.create", exercise.fields()), ("comment.delete", where)):
            assert (await one.ask(kind, **fields))["error"]["code"] == "not_found"
    finally:
        await platform.close()


@pytest.fixture
async def before(empty_database_url: str) -> AsyncIterator[Tables]:
    """A database as it was before comments came."""
    connection = await asyncpg.connect(empty_database_url)
    for migration in migrations():
        if migration.name < "0013":
            await connection.execute(migration.text)
    yield connection
    await connection.close()


async def test_comments_older_than_coachwire_get_their_rows(before: Tables) -> None:
    organization, author, workout, movement, *ids = (uuid4() for _ in range(9))
    await before.execute(
        "insert into organizations (id, name, slug) values ($1, 'Iron', 'iron')", organization
    )
    await before.execute("insert into users (id, email) values ($1, 'a@x.test')", author)
    await before.execute(
        "insert into workouts (id, organization_id, title) values ($1, $2, 'Legs')", workout, organization
    )
    await before.execute(
        "insert into workout_movements (id, workout_id, name) values ($1, $2, 'Squat')", movement, workout
    )
    await before.execute(
        "insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at)"
        " select id, $2, $3, 'x', case when n > 1 then ($1::uuid[])[n - 1] end,"
        " case n when 5 then null else timestamptz '2025-01-01 09:00Z' end"
        " from unnest($1::uuid[]) with ordinality t (id, n) order by n desc",
        ids, movement, author,
    )  # fmt: skip
    for migration in migrations():
        if migration.name >= "0013":
            await before.execute(migration.text)
    rows = await before.fetch("select * from comment_ledger order by created_at, comment_id")
    assert [(row["comment_id"], row["depth"], row["parent_comment_id"]) for row in rows] == [
        (id_, depth, ids[depth - 1] if depth else None) for depth, id_ in enumerate(ids)
    ]
    assert {(row["organization_id"], row["workout_movement_id"], row["author_id"]) for row in rows} == {
        (organization, movement, author)
    }
    assert {row["payload_hash"] for row in rows} == {None}


async def test_what_a_server_says_of_comments_is_what_the_document_says(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker
) -> None:
    document: Document = asyncapi()
    coach = await phone(gym.coach)
    await coach.open_topic(exercise.topic)
    root = await member.said("like this?")
    fields = exercise.fields("deeper", root)
    where = {"organizationId": gym.organization_id, "id": fields["id"]}
    frames = [
        ("ok.comment.create", await coach.ask("comment.create", **fields)),
        ("ok.comment.create", await coach.ask("comment.create", **fields)),
        ("ok.comment.edit", await coach.ask("comment.edit", **where, body="higher")),
        ("ok.comment.delete", await coach.ask("comment.delete", **where)),
        ("event.comment.mentioned", await coach.event("comment.mentioned")),
    ]
    frames += [
        (f"event.{kind}", await coach.in_topic(exercise.topic, kind))
        for kind in ("comment.created", "comment.edited", "comment.deleted")
    ]
    for name, frame in frames:
        payload = document["components"]["messages"][name]["payload"]
        assert [error.message for error in validator(document, payload).iter_errors(frame)] == [], name
