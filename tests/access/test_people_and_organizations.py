"""A person or an organization that is deleted, and comes back."""

import asyncio
from uuid import UUID

import pytest

from ..gym import Place, message_to
from ..phone import SocketClosed
from .conftest import SOON, OpenPhone, Platform, event, told


async def test_the_sockets_of_a_deleted_person_close_for_good(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    await platform.do("update users set deleted_at = now() where id = $1", UUID(gym.member.user_id))
    async with asyncio.timeout(SOON):
        assert [await one.close_code() for one in (member, tablet)] == [4503, 4503]

    again = await phone(gym.member, connect=False)
    with pytest.raises(SocketClosed) as closed:
        await again.connect()
    assert closed.value.code == 4503
    assert (await coach.ask("message.send", **message_to(gym.member)))["error"]["code"] == "gone"


async def test_a_person_whose_rows_are_all_deleted_is_closed_as_well(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    member = await phone(gym.member)
    user_id = UUID(gym.member.user_id)
    await platform.do("set coachwire.quiet = on")
    await platform.do("delete from workout_assignments where user_id = $1", user_id)
    await platform.do("set coachwire.quiet = off")
    await platform.do("delete from memberships where user_id = $1", user_id)
    await platform.do("delete from users where id = $1", user_id)
    assert await member.close_code() == 4503  # the comparison of heads finds it


async def test_all_members_of_a_deleted_organization_hear_that_it_ended_and_of_nothing_else(
    gym: Place, other_gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    elsewhere = await phone(other_gym.coach)
    await platform.do("update organizations set deleted_at = now() where id = $1", UUID(gym.organization_id))
    for one, who in ((coach, gym.coach), (member, gym.member)):
        assert await told(one, "membership.ended") == event(
            "membership.ended", gym.organization_id, 1, membershipId=who.membership_id
        )
    assert (await coach.ask("message.send", **message_to(gym.member)))["error"]["code"] == "forbidden"
    assert (await elsewhere.ask("message.send", **message_to(other_gym.member)))["type"] == "ok"

    await platform.do("update organizations set deleted_at = null where id = $1", UUID(gym.organization_id))
    for one in (coach, member):
        changed = await told(one, "membership.changed")
        assert (changed["position"], changed["data"]["reload"]) == (2, True)
    assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"
