"""Who is in an organization, and who may know."""

from typing import Any

from aiohttp import ClientSession

from ..gym import Place, Someone
from .caller import Caller
from .platform import Tables, delete_user, set_status


def row(who: Someone, **fields: Any) -> dict[str, Any]:
    return {
        "membershipId": who.membership_id,
        "name": who.name,
        "role": who.role,
        "status": "active",
        "imageUrl": None,
        "online": False,
    } | fields


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda one: str(one["membershipId"]))


async def test_staff_see_everybody_whatever_their_status(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await set_status(database, gym.member2, "suspended")
    await set_status(database, gym.admin, "cancelled")
    await database.execute(
        "update users set image_url = 'https://pictures.test/1' where id = $1", gym.coach2.user_id
    )
    page = (await Caller(http, gym.coach).get("members")).data
    assert page["nextCursor"] is None
    assert by_id(page["items"]) == by_id(
        [
            row(gym.owner),
            row(gym.admin, status="cancelled"),
            row(gym.coach),
            row(gym.coach2, imageUrl="https://pictures.test/1"),
            row(gym.member),
            row(gym.member2, status="suspended"),
        ]
    )


async def test_members_see_active_staff_only(gym: Place, http: ClientSession, database: Tables) -> None:
    await set_status(database, gym.admin, "suspended")
    page = (await Caller(http, gym.member).get("members")).data
    assert by_id(page["items"]) == by_id([row(gym.owner), row(gym.coach), row(gym.coach2)])


async def test_who_was_deleted_is_in_no_list(gym: Place, http: ClientSession, database: Tables) -> None:
    await delete_user(database, gym.coach2)
    await database.execute(
        "update memberships set deleted_at = now() where id = $1", gym.member2.membership_id
    )
    page = (await Caller(http, gym.coach).get("members")).data
    assert by_id(page["items"]) == by_id([row(gym.owner), row(gym.admin), row(gym.coach), row(gym.member)])


async def test_a_search_finds_a_part_of_the_name_in_whatever_case(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        "update users set first_name = 'Жанна', last_name = '100%_O''Neil' where id = $1", gym.member.user_id
    )
    coach = Caller(http, gym.coach)
    for search in ("жан", "ЖАННА 100", "%_o'n", "%", " neil "):
        found = (await coach.get("members", search=search)).data["items"]
        assert [one["membershipId"] for one in found] == [gym.member.membership_id], search
    assert (await coach.get("members", search="nobody")).data == {"items": [], "nextCursor": None}
    assert len((await coach.get("members", search=" ")).data["items"]) == 6
    assert (await Caller(http, gym.member).get("members", search="жан")).data["items"] == []
    assert (await coach.get("members", search="x" * 101)).code == "bad_request"


async def test_pages_neither_repeat_nor_leave_out_anybody_while_people_come_and_are_renamed(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    coach = Caller(http, gym.coach)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await coach.get("members", limit=2, **cursor)).data
        seen += [one["membershipId"] for one in page["items"]]
        await database.execute("update users set first_name = md5(id::text || $1)", str(len(seen)))
        await database.execute(
            "with person as (insert into users (email) values ($1) returning id)"
            " insert into memberships (user_id, organization_id, role, status)"
            " select id, $2, 'member', 'active' from person",
            f"new{len(seen)}@gym.test", gym.organization_id,
        )  # fmt: skip
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert sorted(seen) == sorted(who.membership_id for who in gym.people.values())


async def test_only_those_who_belong_may_ask(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    path = f"/v1/organizations/{gym.organization_id}/members"
    assert (await Caller(http, other_gym.owner).get(path)).code == "forbidden"
    await set_status(database, gym.coach, "cancelled")
    assert (await Caller(http, gym.coach).get(path)).code == "forbidden"
