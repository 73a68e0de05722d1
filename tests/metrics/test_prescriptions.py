"""What an assigned workout asks of its member: loads in percent are worked out from what the caller may see."""

from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..server.platform import Tables, assign
from .conftest import UNKNOWN, Trainer


async def prescribe(database: Tables, assignment: str, **movements: Any) -> None:
    """Exercises of the assigned workout: name and prescription."""
    await database.executemany(
        "insert into workout_movements (workout_id, name, sort_order, prescription)"
        " select workout_id, $2, $3, $4::jsonb from workout_assignments where id = $1",
        [
            (assignment, name.replace("_", " "), place, orjson.dumps(told).decode())
            for place, (name, told) in enumerate(movements.items())
        ],
    )


async def loads(caller: Trainer, assignment: str) -> list[tuple[str, str, str] | None]:
    answer = (await caller.get(f"workout-assignments/{assignment}/prescription")).data
    found = [movement["load"] for movement in answer["movements"]]
    return [load and (load["percent"], load["load"], load["unit"]) for load in found]


async def test_loads_in_percent_are_worked_out_from_the_newest_value(
    gym: Place, http: ClientSession, database: Tables, squat: str, bench: str
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    await prescribe(
        database,
        assignment,
        Back_squat={"sets": 3, "percent_1rm": 82.5},
        Bench_press={"load": {"type": "percent_1rm", "value": 70}},
        Pause_squat={"percent_1rm": 60, "metric": "back_squat_1rm"},
        Box_squat={"percent_1rm": 50, "metric": squat},
        Deadlift={"percent_1rm": 80},
        Plank={"seconds": 60},
    )
    coach = Trainer(http, gym.coach)
    assert await loads(coach, assignment) == [None] * 6
    value = (await coach.record(gym.member, squat, "225", unit="lb", recordedAt="2026-02-02T00:00:00Z")).data
    await coach.recorded(gym.member, bench, "80")
    worked_out = [
        ("82.5", "84.1981", "kg"),  # 82.5 % of 102.0583
        ("70", "56", "kg"),
        ("60", "61.235", "kg"),  # 61.23498
        ("50", "51.0292", "kg"),  # 51.02915: half up
        None,
        None,
    ]
    for who in (gym.coach, gym.member):
        assert await loads(Trainer(http, who), assignment) == worked_out
    answer = (await coach.get(f"workout-assignments/{assignment}/prescription")).data
    first = answer["movements"][0]
    assert (answer["workoutAssignmentId"], answer["membershipId"]) == (assignment, gym.member.membership_id)
    assert (first["name"], first["sortOrder"]) == ("Back squat", 0)
    assert first["prescription"] == {"sets": 3, "percent_1rm": 82.5}
    assert first["load"]["value"] == value | {"value": "102.0583", "unit": "kg"}


@pytest.mark.parametrize("percent", ["80", None, -5, 1001, [80], {"value": 80}, True])
async def test_what_is_no_percentage_asks_for_no_load(
    gym: Place, http: ClientSession, database: Tables, squat: str, percent: Any
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    await prescribe(database, assignment, Back_squat={"percent_1rm": percent})
    coach = Trainer(http, gym.coach)
    await coach.recorded(gym.member, squat)
    assert await loads(coach, assignment) == [None]


async def test_who_may_see_what_is_prescribed(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    async def status(who: Someone, assignment: str) -> int:
        path = f"/v1/organizations/{gym.organization_id}/workout-assignments/{assignment}/prescription"
        return (await Trainer(http, who).get(path)).status

    assignment = await assign(database, gym.member, gym.coach)
    draft = await assign(database, gym.member, gym.coach, published=False)
    assert [await status(who, assignment) for who in (gym.coach, gym.owner, gym.member)] == [200] * 3
    assert [await status(who, draft) for who in (gym.coach, gym.owner, gym.member)] == [200, 200, 404]
    assert await status(gym.member2, assignment) == 404
    assert await status(gym.coach, UNKNOWN) == 404
    assert await status(other_gym.coach, assignment) == 403


async def test_a_load_comes_from_no_value_that_the_caller_may_not_see(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    assignment = await assign(database, abroad, other_gym.coach)
    await prescribe(database, assignment, Back_squat={"percent_1rm": 50})
    await Trainer(http, gym.coach).recorded(gym.member, squat, "100")
    staff, member = Trainer(http, other_gym.coach), Trainer(http, abroad)
    assert await loads(staff, assignment) == [None]
    assert await loads(member, assignment) == [("50", "50", "kg")]
    await member.grant(other_gym)
    assert await loads(staff, assignment) == [("50", "50", "kg")]
