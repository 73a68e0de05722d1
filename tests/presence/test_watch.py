"""Who watches gets a first snapshot and then every change, of those whom they may see."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.keys import FANOUT
from coachwire.presence import GRACE

from ..gym import Place, Someone, message_to
from ..phone import Frame, Phone
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables, join, set_status
from .conftest import presence, signals

CLOSED = 2.0  # s in which a closed socket shows
QUIET = GRACE + 0.5  # s after which a change would have been told


async def watch(phone: Phone, *people: Someone | str, within: str | None = None) -> Any:
    """Who of them is online now, by the answer."""
    ids = [who if isinstance(who, str) else who.membership_id for who in people]
    first = next((who for who in people if isinstance(who, Someone)), None)
    organization_id = within or (first.organization_id if first else "")
    answer = await phone.ask("presence.watch", organizationId=organization_id, membershipIds=ids)
    return answer["data"]["online"] if answer["type"] == "ok" else answer["error"]["code"]


async def quiet(*phones: Phone) -> None:
    """Nothing is told to any of them for longer than a change takes."""
    await asyncio.sleep(QUIET)
    for one in phones:
        assert await signals(one) == []


async def change(tables: Tables, statement: str, *arguments: object) -> None:
    """As the platform changes something: the server is told."""
    await tables.execute("set coachwire.quiet = off")
    await tables.execute(statement, *arguments)


async def suspend(tables: Tables, who: Someone, status: str = "suspended") -> None:
    await change(
        tables,
        "update memberships set status = $2::text::membership_status where id = $1",
        who.membership_id,
        status,
    )


async def test_the_first_snapshot_says_who_is_online_now(gym: Place, phone: OpenPhone) -> None:
    coach, _, _ = await phone(gym.coach), await phone(gym.member), await phone(gym.admin)
    online = await watch(coach, gym.admin, gym.member2, gym.member, gym.owner, gym.coach)
    assert online == [gym.admin.membership_id, gym.member.membership_id, gym.coach.membership_id]


async def test_who_comes_and_who_goes_is_told_soon(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    assert await watch(coach, gym.member, gym.member2) == []
    member = await phone(gym.member)
    assert await coach.next("signal") == presence(gym.member, True)
    began = time.monotonic()
    await member.leave()
    assert await coach.next("signal") == presence(gym.member, False)
    assert time.monotonic() - began < CLOSED
    await quiet(coach)


async def test_a_line_that_breaks_shows_as_a_closed_one_does(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    began = time.monotonic()
    member.vanish()
    assert await coach.next("signal") == presence(gym.member, False)
    assert time.monotonic() - began < CLOSED


async def test_a_half_open_line_shows_when_no_pong_comes(
    gym: Place, phone: OpenPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.socket.heartbeat.HEARTBEAT_SECONDS", 1)  # instead of 25
    monkeypatch.setattr("coachwire.socket.heartbeat.PONG", 1.0)  # instead of 10
    coach, _ = await phone(gym.coach), await phone(gym.member)  # who reads nothing from now on, pings neither
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    began = time.monotonic()
    assert await coach.next("signal") == presence(gym.member, False)
    assert (
        time.monotonic() - began < 2 + 1 + CLOSED
    )  # the same sum is 25 + 10 + 1 + 2 < 40 s outside of a test


async def test_a_person_is_online_as_long_as_one_device_is(gym: Place, phone: OpenPhone) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    await member.leave()
    await quiet(coach)
    await tablet.leave()
    assert await coach.next("signal") == presence(gym.member, False)


async def test_a_quick_reconnect_shows_no_change(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    for _ in range(3):
        await member.leave()
        await member.connect()
    await quiet(coach)


async def test_a_new_list_replaces_the_former_one(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    there = await join(database, gym.coach, other_gym, "coach")
    coach = await phone(gym.coach)
    await watch(coach, gym.member)
    await watch(coach, gym.member2)
    await phone(gym.member)
    await phone(gym.member2)
    assert await coach.next("signal") == presence(gym.member2, True)
    await watch(coach, other_gym.member)
    await phone(gym.member2)
    await phone(other_gym.member)
    assert await coach.next("signal") == presence(other_gym.member, True)
    assert await watch(coach, within=gym.organization_id) == []
    await (await phone(other_gym.member2)).leave()
    await quiet(coach)
    assert there.organization_id == other_gym.organization_id


async def test_the_last_of_many_lists_stands(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    lists = [[gym.member], [gym.member2], [gym.member, gym.owner], [gym.admin]]
    await coach.say(
        [
            {
                "type": "presence.watch",
                "ref": n,
                "organizationId": gym.organization_id,
                "membershipIds": [who.membership_id for who in people],
            }
            for n, people in enumerate(lists)
        ]
    )
    for n in range(len(lists)):
        assert (await coach.answer(n))["data"] == {"online": []}
    for who in (gym.member, gym.member2, gym.owner, gym.admin):
        await phone(who)
    assert await coach.next("signal") == presence(gym.admin, True)
    await quiet(coach)


async def test_members_see_the_staff_only(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    await phone(gym.member2)
    await phone(gym.coach)
    everybody = (gym.owner, gym.admin, gym.coach, gym.coach2, gym.member, gym.member2)
    assert await watch(member, *everybody) == [gym.coach.membership_id]
    await (await phone(gym.member2)).leave()
    await phone(gym.owner)
    assert await member.next("signal") == presence(gym.owner, True)
    await quiet(member)


async def test_whoever_is_unknown_or_belongs_elsewhere_is_never_online(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    await phone(other_gym.member)
    unknown = str(uuid4())
    assert await watch(coach, unknown, other_gym.member, within=gym.organization_id) == []
    await phone(other_gym.member2)
    await join(database, other_gym.coach, gym, "coach")  # another membership than the one that is watched
    assert await watch(coach, unknown, other_gym.coach, within=gym.organization_id) == []
    await phone(other_gym.coach)
    await quiet(coach)


async def test_an_organization_that_is_not_ones_own_is_forbidden_to_watch(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    await phone(other_gym.coach)
    for place in (other_gym.organization_id, str(uuid4())):
        assert await watch(coach, other_gym.coach, within=place) == "forbidden"
    await set_status(database, gym.coach, "suspended")
    assert await watch(coach, gym.member) == "forbidden"


async def test_a_list_of_more_than_200_is_a_bad_request(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    ids = [str(uuid4()) for _ in range(201)]
    assert await watch(coach, *ids, within=gym.organization_id) == "bad_request"
    assert await watch(coach, *ids[:199], gym.coach, within=gym.organization_id) == [gym.coach.membership_id]


async def test_who_is_suspended_goes_offline_and_sees_nothing_more(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, admin = await phone(gym.coach), await phone(gym.admin)
    assert await watch(coach, gym.admin) == [gym.admin.membership_id]
    assert await watch(admin, gym.coach, gym.member) == [gym.coach.membership_id]
    await suspend(database, gym.admin)
    assert await coach.next("signal") == presence(gym.admin, False)
    await phone(gym.member)
    await quiet(admin)

    await suspend(database, gym.admin, "active")
    assert await coach.next("signal") == presence(gym.admin, True)
    await quiet(admin)  # the list went with the membership
    assert await watch(admin, gym.member) == [gym.member.membership_id]


async def test_who_becomes_staff_is_seen_by_members_and_sees_them(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member, member2 = await phone(gym.member), await phone(gym.member2)
    assert await watch(member, gym.member2) == []
    assert await watch(member2, gym.member) == []
    promote = "update memberships set role = $2::text::membership_role where id = $1"
    await change(database, promote, gym.member2.membership_id, "coach")
    assert await member.next("signal") == presence(gym.member2, True)
    assert await member2.next("signal") == presence(gym.member, True)
    await change(database, promote, gym.member2.membership_id, "member")
    assert await member.next("signal") == presence(gym.member2, False)
    assert await member2.next("signal") == presence(gym.member, False)


@pytest.fixture
def _looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.presence.rights.EVERY", 1.0)  # s instead of 10


@pytest.mark.usefixtures("_looking_often")
async def test_what_nobody_was_told_of_is_noticed_by_looking(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, _ = await phone(gym.coach), await phone(gym.admin)
    assert await watch(coach, gym.admin) == [gym.admin.membership_id]
    await set_status(database, gym.admin, "suspended")  # quietly
    assert await coach.next("signal") == presence(gym.admin, False)


@pytest.mark.usefixtures("_looking_often")
async def test_it_is_noticed_also_while_somebody_is_doubted_all_the_time(
    gym: Place, phone: OpenPhone, server: TestServer, database: Tables
) -> None:
    coach, _ = await phone(gym.coach), await phone(gym.admin)
    assert await watch(coach, gym.admin) == [gym.admin.membership_id]

    async def doubt() -> None:
        while True:
            server.app[FANOUT].doubt_user(gym.coach.user_id)
            await asyncio.sleep(0.01)

    doubting = asyncio.create_task(doubt())
    try:
        await asyncio.sleep(1.5)  # a look that had begun before is over
        await set_status(database, gym.admin, "suspended")  # quietly
        assert await coach.next("signal") == presence(gym.admin, False)
    finally:
        doubting.cancel()


async def test_in_the_background_presence_is_held_back_and_made_good_afterwards(
    gym: Place, phone: OpenPhone
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assert await watch(coach, gym.member, gym.member2, gym.admin) == [gym.member.membership_id]
    await coach.ask("state", state="background")
    await member.leave()
    await phone(gym.member2)
    admin = await phone(gym.admin)
    await asyncio.sleep(0.5)
    await admin.leave()  # came and went: nothing has changed
    await quiet(coach)
    await coach.say({"type": "state", "state": "foreground"})
    told = [await coach.next("signal") for _ in range(2)]
    assert sorted(told, key=str) == sorted(
        [presence(gym.member, False), presence(gym.member2, True)], key=str
    )
    await quiet(coach)


async def test_who_is_in_the_background_is_online(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    await watch(coach, gym.member)
    member = await phone(gym.member, state="background")
    assert await coach.next("signal") == presence(gym.member, True)
    await member.ask("state", state="foreground")
    await member.ask("state", state="background")
    await quiet(coach)


async def test_somebody_in_two_organizations_is_online_in_both(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    there = await join(database, gym.member, other_gym, "member")
    here_coach, there_coach = await phone(gym.coach), await phone(other_gym.coach)
    await watch(here_coach, gym.member)
    await watch(there_coach, there)
    await phone(gym.member)
    assert await here_coach.next("signal") == presence(gym.member, True)
    assert await there_coach.next("signal") == presence(there, True)
    await suspend(database, there)
    assert await there_coach.next("signal") == presence(there, False)
    await quiet(here_coach)


async def test_a_signed_out_device_is_offline(gym: Place, phone: OpenPhone, http: ClientSession) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assert await watch(coach, gym.member) == [gym.member.membership_id]
    await Caller(http, gym.member).delete(f"/v1/me/devices/{member.device}")
    assert await coach.next("signal") == presence(gym.member, False)


async def test_the_members_list_says_who_is_online(gym: Place, phone: OpenPhone, http: ClientSession) -> None:
    await phone(gym.coach)
    await phone(gym.member)

    async def online(who: Someone) -> dict[str, bool]:
        page = (await Caller(http, who).get("members")).data
        return {row["membershipId"]: row["online"] for row in page["items"]}

    staff = (gym.owner, gym.admin, gym.coach, gym.coach2)
    here = {gym.coach.membership_id, gym.member.membership_id}
    assert await online(gym.member2) == {who.membership_id: who == gym.coach for who in staff}
    assert await online(gym.owner) == {
        who.membership_id: who.membership_id in here for who in (*staff, gym.member, gym.member2)
    }


async def test_presence_takes_no_position(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await watch(coach, gym.member)
    await member.leave()
    told: Frame = await coach.next("signal")
    assert "position" not in told
    answer = await coach.ask("message.send", **message_to(gym.member))
    assert answer["position"] == 1
