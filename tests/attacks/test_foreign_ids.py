"""What one may not see is answered as what does not exist, word for word, by either door: ids of another organization,
and of two other people in one's own."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from ..phone import Frame, Phone
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables

Asked = tuple[str, dict[str, Any]]
Called = tuple[str, str, Any]


@dataclass(frozen=True)
class Ids:
    """What a request may name that is not the caller's."""

    membership: str
    message: str
    assignment: str


def requests(ids: Ids, partner: Someone) -> list[Asked]:
    """Everything on the socket that names an id which may be somebody else's."""
    thread = {"workoutAssignmentId": ids.assignment}
    stranger = {"membershipId": ids.membership}
    with_partner = {"membershipId": partner.membership_id}
    return [
        ("message.send", {"id": str(uuid4()), "to": stranger, "content": "hello"}),
        ("message.send", {"id": str(uuid4()), "to": thread, "content": "hello"}),
        ("message.send", {"id": str(uuid4()), "to": with_partner, "attachmentIds": [ids.message]}),
        ("message.read", {"messageIds": [ids.message]}),
        ("message.read", {"conversation": stranger}),
        ("message.read", {"conversation": thread}),
        ("message.read", {"conversation": with_partner, "upTo": ids.message}),
        ("message.edit", {"id": ids.message, "content": "mine"}),
        ("message.delete", {"id": ids.message}),
        ("typing", {"to": stranger, "active": True}),
        ("typing", {"to": thread, "active": True}),
    ]


def calls(ids: Ids, partner: Someone) -> list[Called]:
    """The same over REST."""
    with_partner = f"conversations/{partner.membership_id}"
    value = {"id": str(uuid4()), "definitionId": ids.message, "value": "100", "unit": "kg"}
    return [
        ("POST", "messages", {"to": {"membershipId": ids.membership}, "content": "hello"}),
        ("POST", "messages", {"to": {"workoutAssignmentId": ids.assignment}, "content": "hello"}),
        ("GET", f"messages/{ids.message}", None),
        ("PATCH", f"messages/{ids.message}", {"content": "mine"}),
        ("DELETE", f"messages/{ids.message}", None),
        ("PUT", f"messages/{ids.message}/read", None),
        ("GET", f"conversations/{ids.membership}", None),
        ("GET", f"conversations/{ids.membership}?around=firstUnread", None),
        ("PUT", f"conversations/{ids.membership}/read", None),
        ("GET", f"{with_partner}?around={ids.message}", None),
        ("PUT", f"{with_partner}/read", {"upTo": ids.message}),
        ("GET", f"members/{ids.membership}/metrics", None),
        ("POST", f"members/{ids.membership}/metrics", value),
        ("GET", f"metric-sets?memberId={ids.membership}", None),
        (
            "POST",
            "metric-sets",
            {"name": "x", "owner": {"membershipId": ids.membership}, "definitions": [ids.message]},
        ),
        ("GET", f"metric-sets/{ids.message}/resolve?memberId={ids.membership}", None),
        ("GET", f"workout-assignments/{ids.assignment}/prescription", None),
    ]


async def answers(phone: Phone, organization_id: str, asked: list[Asked]) -> list[Frame]:
    """The errors, in order. A phone of its own for each time: typing again at once is dropped, whoever it is to."""
    return [(await phone.ask(kind, organizationId=organization_id, **f))["error"] for kind, f in asked]


async def problems(caller: Caller, called: list[Called]) -> list[dict[str, Any]]:
    found = [(await caller.call(method, path, body)).body for method, path, body in called]
    for problem in found:
        del problem["requestId"]
    return found


async def traces(database: Tables) -> list[Any]:
    """All that an attempt could have left."""
    return [
        await database.fetch("select * from messages order by id"),
        await database.fetch(
            "select user_id, position from user_streams where position > 0 order by user_id"
        ),
        await database.fetchval("select count(*) from stream_events"),
        await database.fetchval("select count(*) from conversations"),
    ]


@pytest.fixture
def nowhere() -> Ids:
    """What nobody has."""
    return Ids(str(uuid4()), str(uuid4()), str(uuid4()))


