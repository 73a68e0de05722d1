"""Recording values: who may, once, all or none; and reading them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire_protocol.times import wire_time

from ..gym import Place, Someone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, set_status
from .conftest import UNKNOWN, Trainer

AT = "2026-02-01T09:30:00.000000Z"


async def test_a_coach_records_a_value_and_both_read_it(gym: Place, http: ClientSession, squat: str) -> None:
    coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
    told = {"id": str(uuid4()), "definitionId": squat, "value": "0102.50", "unit": "kg", "recordedAt": AT}
    answer = await coach.post(f"members/{gym.member.membership_id}/metrics", told | {"source": "coach_input"})
    value = told | {"value": "102.5", "membershipId": gym.member.membership_id, "source": "coach_input"}
    assert (answer.status, answer.data) == (201, value)
    for caller in (coach, member):
        page = (await caller.get(f"members/{gym.member.membership_id}/metrics")).data
        assert page == {"items": [value], "nextCursor": None}


async def test_without_a_time_a_value_was_recorded_now(gym: Place, http: ClientSession, squat: str) -> None:
    value = (await Trainer(http, gym.member).record(gym.member, squat)).data
    age = datetime.now(UTC) - datetime.fromisoformat(value["recordedAt"])
    assert abs(age) < timedelta(minutes=1)
    assert value["source"] is None


async def test_a_value_is_recorded_once_and_its_id_is_taken_for_ever(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach = Trainer(http, gym.coach)
    same = {"id": str(uuid4()), "recordedAt": AT}
    first = await coach.record(gym.member, squat, "100", **same)
    assert (first.status, (await coach.record(gym.member, squat, "100", **same)).status) == (201, 200)
    assert (await coach.record(gym.member, squat, "100.0", **same)).data == first.data
    for other in ({"value": "101"}, {"unit": "lb"}, {"recordedAt": None}, {"source": "x"}):
        assert (await coach.record(gym.member, squat, **({"value": "100"} | same | other))).code == "conflict"
    assert (await coach.record(gym.member2, squat, **same)).code == "conflict"
    assert (await Trainer(http, gym.coach2).record(gym.member, squat, **same)).code == "conflict"
    await set_status(database, gym.member, "suspended")
    assert (
        await coach.record(gym.member, squat, **same)
    ).status == 200  # the answer was lost: it is told again
    await database.execute("delete from member_metrics")
    assert (await coach.record(gym.member, squat, **same)).code == "gone"


async def test_an_id_that_the_platform_gave_a_value_is_taken(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    id_ = str(uuid4())
    await database.execute(
        "insert into member_metrics (id, member_id, definition_id, value, unit) values ($1, $2, $3, 100, 'kg')",
        id_,
        gym.member2.user_id,
        squat,
    )
    for who, of in ((gym.coach, gym.member), (gym.member2, gym.member2)):
        assert (await Trainer(http, who).record(of, squat, id=id_)).code == "conflict"
    assert await database.fetchval("select count(*) from metric_origins") == 0


async def test_many_are_recorded_together_or_none(
    gym: Place, http: ClientSession, database: Tables, squat: str, bench: str
) -> None:
    coach, path = Trainer(http, gym.coach), f"members/{gym.member.membership_id}/metrics"
    values = [
        {"id": str(uuid4()), "definitionId": definition, "value": f"{n}", "unit": "kg", "recordedAt": AT}
        for n, definition in enumerate((squat, bench, squat), 1)
    ]
    bad = await coach.post(path, {"values": [*values, values[0] | {"id": str(uuid4()), "unit": "seconds"}]})
    assert (bad.code, [error["field"] for error in bad.body["errors"]]) == ("bad_request", ["values.3.unit"])
    assert await database.fetchval("select count(*) from member_metrics") == 0
    answer = await coach.post(path, {"values": values[:2]})
    assert (answer.status, [value["value"] for value in answer.data["values"]]) == (201, ["1", "2"])
    answer = await coach.post(path, {"values": values})  # two of them for the second time
    assert (answer.status, [value["id"] for value in answer.data["values"]]) == (
        201,
        [v["id"] for v in values],
    )
    assert (await coach.post(path, {"values": values})).status == 200
    assert await database.fetchval("select count(*) from member_metrics") == 3
    hundred = [values[0] | {"id": str(uuid4())} for _ in range(100)]
    assert (await coach.post(path, {"values": hundred})).status == 201
    assert (await coach.post(path, {"values": [*hundred, values[0]]})).code == "bad_request"
    assert (await coach.post(path, {"values": [values[0], values[0]]})).code == "bad_request"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"value": "NaN"}, "value"),
        ({"value": "Infinity"}, "value"),
        ({"value": "-Infinity"}, "value"),
        ({"value": "inf"}, "value"),
        ({"value": "-0"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": "1e3"}, "value"),
        ({"value": "123456789012345"}, "value"),
        ({"value": "1.00001"}, "value"),
        ({"value": "١٠٠"}, "value"),
        ({"value": "100\n"}, "value"),
        ({"value": 100}, "value"),
        ({"value": ""}, "value"),
        ({"unit": "seconds"}, "unit"),
        ({"unit": "stones"}, "unit"),
        ({"recordedAt": "yesterday"}, "recordedAt"),
        ({"recordedAt": wire_time(datetime.now(UTC) + timedelta(hours=1))}, "recordedAt"),
        ({"definitionId": "back_squat_1rm"}, "definitionId"),
        ({"source": "x" * 51}, "source"),
        ({"id": "mine"}, "id"),
        ({"values": []}, "values"),
    ],
)
async def test_what_is_no_value_is_refused(
    gym: Place, http: ClientSession, database: Tables, squat: str, wrong: dict[str, Any], field: str
) -> None:
    answer = await Trainer(http, gym.coach).record(gym.member, squat, **({"value": "1"} | wrong))
    assert (answer.code, [error["field"] for error in answer.body["errors"]]) == ("bad_request", [field])
    assert await database.fetchval("select count(*) from member_metrics") == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
async def test_a_number_that_is_none_is_no_json(
    gym: Place, http: ClientSession, database: Tables, squat: str, number: str
) -> None:
    path = f"/v1/organizations/{gym.organization_id}/members/{gym.member.membership_id}/metrics"
    body = f'{{"id": "{uuid4()}", "definitionId": "{squat}", "value": {number}, "unit": "kg"}}'
    headers = {"Authorization": f"Bearer {gym.coach.token}", "Content-Type": "application/json"}
    async with http.post(path, data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
    assert await database.fetchval("select count(*) from member_metrics") == 0


async def test_a_clock_may_be_five_minutes_ahead_and_no_more(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    async def code(seconds: int) -> int:
        ahead = await database.fetchval("select clock_timestamp() + make_interval(secs => $1)", seconds)
        return (await Trainer(http, gym.coach).record(gym.member, squat, recordedAt=wire_time(ahead))).status

    assert (await code(299), await code(330)) == (201, 400)


async def test_who_may_record(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    async def code(who: Someone, of: Someone) -> str:
        path = f"/v1/organizations/{gym.organization_id}/members/{of.membership_id}/metrics"
        told = {"id": str(uuid4()), "definitionId": squat, "value": "1", "unit": "kg"}
        answer = await Trainer(http, who).post(path, told)
        return "ok" if answer.status == 201 else answer.code

    for staff in (gym.owner, gym.admin, gym.coach):
        assert await code(staff, gym.member) == "ok"
    assert await code(gym.member, gym.member) == "ok"
    assert await code(gym.coach, gym.coach) == "ok"
    assert await code(gym.member, gym.member2) == "not_found"
    assert await code(gym.member, gym.coach) == "not_found"
    assert await code(gym.coach, other_gym.member) == "not_found"
    assert await code(other_gym.coach, gym.member) == "forbidden"
    assert (await Trainer(http, gym.coach).values_of(other_gym.member)).code == "not_found"
    assert (await Trainer(http, gym.coach).record(gym.member, UNKNOWN)).code == "not_found"
    await set_status(database, gym.member, "cancelled")
    assert await code(gym.coach, gym.member) == "gone"
    assert await code(gym.member, gym.member) == "forbidden"


async def test_history_is_read_by_definition_and_time_in_pages(
    gym: Place, http: ClientSession, squat: str, bench: str
) -> None:
    coach = Trainer(http, gym.coach)
    for day in range(1, 6):
        at = {"recordedAt": f"2026-02-0{day}T12:00:00.000000Z"}
        await coach.recorded(gym.member, squat, f"{day}", **at)
        await coach.recorded(gym.member, bench, f"{day}0", **at)
    assert await coach.values(gym.member, definitionId=squat) == ["5", "4", "3", "2", "1"]
    everything = await coach.values(gym.member)
    assert [float(value) % 10 or float(value) / 10 for value in everything] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    days = {"from": "2026-02-02", "to": "2026-02-03"}
    assert await coach.values(gym.member, definitionId=bench, **days) == ["30", "20"]
    times = {"from": "2026-02-02T12:00:00Z", "to": "2026-02-03T11:59:59Z"}
    assert await coach.values(gym.member, definitionId=bench, **times) == ["20"]
    assert await coach.values(gym.member, definitionId=UNKNOWN) == []
    for wrong in ("yesterday", "2026-02-31", "2026-02-01T25:00:00Z"):
        bad = await coach.get(f"members/{gym.member.membership_id}/metrics", **{"from": wrong})
        assert [error["field"] for error in bad.body["errors"]] == ["from"]
    assert (
        await Trainer(http, gym.member).get(f"members/{gym.member2.membership_id}/metrics")
    ).code == "not_found"


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_a_history_of_everything_is_whole_and_in_order_whatever_the_page(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, limit: int
) -> None:
    await database.execute(
        "with v as (insert into member_metrics (id, member_id, definition_id, value, unit, recorded_at)"
        "  select gen_random_uuid(), $1, d.id, n, d.unit,"
        "    now() - interval '1 hour' * case when d.nth = 1 then n else floor(random() * 30) end"  # many at once
        "  from (select *, row_number() over (order by slug) as nth from metric_definitions) d"
        "  cross join generate_series(1, 40) n where d.nth < 9 and n < 45 - 5 * d.nth returning id)"
        " insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
        " select id, $1, case when random() < 0.5 then $2::uuid else $3 end, $1, now() from v",
        gym.member.user_id,
        gym.organization_id,
        other_gym.organization_id,
    )
    there = "select v.id::text from member_metrics v join metric_origins o on o.value_id = v.id"
    order = " order by v.recorded_at desc, v.id desc"
    for who, which in ((gym.member, ""), (gym.coach, f" where o.organization_id = '{gym.organization_id}'")):
        wanted = [row[0] for row in await database.fetch(there + which + order)]
        found: list[str] = []
        query: dict[str, Any] = {"limit": limit}
        while len(found) < 40 * limit:
            path = f"members/{gym.member.membership_id}/metrics"
            page = (await Trainer(http, who).get(path, **query)).data
            found += [item["id"] for item in page["items"]]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        assert found == wanted[: len(found)]
        assert len(found) == min(len(wanted), 40 * limit)


async def test_the_member_hears_of_it_and_hears_it_again(
    gym: Place, http: ClientSession, phone: OpenPhone, squat: str
) -> None:
    coach, member = Trainer(http, gym.coach), await phone(gym.member)
    value = (await coach.record(gym.member, squat)).data
    event = await member.event("metric.recorded")
    assert (event["organizationId"], event["data"]) == (gym.organization_id, value)
    await member.leave()
    second = (await coach.record(gym.member, squat, "105.25")).data
    await member.connect()
    assert (await member.event("metric.recorded"))["data"] == second


async def test_a_value_that_is_gone_is_not_told_again(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables, squat: str
) -> None:
    member = await phone(gym.member)
    await member.leave()
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    await database.execute("delete from member_metrics")
    await member.connect()
    assert member.events == []
