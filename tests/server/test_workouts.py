"""Workouts over REST: who is to do what, and what a workout is made of."""

from typing import Any

from aiohttp import ClientSession

from ..gym import Place
from .caller import Caller
from .platform import Tables, assign

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_assignments_are_the_members_own_and_everybodys_for_staff(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute("delete from workout_assignments")
    ids = [await assign(database, gym.member, gym.coach) for _ in range(3)]
    draft = await assign(database, gym.member, gym.coach, published=False)
    other = await assign(database, gym.member2, gym.coach)
    for day, id_ in enumerate(ids, 10):
        await database.execute(f"update workout_assignments set date = '2026-02-{day}' where id = '{id_}'")  # noqa: S608 - ids of our own
    member, coach = Caller(http, gym.member), Caller(http, gym.coach)

    async def listed(caller: Caller, **query: Any) -> list[str]:
        found = []
        while True:
            page = (await caller.get("workout-assignments", limit=2, **query)).data
            found += [item["workoutAssignmentId"] for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    assert await listed(member) == ids[::-1]
    assert await listed(member, memberId=gym.member.membership_id) == ids[::-1]
    assert sorted(await listed(coach)) == sorted([*ids, draft, other])
    assert await listed(coach, memberId=gym.member2.membership_id) == [other]
    days = {"from": "2026-02-11", "to": "2026-02-12"}
    assert await listed(coach, **days) == [ids[2], ids[1]]
    assert (await member.get("workout-assignments", memberId=gym.member2.membership_id)).code == "not_found"
    assert (await coach.get("workout-assignments", memberId=UNKNOWN)).code == "not_found"
    bad = await coach.get("workout-assignments", **{"from": "yesterday"})
    assert [error["field"] for error in bad.body["errors"]] == ["from"]
    (one,) = (await coach.get("workout-assignments", memberId=gym.member2.membership_id)).data["items"]
    assert one == {
        "workoutAssignmentId": other,
        "membershipId": gym.member2.membership_id,
        "workoutId": one["workoutId"],
        "title": "Legs",
        "kind": "workout",
        "date": "2026-03-01",
        "status": "assigned",
        "published": True,
    }


async def test_a_workout_is_there_for_staff_and_for_whom_it_is_assigned_to(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    workout = str(
        await database.fetchval("select workout_id from workout_assignments where id = $1", assignment)
    )
    await database.execute(
        "insert into workout_movements (workout_id, name, sort_order, prescription)"
        " values ($1, 'Row', 2, null), ($1, 'Squat', 1, '{\"sets\": 3}')",
        workout,
    )
    ids = await database.fetch(
        "select id::text from workout_movements where workout_id = $1 order by sort_order", workout
    )
    for who in (gym.member, gym.coach2):
        assert (await Caller(http, who).get(f"workouts/{workout}")).data == {
            "id": workout,
            "title": "Legs",
            "movements": [
                {"id": ids[0]["id"], "name": "Squat", "sortOrder": 1, "prescription": {"sets": 3}},
                {"id": ids[1]["id"], "name": "Row", "sortOrder": 2, "prescription": None},
            ],
        }
    for who in (gym.member2, other_gym.coach):
        assert (await Caller(http, who).get(f"workouts/{workout}")).code == "not_found"
    await database.execute("update workout_assignments set published = false where id = $1", assignment)
    assert (await Caller(http, gym.member).get(f"workouts/{workout}")).code == "not_found"
    assert (await Caller(http, gym.coach).get(f"workouts/{UNKNOWN}")).code == "not_found"


async def test_what_was_forked_for_a_member_leaves_them_the_workout_that_it_was_forked_from(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    original = await database.fetchval("select workout_id from workout_assignments where id = $1", assignment)
    snapshot = await database.fetchval("select workout_id from fork_workout($1)", original)
    await database.execute(
        "update workout_assignments set snapshot_workout_id = $2 where id = $1", assignment, snapshot
    )
    member = Caller(http, gym.member)
    for workout in (str(snapshot), str(original)):
        assert (await member.get(f"workouts/{workout}")).data["id"] == workout
        assert (await Caller(http, gym.member2).get(f"workouts/{workout}")).code == "not_found"
    listed = (await member.get("workout-assignments")).data["items"]
    assert [one["workoutId"] for one in listed if one["workoutAssignmentId"] == assignment] == [str(snapshot)]
