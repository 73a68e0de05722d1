"""Comments said otherwise, taken back, and removed by those who keep order."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from ..gym import Place, is_wire_time
from ..server.conftest import OpenPhone
from ..server.platform import Tables, set_status
from .conftest import UNKNOWN, Exercise, Talker


async def test_an_author_says_it_otherwise(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker
) -> None:
    first = (await member.comment("like this?")).data
    changed = (await member.edited(first["id"], "or this?")).data
    assert changed == first | {"body": "or this?", "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > first["updatedAt"]
    one = await phone(gym.member)
    fields = {"organizationId": gym.organization_id, "id": first["id"], "body": "or that?"}
    answer = await one.ask("comment.edit", **fields)
    updated_at = answer["data"]["updatedAt"]
    assert is_wire_time(updated_at)
    assert answer == {
        "type": "ok",
        "ref": answer["ref"],
        "data": {"id": first["id"], "updatedAt": updated_at},
    }
    assert updated_at > changed["updatedAt"]
    assert (await one.ask("comment.edit", **fields))["data"]["updatedAt"] == updated_at  # nothing new
    assert await member.bodies() == ["or that?"]


async def test_an_author_takes_it_back_once(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker
) -> None:
    said = await member.said("like this?")
    taken = (await member.deleted(said)).data
    assert (taken.keys(), taken["id"], is_wire_time(taken["deletedAt"])) == ({"id", "deletedAt"}, said, True)
    assert (await member.deleted(said)).data == taken
    one = await phone(gym.member)
    answer = await one.ask("comment.delete", organizationId=gym.organization_id, id=said)
    assert answer == {"type": "ok", "ref": answer["ref"], "data": taken}
    assert (await member.edited(said, "after all")).code == "gone"
    assert await member.bodies() == []


@pytest.mark.parametrize(
    ("who", "may_edit", "may_delete"),
    [
        ("owner", "forbidden", None),
        ("admin", "forbidden", None),
        ("coach2", "forbidden", "forbidden"),
        ("member", "forbidden", "forbidden"),
        ("member2", "not_found", "not_found"),
    ],
)
async def test_others_may_not_change_it_but_owner_and_admin_remove_it(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    exercise: Exercise,
    coach: Talker,
    who: str,
    may_edit: str,
    may_delete: str | None,
) -> None:
    said = await coach.said("deeper")
    other, one = Talker(http, getattr(gym, who), exercise), await phone(getattr(gym, who))
    where = {"organizationId": gym.organization_id, "id": said}
    assert (await other.edited(said, "mine")).code == may_edit
    assert (await one.ask("comment.edit", **where, body="mine"))["error"]["code"] == may_edit
    assert await coach.bodies() == ["deeper"]
    if may_delete is None:
        taken = (await one.ask("comment.delete", **where))["data"]
        assert (await other.deleted(said)).data == taken
        assert await coach.bodies() == []
    else:
        assert (await other.deleted(said)).code == may_delete
        assert (await one.ask("comment.delete", **where))["error"]["code"] == may_delete
        assert await coach.bodies() == ["deeper"]


async def test_what_is_not_there_is_not_found(gym: Place, phone: OpenPhone, coach: Talker) -> None:
    assert (await coach.edited(UNKNOWN, "x")).code == "not_found"
    assert (await coach.deleted(UNKNOWN)).code == "not_found"
    one = await phone(gym.coach)
    where = {"organizationId": gym.organization_id, "id": UNKNOWN}
    for kind, fields in (("comment.edit", where | {"body": "x"}), ("comment.delete", where)):
        assert (await one.ask(kind, **fields))["error"]["code"] == "not_found"


async def test_ones_own_comments_stay_as_they_are_once_the_exercise_is_not_for_ones_eyes(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    said = await member.said("mine")
    one = await phone(gym.member)
    where = {"organizationId": gym.organization_id, "id": said}

    async def codes() -> list[Any]:
        answers = [await one.ask("comment.edit", **where, body="x"), await one.ask("comment.delete", **where)]
        return [answer.get("error", {}).get("code") for answer in answers]

    await database.execute(
        "update workout_assignments set published = false where workout_id = $1", exercise.workout_id
    )
    assert await codes() == ["not_found", "not_found"]
    assert [(await member.edited(said, "x")).code, (await member.deleted(said)).code] == ["not_found"] * 2
    await database.execute(
        "update workout_assignments set published = true where workout_id = $1", exercise.workout_id
    )
    await set_status(database, gym.member, "suspended")
    assert await codes() == ["forbidden", "forbidden"]
    await set_status(database, gym.member, "active")
    await database.execute("update workouts set deleted_at = now() where id = $1", exercise.workout_id)
    assert await codes() == ["not_found", "not_found"]
    assert [(await coach.edited(said, "x")).code, (await coach.deleted(said)).code] == ["not_found"] * 2
    assert await database.fetchval("select body from exercise_comments") == "mine"


async def test_retries_at_once_make_one_change(
    gym: Place, phone: OpenPhone, coach: Talker, database: Tables
) -> None:
    phones = [await phone(gym.coach), await phone(gym.coach)]
    said = await coach.said("deeper")
    where = {"organizationId": gym.organization_id, "id": said}
    for kind, fields, time in (
        ("comment.edit", where | {"body": "higher"}, "updatedAt"),
        ("comment.delete", where, "deletedAt"),
    ):
        for one in phones:
            await one.say({"type": kind, "ref": kind} | fields)
        answers = [await one.answer(kind) for one in phones]
        assert len({answer["data"][time] for answer in answers}) == 1
    kinds = [
        row["kind"] for row in await database.fetch("select kind::text from topic_events order by position")
    ]
    assert kinds == ["comment.created", "comment.edited", "comment.deleted"]


async def test_what_others_removed_is_written_down_once_and_ones_own_is_not(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, member: Talker, database: Tables
) -> None:
    own, removed = await member.said("mine"), await member.said("rude")
    owner = Talker(http, gym.owner, exercise)
    await member.deleted(own)
    for _ in range(2):
        await owner.deleted(removed)
    await coach.deleted(removed)  # refused
    row = await database.fetchrow(
        "select organization_id::text, actor_id::text, action, subject_user_id::text, subject_id::text, details"
        " from audit"
    )
    assert row is not None
    assert tuple(row)[:5] == (
        gym.organization_id,
        gym.owner.user_id,
        "comment.deleted",
        gym.member.user_id,
        removed,
    )
    assert json.loads(row["details"]) == {"workoutMovementId": exercise.id}
    assert await database.fetchval("select count(*) from audit") == 1
