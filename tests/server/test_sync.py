"""`GET /v1/sync`: the state to begin from, at a position of the stream."""

import asyncio

from aiohttp import ClientSession

from ..gym import Place, message_to
from .conftest import OpenPhone
from .platform import Tables, join, set_status
from .routes import call, get


async def test_it_holds_every_organization_at_the_streams_position(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    elsewhere = await join(database, gym.coach, other_gym, "member")
    member, owner, coach = await phone(gym.member), await phone(other_gym.owner), await phone(gym.coach)
    for _ in range(2):
        await member.ask("message.send", **message_to(gym.coach))
    await owner.ask("message.send", **message_to(elsewhere))
    await coach.reach(3)

    state = await get(http, gym.coach, "/v1/sync")

    assert state == {
        "epoch": coach.epoch,
        "position": 3,
        "memberships": coach.welcome["memberships"],
        "organizations": [
            {
                "organizationId": place["organizationId"],
                "conversations": await get(
                    http, gym.coach, f"/v1/organizations/{place['organizationId']}/conversations"
                ),
                "unread": {gym.organization_id: 2, other_gym.organization_id: 1}[place["organizationId"]],
            }
            for place in state["memberships"]
        ],
    }
    assert len(state["organizations"]) == 2


async def test_it_can_be_narrowed_to_one_organization(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    await join(database, gym.coach, other_gym, "coach")
    state = await get(http, gym.coach, "/v1/sync", organizationId=other_gym.organization_id)
    assert [one["organizationId"] for one in state["organizations"]] == [other_gym.organization_id]
    assert [one["organizationId"] for one in state["memberships"]] == [other_gym.organization_id]


async def test_an_organization_that_was_left_is_not_in_it(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await set_status(database, gym.coach, "suspended")
    state = await get(http, gym.coach, "/v1/sync")
    assert (state["memberships"], state["organizations"]) == ([], [])


async def test_somebody_new_begins_at_zero(gym: Place, http: ClientSession, database: Tables) -> None:
    await database.execute("delete from user_streams")
    state = await get(http, gym.coach, "/v1/sync")
    assert state["position"] == 0
    (organization,) = state["organizations"]
    assert organization == {
        "organizationId": gym.organization_id,
        "conversations": {"items": [], "nextCursor": None},
        "unread": 0,
    }


async def test_the_state_and_the_events_above_its_position_are_the_whole(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)

    async def talk() -> None:
        for _ in range(25):
            await coach.ask("message.send", **message_to(gym.member))

    async def sync() -> tuple[int, int]:
        state = await get(http, gym.member, "/v1/sync")
        (organization,) = state["organizations"]
        return state["position"], organization["unread"]

    talking = asyncio.create_task(talk())
    states = []
    while not talking.done():
        states.append(await sync())
    await talking
    await member.reach(25)
    for position, unread in states:
        assert unread == position  # each event so far is a message that nobody has read
    assert await sync() == (25, 25)
    assert sorted(states) == states


async def test_it_needs_a_user(gym: Place, http: ClientSession, database: Tables) -> None:
    await database.execute("update users set deleted_at = now() where id = $1", gym.coach.user_id)
    assert (await call(http, gym.coach, "GET", "/v1/sync"))[0] == 401
