"""Ids of another gym, of another member, and of nothing at all: the same answer, and nothing told or stored."""

from typing import Any

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..phone import Phone
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables, join, set_status
from .conftest import UNKNOWN, Exercise, Talker, add_exercise


async def codes(caller: Caller, one: Phone, exercise: Exercise, known: str) -> dict[str, Any]:
    """What each way to this exercise and its comment is answered with, both doors."""
    where = {"organizationId": exercise.organization_id, "id": known}
    base = f"/v1/organizations/{exercise.organization_id}/{exercise.path}"
    asked = {
        "socket create": await one.ask("comment.create", **exercise.fields()),
        "socket reply": await one.ask("comment.create", **exercise.fields("x", known)),
        "socket edit": await one.ask("comment.edit", **where, body="x"),
        "socket delete": await one.ask("comment.delete", **where),
        "topic": await one.ask("topic.open", topic=exercise.topic),
    }
    return {what: answer.get("error", {}).get("code") for what, answer in asked.items()} | {
        "list": (await caller.get(base)).code,
        "create": (await caller.post(base, {"body": "x"})).code,
        "reply": (await caller.post(base, {"body": "x", "parentCommentId": known})).code,
        "edit": (await caller.patch(f"{base}/{known}", {"body": "x"})).code,
        "delete": (await caller.delete(f"{base}/{known}")).code,
    }


async def untouched(tables: Tables, streams: int) -> None:
    assert (
        await tables.fetchval("select string_agg(body, ' ') from exercise_comments where deleted_at is null")
        == "secret"
    )
    assert await tables.fetchval("select count(*) from comment_ledger") == 1
    assert await tables.fetchval("select count(*) from topic_events") == 1
    assert await tables.fetchval("select coalesce(sum(position), 0) from user_streams") == streams
    assert await tables.fetchval("select count(*) from user_streams where window_count > 0") == 1


async def test_an_exercise_of_another_member_is_as_one_that_is_not_there(
    gym: Place, http: ClientSession, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    known = await coach.said("secret")
    caller, one = Caller(http, gym.member2), await phone(gym.member2)
    answers = await codes(caller, one, exercise, known)
    nowhere = Exercise(gym.organization_id, exercise.workout_id, UNKNOWN)
    assert answers == await codes(caller, one, nowhere, UNKNOWN)
    assert set(answers.values()) <= {"not_found", "forbidden"}
    assert {code for what, code in answers.items() if what != "topic"} == {"not_found"}
    await untouched(database, 0)


@pytest.mark.parametrize("who", ["owner", "coach", "member"])
async def test_to_another_gym_the_organization_itself_is_forbidden(
    gym: Place,
    other_gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    database: Tables,
    who: str,
) -> None:
    known = await coach.said("secret")
    stranger: Someone = getattr(other_gym, who)
    caller, one = Caller(http, stranger), await phone(stranger)
    answers = await codes(caller, one, exercise, known)
    nowhere = Exercise(UNKNOWN, UNKNOWN, UNKNOWN)
    assert answers == await codes(caller, one, nowhere, UNKNOWN)
    assert {code for what, code in answers.items() if what != "topic"} == {"forbidden"}
    await untouched(database, 0)


async def test_ids_of_another_gym_are_not_found_in_ones_own(
    gym: Place,
    other_gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    database: Tables,
) -> None:
    known = await coach.said("secret")
    for stranger in (other_gym.owner, other_gym.member):
        caller, one = Caller(http, stranger), await phone(stranger)
        here = Exercise(other_gym.organization_id, exercise.workout_id, exercise.id)
        answers = await codes(caller, one, here, known)
        assert {code for what, code in answers.items() if what != "topic"} == {"not_found"}
    await untouched(database, 0)


async def test_who_belongs_to_two_gyms_does_not_carry_ids_from_one_to_the_other(
    gym: Place,
    other_gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    database: Tables,
) -> None:
    known = await coach.said("secret")
    there = await join(database, gym.coach, other_gym, "owner")
    elsewhere = await add_exercise(database, other_gym)
    caller, one = Caller(http, there), await phone(there)
    for crossed in (
        Exercise(other_gym.organization_id, exercise.workout_id, exercise.id),
        Exercise(other_gym.organization_id, elsewhere.workout_id, exercise.id),
    ):
        answers = await codes(caller, one, crossed, known)
        assert {code for what, code in answers.items() if what != "topic"} == {"not_found"}
    for fields in (
        elsewhere.fields("x", known),
        elsewhere.fields() | {"organizationId": gym.organization_id},
        exercise.fields() | {"organizationId": other_gym.organization_id},
    ):
        assert (await one.ask("comment.create", **fields))["error"]["code"] == "not_found"
    await untouched(database, 0)


@pytest.mark.parametrize("status", ["suspended", "cancelled", "invited"])
async def test_who_is_not_active_is_forbidden(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    member: Talker,
    database: Tables,
    status: str,
) -> None:
    known = await coach.said("secret")
    await set_status(database, gym.member, status)
    answers = await codes(Caller(http, gym.member), await phone(gym.member), exercise, known)
    assert {code for what, code in answers.items() if what != "topic"} == {"forbidden"}
    assert answers["topic"] in ("forbidden", "not_found")
    await untouched(database, 0)


async def test_a_retry_without_an_active_membership_is_forbidden(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker, database: Tables
) -> None:
    fields = exercise.fields()
    one = await phone(gym.member)
    await one.ask("comment.create", **fields)
    await set_status(database, gym.member, "suspended")
    assert (await one.ask("comment.create", **fields))["error"]["code"] == "forbidden"
    again = await member.post(exercise.path, {"id": fields["id"], "body": fields["body"]})
    assert again.code == "forbidden"


async def test_an_exercise_id_in_the_place_of_a_comment_is_nothing(coach: Talker, exercise: Exercise) -> None:
    for id_ in (exercise.id, exercise.workout_id, exercise.organization_id):
        assert (await coach.deleted(id_)).code == "not_found"
        assert (await coach.comment("x", id_)).code == "not_found"