async def written(http: ClientSession, sender: Someone, recipient: Someone) -> str:
    """A message between these two."""
    answer = await Caller(http, sender).post("messages", message_to(recipient))
    return str(answer.data["id"])


@pytest.fixture
async def elsewhere(http: ClientSession, other_gym: Place, database: Tables) -> Ids:
    """What another organization has of each."""
    message = await written(http, other_gym.coach, other_gym.member)
    return Ids(other_gym.member.membership_id, message, await assigned(database, other_gym.member))


async def assigned(database: Tables, member: Someone) -> str:
    """A published workout of this member."""
    return str(
        await database.fetchval(
            "insert into workout_assignments (organization_id, user_id, date, published)"
            " values ($1, $2, current_date, true) returning id",
            UUID(member.organization_id),
            UUID(member.user_id),
        )
    )


async def test_what_another_organization_has_is_answered_as_what_nobody_has(
    gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, nowhere: Ids, database: Tables
) -> None:
    before = await traces(database)
    for who, partner in ((gym.coach, gym.member), (gym.member, gym.coach), (gym.owner, gym.coach)):
        caller = Caller(http, who)
        there = await answers(await phone(who), gym.organization_id, requests(elsewhere, partner))
        assert there == await answers(await phone(who), gym.organization_id, requests(nowhere, partner))
        assert {error["code"] for error in there} == {"not_found"}
        problem = await problems(caller, calls(elsewhere, partner))
        assert problem == await problems(caller, calls(nowhere, partner))
        assert {one["code"] for one in problem} == {"not_found"}
    assert await traces(database) == before


async def test_an_organization_of_others_is_answered_as_one_that_nobody_has(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, database: Tables
) -> None:
    before = await traces(database)
    asked = requests(elsewhere, other_gym.coach)
    there = await answers(await phone(gym.coach), other_gym.organization_id, asked)
    assert there == await answers(await phone(gym.coach), str(uuid4()), asked)
    assert {error["code"] for error in there} == {"forbidden"}
    lists: list[Called] = [
        ("GET", "conversations", None), ("GET", "badge", None), ("GET", "members", None),
        ("GET", "settings", None), ("PATCH", "settings", {"editWindow": 1}),
    ]  # fmt: skip
    every = [*calls(elsewhere, other_gym.coach), *lists]
    found = []
    for organization_id in (other_gym.organization_id, str(uuid4())):
        base = f"/v1/organizations/{organization_id}/"
        found.append(await problems(Caller(http, gym.coach), [(m, base + path, b) for m, path, b in every]))
        sync: Called = ("GET", f"/v1/sync?organizationId={organization_id}", None)
        found[-1] += await problems(Caller(http, gym.coach), [sync])
    assert found[0] == found[1]
    assert {problem["code"] for problem in found[0]} == {"forbidden"}
    assert await traces(database) == before


async def test_what_two_others_say_in_ones_own_gym_is_answered_as_what_nobody_said(
    gym: Place, phone: OpenPhone, http: ClientSession, nowhere: Ids, database: Tables
) -> None:
    message = await written(http, gym.coach, gym.member)
    others = Ids(nowhere.membership, message, nowhere.assignment)
    before = await traces(database)
    for who, partner in ((gym.member2, gym.coach), (gym.coach2, gym.member)):
        caller = Caller(http, who)
        there = await answers(await phone(who), gym.organization_id, requests(others, partner))
        assert there == await answers(await phone(who), gym.organization_id, requests(nowhere, partner))
        assert await problems(caller, calls(others, partner)) == await problems(
            caller, calls(nowhere, partner)
        )
    assert await traces(database) == before


async def test_one_foreign_id_among_ones_own_marks_nothing(
    gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, database: Tables
) -> None:
    own = await written(http, gym.coach, gym.member)
    member = await phone(gym.member)
    before = await traces(database)
    for ids in ([own, elsewhere.message], [elsewhere.message, own]):
        answer = await member.ask("message.read", organizationId=gym.organization_id, messageIds=ids)
        assert answer["error"]["code"] == "not_found"
    assert await traces(database) == before


