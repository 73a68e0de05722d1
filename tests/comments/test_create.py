"""Commenting: through both doors, once, in order, as deep as the contract allows."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, is_wire_time
from ..server.conftest import OpenPhone
from ..server.platform import Tables
from .conftest import UNKNOWN, Exercise, Talker


async def stored(tables: Tables) -> int:
    return int(await tables.fetchval("select count(*) from exercise_comments"))


async def test_a_comment_is_stored_and_shown_to_whoever_may_see_the_exercise(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker
) -> None:
    coach = await phone(gym.coach)
    fields = exercise.fields("deeper")
    answer = await coach.ask("comment.create", **fields)
    created_at = answer["data"]["createdAt"]
    assert is_wire_time(created_at)
    assert answer == {
        "type": "ok",
        "ref": answer["ref"],
        "data": {"id": fields["id"], "createdAt": created_at},
    }
    assert (await member.get(exercise.path)).data == {
        "items": [
            {
                "id": fields["id"],
                "organizationId": gym.organization_id,
                "workoutMovementId": exercise.id,
                "authorMembershipId": gym.coach.membership_id,
                "authorName": gym.coach.name,
                "body": "deeper",
                "parentCommentId": None,
                "createdAt": created_at,
                "updatedAt": created_at,
                "deletedAt": None,
                "erased": False,
            }
        ],
        "nextCursor": None,
    }


async def test_over_rest_the_whole_comment_is_answered(member: Talker, exercise: Exercise) -> None:
    root = await member.comment("like this?")
    assert root.status == 201
    reply = await member.comment("or this?", root.data["id"])
    assert (reply.status, reply.data["parentCommentId"]) == (201, root.data["id"])
    assert (await member.get(exercise.path)).data["items"] == [root.data, reply.data]


async def test_a_retry_is_the_same_comment_through_either_door(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    fields = exercise.fields("deeper")
    body = {"id": fields["id"], "body": "deeper"}
    first = await coach.post(exercise.path, body)
    again = await coach.post(exercise.path, body)
    assert (first.status, again.status, again.data) == (201, 200, first.data)
    one = await phone(gym.coach)
    answer = await one.ask("comment.create", **fields)
    assert answer["data"] == {"id": fields["id"], "createdAt": first.data["createdAt"], "duplicate": True}
    assert "position" not in answer
    assert await stored(database) == 1


async def test_an_id_that_is_taken_otherwise_is_a_conflict(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    known = await coach.said("deeper")
    for fields in ({"body": "other"}, {"body": "deeper", "parentCommentId": known}):
        assert (await coach.post(exercise.path, {"id": known} | fields)).code == "conflict"
    other = Talker(http, gym.coach2, exercise)
    assert (await other.post(exercise.path, {"id": known, "body": "deeper"})).code == "conflict"
    assert await stored(database) == 1


async def test_a_retry_is_answered_also_when_the_workout_was_taken_away_meanwhile(
    gym: Place, phone: OpenPhone, exercise: Exercise, member: Talker, database: Tables
) -> None:
    fields = exercise.fields("deeper")
    body = {"id": fields["id"], "body": "deeper"}
    first = await member.post(exercise.path, body)
    await database.execute("delete from workout_assignments where workout_id = $1", exercise.workout_id)
    again = await member.post(exercise.path, body)
    assert (again.status, again.data) == (200, first.data)
    one = await phone(gym.member)
    assert (await one.ask("comment.create", **fields))["data"]["duplicate"] is True
    assert (await member.comment("more")).code == "not_found"


async def test_an_edit_and_a_deletion_do_not_make_a_retry_another_comment(
    exercise: Exercise, coach: Talker
) -> None:
    body = {"id": str(uuid4()), "body": "deeper"}
    await coach.post(exercise.path, body)
    await coach.edited(body["id"], "higher")
    again = await coach.post(exercise.path, body)
    assert (again.status, again.data["body"]) == (200, "higher")
    await coach.deleted(body["id"])
    again = await coach.post(exercise.path, body)
    assert (again.status, again.data["body"]) == (200, None)


async def test_replies_go_four_levels_below_the_root(coach: Talker, member: Talker, database: Tables) -> None:
    parent = None
    for level in range(5):
        parent = await (coach, member)[level % 2].said(str(level), parent)
    refused = await coach.comment("5", parent)
    assert refused.code == "bad_request"
    assert [error["field"] for error in refused.body["errors"]] == ["parentCommentId"]
    assert await coach.bodies() == ["0", "1", "2", "3", "4"]
    assert await stored(database) == 5


async def test_a_whole_branch_in_one_frame_is_taken_in_its_order(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker
) -> None:
    one = await phone(gym.coach)
    fields = [exercise.fields("0")]
    parent = fields[0]["id"]
    for level in range(1, 6):
        fields.append(exercise.fields(str(level), parent))
        parent = fields[-1]["id"]
        fields.append(exercise.fields(f"beside {level}"))
    await one.say([{"type": "comment.create", "ref": place} | each for place, each in enumerate(fields)])
    answers = [await one.answer(place) for place in range(len(fields))]
    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert codes == [None] * 9 + ["bad_request", None]
    times = [answer["data"]["createdAt"] for answer in answers if answer["type"] == "ok"]
    assert times == sorted(set(times))
    assert await coach.bodies() == [each["body"] for each in fields if each["body"] != "5"]


async def test_one_answers_on_the_same_exercise_only(
    gym: Place, http: ClientSession, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    other = str(uuid4())
    await database.execute(
        "insert into workout_movements (id, workout_id, name) values ($1, $2, 'Lunge')",
        other,
        exercise.workout_id,
    )
    there = Talker(http, gym.coach, Exercise(exercise.organization_id, exercise.workout_id, other))
    said = await there.said("knees!")
    for parent in (said, UNKNOWN):
        assert (await coach.comment("yes", parent)).code == "not_found"
    assert await stored(database) == 1


async def test_what_was_deleted_is_not_answered(coach: Talker, member: Talker) -> None:
    """Its living replies are."""
    root = await coach.said("root")
    reply = await member.said("reply", root)
    await coach.deleted(root)
    assert (await member.comment("late", root)).code == "gone"
    assert (await member.comment("still", reply)).status == 201
    assert await coach.bodies() == [None, "reply", "still"]


async def test_an_exercise_of_another_workout_is_not_found_below_this_one(
    gym: Place, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    workout = await database.fetchval(
        "insert into workouts (organization_id, title) values ($1, 'Arms') returning id", gym.organization_id
    )
    wrong = f"workouts/{workout}/movements/{exercise.id}/comments"
    known = await coach.said()
    assert (await coach.get(wrong)).code == "not_found"
    assert (await coach.post(wrong, {"body": "here?"})).code == "not_found"
    assert (await coach.patch(f"{wrong}/{known}", {"body": "here?"})).code == "not_found"
    assert (await coach.delete(f"{wrong}/{known}")).code == "not_found"
    assert await coach.bodies() == ["well done"]


@pytest.mark.parametrize("body", ["", " \n\t", "x" * 5001, "a\0b", None, 7])
async def test_a_body_that_is_none_is_refused(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables, body: object
) -> None:
    refused = await coach.post(exercise.path, {"body": body})
    assert (refused.code, [error["field"] for error in refused.body["errors"]]) == ("bad_request", ["body"])
    known = await coach.said()
    assert (await coach.patch(f"{exercise.path}/{known}", {"body": body})).code == "bad_request"
    one = await phone(gym.coach)
    for kind, fields in (
        ("comment.create", exercise.fields() | {"body": body}),
        ("comment.edit", {"organizationId": gym.organization_id, "id": known, "body": body}),
    ):
        assert (await one.ask(kind, **fields))["error"]["code"] == "bad_request"
    assert await coach.bodies() == ["well done"]


async def test_five_thousand_code_points_are_a_body(coach: Talker) -> None:
    body = "🏋" * 5000
    assert (await coach.comment(body)).data["body"] == body
    assert (await coach.comment("  spaces stay  ")).data["body"] == "  spaces stay  "


async def test_the_same_id_at_once_on_two_connections_is_one_comment(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker
) -> None:
    phones = [await phone(gym.coach), await phone(gym.coach)]
    fields = [exercise.fields(str(n)) for n in range(20)]
    frame = [{"type": "comment.create", "ref": n} | each for n, each in enumerate(fields)]
    await asyncio.gather(*(one.say(frame) for one in phones))
    for n in range(20):
        pair = [(await one.answer(n))["data"] for one in phones]
        assert sorted("duplicate" in data for data in pair) == [False, True]
        assert pair[0]["createdAt"] == pair[1]["createdAt"]
    assert await coach.bodies() == [str(n) for n in range(20)]


async def test_the_same_id_at_once_by_two_people_is_one_of_theirs(
    gym: Place, phone: OpenPhone, exercise: Exercise, database: Tables
) -> None:
    phones = [await phone(gym.coach), await phone(gym.member)]
    for _ in range(20):
        fields = exercise.fields()
        answers = await asyncio.gather(*(one.ask("comment.create", **fields) for one in phones))
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
        [refused] = [answer["error"]["code"] for answer in answers if answer["type"] == "error"]
        assert refused == "conflict"
    assert await stored(database) == 20
