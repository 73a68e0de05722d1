"""Grants: given, changed, listed and withdrawn by the person alone; in effect from and until."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from coachwire_protocol.times import wire_time

from ..gym import Place, Someone
from ..server.platform import Tables, assign, set_status
from .conftest import UNKNOWN, Trainer

GRANTS = "/v1/me/metric-grants"


def hours(count: float) -> str:
    return wire_time(datetime.now(UTC) + timedelta(hours=count))


async def test_a_grant_is_given_changed_listed_and_withdrawn(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, squat: str
) -> None:
    member = Trainer(http, gym.member)
    all_of_it = {
        "organizationId": other_gym.organization_id,
        "definitionId": None,
        "from": None,
        "until": None,
    }
    assert (await member.grant(other_gym)).data == all_of_it
    first = {"from": "2026-01-01T00:00:00.000000Z", "until": "2999-01-01T00:00:00.500000Z"}
    one = all_of_it | first | {"definitionId": squat}
    assert (await member.grant(other_gym, definitionId=squat, **first)).data == one
    longer = {"from": None, "until": "2999-06-01T00:00:00.000000Z"}
    assert (await member.grant(other_gym, **longer)).data == all_of_it | longer
    page = (await member.get(GRANTS, limit=1)).data
    assert page["items"] == [one]
    assert (await member.get(GRANTS, cursor=page["nextCursor"])).data == {
        "items": [all_of_it | longer],
        "nextCursor": None,
    }
    assert (await Trainer(http, gym.member2).get(GRANTS)).data["items"] == []
    assert (await member.withdraw(other_gym, definitionId=squat)).data == {}
    assert (await member.withdraw(other_gym, definitionId=squat)).code == "not_found"
    assert (await member.withdraw(other_gym)).data == {}
    assert (await member.get(GRANTS)).data["items"] == []


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"organizationId": UNKNOWN}, "forbidden", None),
        ({"organizationId": "there"}, "bad_request", "organizationId"),
        ({"definitionId": UNKNOWN}, "not_found", "definitionId"),
        ({"from": "soon"}, "bad_request", "from"),
        ({"until": "later"}, "bad_request", "until"),
        ({"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "bad_request", "until"),
        ({"from": "2026-01-02T00:00:00.5Z", "until": "2026-01-02T00:00:00Z"}, "bad_request", "until"),
    ],
)
async def test_what_is_no_grant_is_refused(
    gym: Place, http: ClientSession, wrong: dict[str, Any], code: str, field: str | None
) -> None:
    answer = await Trainer(http, gym.member).put(GRANTS, {"organizationId": gym.organization_id} | wrong)
    assert answer.code == code
    assert [error["field"] for error in answer.body.get("errors", ())] == ([field] if field else [])


async def test_a_grant_is_in_effect_from_and_until(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, squat: str
) -> None:
    member, staff = Trainer(http, gym.member), Trainer(http, other_gym.coach)
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    for times, seen in (
        ({}, True),
        ({"from": hours(1)}, False),
        ({"from": hours(-1)}, True),
        ({"until": hours(1)}, True),
        ({"until": hours(-1)}, False),
        ({"from": hours(-2), "until": hours(-1)}, False),
        ({"from": hours(-1), "until": hours(1)}, True),
    ):
        await member.grant(other_gym, **times)
        assert bool(await staff.values(abroad)) is seen, times


async def test_what_a_withdrawn_grant_showed_is_in_no_answer(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    member, staff = Trainer(http, gym.member), Trainer(http, other_gym.coach)
    set_id = await staff.make_set(squat, organizationId=other_gym.organization_id)
    assignment = await assign(database, abroad, other_gym.coach)
    await database.execute(
        "insert into workout_movements (workout_id, name, sort_order, prescription)"
        " select workout_id, 'Back squat', 0, '{\"percent_1rm\": 50}' from workout_assignments where id = $1",
        assignment,
    )
    await Trainer(http, gym.coach).recorded(gym.member, squat, "120")

    async def seen() -> list[str | None]:
        resolved = await staff.get(f"metric-sets/{set_id}/resolve", memberId=abroad.membership_id)
        prescribed = await staff.get(f"workout-assignments/{assignment}/prescription")
        value, load = resolved.data["items"][0]["value"], prescribed.data["movements"][0]["load"]
        return [*await staff.values(abroad), value and value["value"], load and load["load"]]

    await member.grant(other_gym)
    assert await seen() == ["120", "120", "60"]
    await member.withdraw(other_gym)
    assert await seen() == [None, None]


async def test_a_grant_ends_with_the_membership_and_can_be_withdrawn_afterwards(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    member, staff = Trainer(http, gym.member), Trainer(http, other_gym.coach)
    await Trainer(http, gym.coach).recorded(gym.member, squat, "1")
    await staff.recorded(abroad, squat, "2")
    await member.grant(other_gym)
    assert sorted(await staff.values(abroad)) == ["1", "2"]
    await set_status(database, abroad, "cancelled")
    assert await staff.values(abroad) == ["2"]
    assert (await member.grant(other_gym)).code == "forbidden"
    assert (await member.withdraw(other_gym)).data == {}


async def test_a_value_that_the_platform_wrote_is_its_persons_alone(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    await database.execute(
        "insert into member_metrics (id, member_id, definition_id, value, unit)"
        " values (gen_random_uuid(), $1, $2, 100, 'kg')",
        gym.member.user_id,
        squat,
    )
    assert await Trainer(http, gym.coach).values(gym.member) == []
    assert await Trainer(http, gym.member).values(gym.member) == ["100"]
    await Trainer(http, gym.member).grant(gym)
    assert await Trainer(http, gym.coach).values(gym.member) == ["100"]
