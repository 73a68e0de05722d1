"""Sets: whose they are, who may see and change them, which apply, and where a member stands in one."""

from typing import Any
from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, Someone
from ..server.platform import Tables, assign, set_status
from .conftest import UNKNOWN, Trainer


async def workout_of(database: Tables, assignment: str) -> str:
    found = await database.fetchval("select workout_id from workout_assignments where id = $1", assignment)
    return str(found)


async def test_a_set_is_made_changed_reordered_and_removed(
    gym: Place, http: ClientSession, squat: str, bench: str, run: str
) -> None:
    coach = Trainer(http, gym.coach)
    told = {
        "id": str(uuid4()),
        "name": "Strength",
        "owner": {"organizationId": gym.organization_id},
        "definitions": [squat, run, bench],
    }
    made = await coach.post("metric-sets", told)
    assert (made.status, made.data) == (201, told)
    assert (await coach.post("metric-sets", told)).code == "conflict"
    path = f"metric-sets/{told['id']}"
    for caller in (coach, Trainer(http, gym.member)):
        assert (await caller.get(path)).data == told
        assert (await caller.get("metric-sets")).data == {"items": [told], "nextCursor": None}
    assert (await coach.patch(path, {"definitions": [bench, squat]})).data == told | {
        "definitions": [bench, squat]
    }
    assert (await coach.patch(path, {"name": "Power"})).data["name"] == "Power"
    assert (await coach.patch(path, {})).data == told | {"name": "Power", "definitions": [bench, squat]}
    assert (await coach.delete(path)).data == {}
    assert [(await coach.call(method, path, {})).code for method in ("GET", "PATCH", "DELETE")] == [
        "not_found"
    ] * 3