async def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    for recipient in (other_gym.member, other_gym.member2):
        for _ in range(2):
            await written(http, other_gym.coach, recipient)
    own = await written(http, gym.coach, gym.member)
    theirs, mine = Caller(http, other_gym.coach), Caller(http, gym.coach)
    for path, place in (
        ("conversations", "conversations"),
        ("members", "members"),
        (f"conversations/{other_gym.member.membership_id}", f"conversations/{gym.member.membership_id}"),
    ):
        cursor = (await theirs.get(path, limit=1)).data["nextCursor"]
        assert cursor is not None
        items = (await mine.get(place, cursor=cursor)).data["items"]
        known = {own} | {one.membership_id for one in gym.people.values()}
        assert all(item.get("id", item.get("membershipId")) in known for item in items), path


async def test_the_stream_of_somebody_else_cannot_be_asked_for(
    gym: Place, other_gym: Place, http: ClientSession, phone: OpenPhone
) -> None:
    """A stream is named by the token alone: another's position is no more than a wrong one of one's own."""
    await written(http, other_gym.coach, other_gym.member)
    theirs = await phone(other_gym.member)
    answer = await Caller(http, gym.member).get("/v1/events", epoch=theirs.epoch, position=0)
    assert answer.data == {"resume": "resumed", "epoch": theirs.epoch, "position": 0, "events": []}
    answer = await Caller(http, gym.member).get("/v1/events", epoch=theirs.epoch, position=theirs.position)
    assert (answer.data["resume"], answer.data["reason"]) == ("reset", "ahead")
    mine = await phone(gym.member, resume={"epoch": theirs.epoch, "position": theirs.position})
    assert (mine.welcome["resume"], mine.welcome["reason"]) == ("reset", "ahead")


async def test_the_device_of_somebody_else_cannot_be_touched(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    theirs = await phone(gym.member)
    caller = Caller(http, gym.coach)
    for device in (theirs.device, str(uuid4())):
        assert (await caller.put(f"/v1/me/devices/{device}/ack", {"position": 0})).code == "not_found"
    assert (await caller.delete(f"/v1/me/devices/{theirs.device}")).status == 200
    assert await theirs.drained() == []
    again = await phone(gym.member, device=theirs.device)
    assert again.welcome["userId"] == gym.member.user_id
    assert (
        await database.fetchval(
            "select signed_out_at from devices where user_id = $1 and device_id = $2",
            UUID(gym.member.user_id),
            UUID(theirs.device),
        )
        is None
    )


async def test_devices_that_sign_out_take_no_more_room_than_others(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        "insert into devices (user_id, device_id, seen_at)"
        " select $1, gen_random_uuid(), now() - n * interval '1 day' from generate_series(1, 49) n",
        UUID(gym.member.user_id),
    )
    caller, last = Caller(http, gym.member), ""
    for _ in range(3):
        last = str(uuid4())
        assert (await caller.delete(f"/v1/me/devices/{last}")).status == 200
    kept = await database.fetch(
        "select device_id::text from devices where user_id = $1", UUID(gym.member.user_id)
    )
    assert len(kept) == 50
    assert last in [device for (device,) in kept]


async def test_a_watch_of_strangers_shows_nobody(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    watcher = await phone(gym.coach)
    ids = [other_gym.coach.membership_id, str(uuid4())]
    answer = await watcher.ask("presence.watch", organizationId=gym.organization_id, membershipIds=ids)
    assert answer["data"] == {"online": []}
    await phone(other_gym.coach)
    online = [m["online"] for m in (await Caller(http, gym.coach).get("members")).data["items"]]
    assert online.count(True) == 1
    answer = await watcher.ask("presence.watch", organizationId=gym.organization_id, membershipIds=ids)
    assert answer["data"] == {"online": []}
    refused = await watcher.ask("presence.watch", organizationId=other_gym.organization_id, membershipIds=ids)
    assert refused["error"]["code"] == "forbidden"