async def test_what_is_no_set_is_refused_and_nothing_of_it_stays(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach = Trainer(http, gym.coach)
    right: dict[str, Any] = {
        "name": "x",
        "owner": {"organizationId": gym.organization_id},
        "definitions": [squat],
    }

    async def refused(**wrong: Any) -> tuple[str, list[str]]:
        answer = await coach.post("metric-sets", right | wrong)
        return answer.code, [error["field"] for error in answer.body.get("errors", ())]

    two = {"organizationId": gym.organization_id, "membershipId": gym.coach.membership_id}
    assert await refused(owner={}) == ("bad_request", ["owner"])
    assert await refused(owner=two) == ("bad_request", ["owner"])
    foreign = {"organizationId": other_gym.organization_id}
    assert await refused(owner=foreign) == ("bad_request", ["owner.organizationId"])
    assert await refused(owner={"workoutId": UNKNOWN}) == ("not_found", [])
    assert await refused(owner={"membershipId": other_gym.coach.membership_id}) == ("not_found", [])
    assert await refused(owner={"membershipId": gym.member.membership_id}) == ("forbidden", [])
    assert await refused(name=" ") == ("bad_request", ["name"])
    assert await refused(definitions=[]) == ("bad_request", ["definitions"])
    assert await refused(definitions=[squat, squat]) == ("bad_request", ["definitions"])
    assert await refused(definitions=[squat, UNKNOWN]) == ("not_found", ["definitions.1"])
    assert await database.fetchval("select count(*) from metric_sets") == 0
    set_id = await coach.make_set(squat, organizationId=gym.organization_id)
    bad = await coach.patch(f"metric-sets/{set_id}", {"name": "y", "definitions": [UNKNOWN]})
    assert bad.code == "not_found"
    assert (await coach.get(f"metric-sets/{set_id}")).data["name"] == "Strength"


async def test_who_may_write_and_who_may_see_whose_sets(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach, member, member2 = (Trainer(http, who) for who in (gym.coach, gym.member, gym.member2))
    outside = Trainer(http, other_gym.coach)
    workout = await workout_of(database, await assign(database, gym.member, gym.coach))
    draft = await workout_of(database, await assign(database, gym.member, gym.coach, published=False))
    sets = {
        "organization": await coach.make_set(squat, organizationId=gym.organization_id),
        "workout": await coach.make_set(squat, workoutId=workout),
        "draft": await coach.make_set(squat, workoutId=draft),
        "member": await member.make_set(squat, membershipId=gym.member.membership_id),
        "coach": await coach.make_set(squat, membershipId=gym.coach.membership_id),
    }

    async def right(caller: Trainer, name: str) -> str:
        path = f"/v1/organizations/{gym.organization_id}/metric-sets/{sets[name]}"
        if (found := await caller.get(path)).status != 200:
            assert (await caller.patch(path, {"name": "mine"})).code == found.code
            assert (await caller.delete(path)).code == found.code
            return found.code
        changed = await caller.patch(path, {"name": name})
        return "writes" if changed.status == 200 else f"reads, {changed.code} to write"

    reads = "reads, forbidden to write"
    assert [await right(coach, name) for name in sets] == ["writes", "writes", "writes", reads, "writes"]
    assert [await right(member, name) for name in sets] == [reads, reads, "not_found", "writes", "not_found"]
    assert [await right(member2, name) for name in sets] == [reads, *["not_found"] * 4]
    assert [await right(outside, name) for name in sets] == ["forbidden"] * 5
    assert [item["id"] for item in (await member2.get("metric-sets")).data["items"]] == [sets["organization"]]
    for owner in ({"organizationId": gym.organization_id}, {"workoutId": workout}):
        told = {"name": "x", "owner": owner, "definitions": [squat]}
        assert (await member.post("metric-sets", told)).code == "forbidden"
    hidden = {"name": "x", "owner": {"workoutId": draft}, "definitions": [squat]}
    assert (await member.post("metric-sets", hidden)).code == "not_found"


async def test_a_workouts_set_applies_before_the_members_and_that_before_the_organizations(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
    workout = await workout_of(database, await assign(database, gym.member, gym.coach))
    theirs = {"memberId": gym.member.membership_id}

    async def applied(caller: Trainer, **query: str) -> list[tuple[str, bool]]:
        found: list[tuple[str, bool]] = []
        while True:
            page = (await caller.get("metric-sets", limit=1, **query)).data
            found += [(item["id"], item["applies"]) for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    of_all = await coach.make_set(squat, organizationId=gym.organization_id)
    assert await applied(coach, **theirs) == [(of_all, True)]
    own = await member.make_set(squat, membershipId=gym.member.membership_id)
    assert await applied(coach, **theirs) == [(own, True), (of_all, False)]
    of_workout = await coach.make_set(squat, workoutId=workout)
    everything = [(of_workout, True), (own, False), (of_all, False)]
    assert await applied(coach, **theirs, workoutId=workout) == everything
    assert await applied(member, workoutId=workout) == everything
    assert await applied(coach, **theirs) == [(own, True), (of_all, False)]
    listed = (await member.get("metric-sets")).data["items"]
    assert [item["id"] for item in listed] == [of_workout, own, of_all]
    assert all("applies" not in item for item in listed)
    assert (await coach.get("metric-sets", memberId=UNKNOWN)).code == "not_found"
    assert (await coach.get("metric-sets", workoutId=UNKNOWN)).code == "not_found"
    assert (await member.get("metric-sets", memberId=gym.member2.membership_id)).code == "not_found"


async def test_a_set_is_resolved_in_order_in_the_units_of_its_definitions(
    gym: Place, http: ClientSession, database: Tables, squat: str, bench: str, run: str
) -> None:
    coach = Trainer(http, gym.coach)
    set_id = await coach.make_set(run, squat, bench, organizationId=gym.organization_id)
    await coach.recorded(gym.member, squat, "300", unit="lb", recordedAt="2026-02-01T00:00:00Z")
    newest = await coach.recorded(gym.member, squat, "225", unit="lb", recordedAt="2026-02-02T00:00:00Z")
    await coach.recorded(gym.member, run, "22.5", unit="minutes")
    answer = (await coach.get(f"metric-sets/{set_id}/resolve", memberId=gym.member.membership_id)).data
    assert (answer["setId"], answer["membershipId"]) == (set_id, gym.member.membership_id)
    assert [item["definitionId"] for item in answer["items"]] == [run, squat, bench]
    first, second, third = (item["value"] for item in answer["items"])
    assert (first["value"], first["unit"]) == ("1350", "seconds")
    assert second == {
        "id": newest,
        "membershipId": gym.member.membership_id,
        "definitionId": squat,
        "value": "102.0583",  # 225 × 0.45359237 = 102.05828325
        "unit": "kg",
        "recordedAt": "2026-02-02T00:00:00.000000Z",
        "source": None,
    }
    assert third is None


async def test_who_may_resolve(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
    set_id = await coach.make_set(squat, organizationId=gym.organization_id)
    foreign = await Trainer(http, other_gym.coach).make_set(squat, organizationId=other_gym.organization_id)
    own = await member.make_set(squat, membershipId=gym.member.membership_id)

    async def status(caller: Trainer, set_: str, of: Someone) -> int:
        path = f"/v1/organizations/{gym.organization_id}/metric-sets/{set_}/resolve"
        return (await caller.get(path, memberId=of.membership_id)).status

    assert await status(member, set_id, gym.member) == 200
    assert await status(member, own, gym.member) == 200
    assert await status(coach, own, gym.member) == 200
    assert await status(coach, own, gym.member2) == 200
    assert await status(member, set_id, gym.member2) == 404
    assert await status(coach, foreign, gym.member) == 404
    assert await status(coach, set_id, other_gym.member) == 404
    assert await status(Trainer(http, other_gym.coach), set_id, gym.member) == 403
    assert (await coach.get(f"metric-sets/{set_id}/resolve")).code == "bad_request"
    await set_status(database, gym.member, "cancelled")
    assert await status(coach, set_id, gym.member) == 200
    assert await status(coach, own, gym.member) == 404
