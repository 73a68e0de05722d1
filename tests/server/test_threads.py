"""The talk under a workout: who may write, to whom it goes, who hears of it, how it is read."""

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, is_wire_time
from .caller import Caller
from .conftest import OpenPhone
from .platform import (
    Tables,
    assign,
    change_assignment,
    delete_assignment,
    delete_user,
    set_status,
    stored,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


@pytest.fixture
async def thread(gym: Place, database: Tables) -> str:
    """Under the member's workout, which the coach assigned."""
    return await assign(database, gym.member, gym.coach)


def post_in(thread: str, who: Someone, content: str = "well done", **fields: Any) -> dict[str, Any]:
    return {
        "organizationId": who.organization_id,
        "id": str(uuid4()),
        "to": {"workoutAssignmentId": thread},
        "content": content,
    } | fields


async def test_a_post_goes_to_the_member_and_their_answer_to_who_wrote(
    gym: Place, phone: OpenPhone, thread: str
) -> None:
    coach, tablet, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    sent = post_in(thread, gym.coach)
    answer = await coach.ask("message.send", **sent)
    assert answer["position"] == 1
    assert is_wire_time(answer["data"]["createdAt"])
    assert answer["data"]["recipientMembershipId"] == gym.member.membership_id
    message = {
        "id": sent["id"],
        "organizationId": gym.organization_id,
        "senderMembershipId": gym.coach.membership_id,
        "senderName": gym.coach.name,
        "senderRole": "coach",
        "recipientMembershipId": gym.member.membership_id,
        "workoutAssignmentId": thread,
        "content": "well done",
        "attachments": [],
        "createdAt": answer["data"]["createdAt"],
        "readAt": None,
        "editedAt": None,
        "deletedAt": None,
        "erased": False,
    }
    assert (await member.event("message.created"))["data"] == message
    assert (await tablet.event("message.created"))["data"] == message | {"delivered": False}

    back = post_in(thread, gym.member, "thanks")
    answer = await member.ask("message.send", **back)
    assert answer["data"]["recipientMembershipId"] == gym.coach.membership_id
    heard = (await coach.event("message.created"))["data"]
    assert (heard["id"], heard["senderRole"], heard["workoutAssignmentId"]) == (back["id"], "member", thread)


async def test_a_retry_through_the_other_door_is_the_same_message(
    gym: Place, http: ClientSession, phone: OpenPhone, thread: str, database: Tables
) -> None:
    coach = Caller(http, gym.coach)
    body = {"id": str(uuid4()), "content": "well done"}
    first = await coach.post(f"workout-assignments/{thread}/comments", body)
    again = await coach.post(f"workout-assignments/{thread}/comments", body)
    assert (first.status, again.status) == (201, 200)
    assert first.data == again.data
    third = await (await phone(gym.coach)).ask("message.send", **post_in(thread, gym.coach, id=body["id"]))
    assert third["data"]["duplicate"] is True
    other = await coach.post(f"workout-assignments/{thread}/comments", body | {"content": "other"})
    assert other.code == "conflict"
    assert await stored(database) == 1


async def test_what_the_body_says_of_whom_does_not_stand_above_the_path(
    gym: Place, http: ClientSession, thread: str
) -> None:
    body = {"to": {"membershipId": gym.coach2.membership_id}, "content": "well done"}
    message = (await Caller(http, gym.coach).post(f"workout-assignments/{thread}/comments", body)).data
    assert (message["workoutAssignmentId"], message["recipientMembershipId"]) == (
        thread,
        gym.member.membership_id,
    )


async def test_an_answer_goes_to_the_staff_member_who_wrote_last_and_is_still_there(
    gym: Place, http: ClientSession, thread: str, database: Tables
) -> None:
    member = Caller(http, gym.member)
    comments = f"workout-assignments/{thread}/comments"

    async def recipient() -> str:
        return str((await member.post(comments, {"content": "and now?"})).data["recipientMembershipId"])

    assert await recipient() == gym.coach.membership_id  # who assigned it
    await Caller(http, gym.coach2).post(comments, {"content": "I take over"})
    assert await recipient() == gym.coach2.membership_id
    await Caller(http, gym.admin).post(comments, {"content": "hello"})
    assert await recipient() == gym.admin.membership_id
    await set_status(database, gym.admin, "suspended")
    assert await recipient() == gym.coach2.membership_id
    await delete_user(database, gym.coach2)
    assert await recipient() == gym.coach.membership_id
    await database.execute(
        "update memberships set role = 'member' where id = $1", gym.coach.membership_id
    )  # assigned it, and is no longer staff
    assert await recipient() == gym.owner.membership_id
    await set_status(database, gym.owner, "cancelled")
    assert (await member.post(comments, {"content": "anybody?"})).code == "gone"


async def test_staff_who_train_post_as_the_member_of_their_own_workout(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    own = await assign(database, gym.coach, gym.coach)
    comments = f"workout-assignments/{own}/comments"
    message = (await Caller(http, gym.coach).post(comments, {"content": "done"})).data
    assert (message["senderRole"], message["recipientMembershipId"]) == ("member", gym.owner.membership_id)
    message = (await Caller(http, gym.coach2).post(comments, {"content": "good"})).data
    assert (message["senderRole"], message["recipientMembershipId"]) == ("coach", gym.coach.membership_id)


async def test_who_has_left_gets_no_post(
    gym: Place, http: ClientSession, thread: str, database: Tables
) -> None:
    await set_status(database, gym.member, "suspended")
    refused = await Caller(http, gym.coach).post(
        f"workout-assignments/{thread}/comments", {"content": "hello?"}
    )
    assert refused.code == "gone"


@pytest.mark.parametrize("who", ["member2", "elsewhere"])
async def test_another_members_thread_is_not_there_for_a_member(
    gym: Place,
    other_gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    thread: str,
    database: Tables,
    who: str,
) -> None:
    """Nor is another gym's for its staff."""
    stranger = other_gym.coach if who == "elsewhere" else gym.member2
    secret = (
        await Caller(http, gym.coach).post(f"workout-assignments/{thread}/comments", {"content": "?"})
    ).data
    caller, one = Caller(http, stranger), await phone(stranger)
    for assignment in (thread, UNKNOWN):
        where = f"workout-assignments/{assignment}"
        assert (await caller.get(f"{where}/comments")).code == "not_found"
        assert (await caller.get(f"{where}/comments", around=secret["id"])).code == "not_found"
        assert (await caller.post(f"{where}/comments", {"content": "hi"})).code == "not_found"
        assert (await caller.put(f"{where}/read")).code == "not_found"
        party = {"workoutAssignmentId": assignment}
        for kind, fields in (
            ("message.send", post_in(assignment, stranger)),
            ("message.read", {"organizationId": stranger.organization_id, "conversation": party}),
            ("typing", {"organizationId": stranger.organization_id, "to": party, "active": True}),
        ):
            assert (await one.ask(kind, **fields))["error"]["code"] == "not_found", kind
    assert (await caller.get(f"messages/{secret['id']}")).code == "not_found"
    assert (await caller.put(f"messages/{secret['id']}/read")).code == "not_found"
    assert (await caller.get("workout-threads")).data == {"items": [], "nextCursor": None}
    assert await stored(database) == 1


async def test_strangers_are_forbidden(
    gym: Place, other_gym: Place, http: ClientSession, thread: str
) -> None:
    stranger = Caller(http, other_gym.coach)
    base = f"/v1/organizations/{gym.organization_id}"
    for path in (f"{base}/workout-assignments/{thread}/comments", f"{base}/workout-threads"):
        assert (await stranger.get(path)).code == "forbidden"
    where = f"{base}/workout-assignments/{thread}"
    assert (await stranger.post(f"{where}/comments", {"content": "hi"})).code == "forbidden"
    assert (await stranger.put(f"{where}/read")).code == "forbidden"


async def test_a_thread_is_read_in_pages_both_ways_and_is_no_conversation(
    gym: Place, http: ClientSession, thread: str
) -> None:
    comments = f"workout-assignments/{thread}/comments"
    people = [Caller(http, one) for one in (gym.coach, gym.member, gym.coach2)]
    ids = [(await people[n % 3].post(comments, {"content": str(n)})).data["id"] for n in range(10)]
    reader = Caller(http, gym.admin)

    async def words(**query: Any) -> tuple[str, Any]:
        page = (await reader.get(comments, **query)).data
        return " ".join(item["content"] for item in page["items"]), page

    first, page = await words(limit=4)
    assert (first, page.keys()) == ("9 8 7 6", {"items", "nextCursor"})
    second, page = await words(limit=4, cursor=page["nextCursor"])
    third, page = await words(limit=4, cursor=page["nextCursor"])
    assert (second, third, page["nextCursor"]) == ("5 4 3 2", "1 0", None)

    middle, page = await words(around=ids[5], limit=4)
    assert middle == "6 5 4 3"
    assert (await words(cursor=page["previousCursor"], limit=2))[0] == "8 7"
    await people[2].delete(f"messages/{ids[5]}")
    assert (await words(around=ids[5], limit=4))[0] == "6 4 3 2"
    assert (await words())[0] == "9 8 7 6 4 3 2 1 0"
    assert (await reader.get(comments, around=UNKNOWN)).code == "not_found"
    assert (await reader.get(comments, cursor="x")).code == "bad_request"
    assert (await people[0].get("conversations")).data["items"] == []
    direct = f"conversations/{gym.coach.membership_id}"
    assert (await people[1].get(direct, around=ids[0])).code == "not_found"


async def test_typing_in_a_thread_goes_to_its_member(gym: Place, phone: OpenPhone, thread: str) -> None:
    coach, other, member = await phone(gym.coach), await phone(gym.coach2), await phone(gym.member)
    fields = {"organizationId": gym.organization_id, "to": {"workoutAssignmentId": thread}, "active": True}
    assert (await coach.ask("typing", **fields))["data"] == {}
    assert (await member.next("signal"))["data"] == {
        "fromMembershipId": gym.coach.membership_id,
        "workoutAssignmentId": thread,
        "active": True,
    }
    assert (await member.ask("typing", **fields))["data"] == {}
    for one in (coach, other, member):
        assert [frame for frame in await one.drained() if frame["type"] == "signal"] == []


async def test_a_deleted_workout_takes_no_post_and_shows_nothing(
    gym: Place, http: ClientSession, phone: OpenPhone, thread: str, database: Tables
) -> None:
    coach, comments = Caller(http, gym.coach), f"workout-assignments/{thread}/comments"
    kept = (await coach.post(comments, {"content": "well done"})).data
    member = await phone(gym.member)
    await change_assignment(database, thread, "deleted_at = now()")
    assert (await member.event("assignment.removed"))["data"] == {"workoutAssignmentId": thread}
    for caller in (coach, Caller(http, gym.member)):
        assert (await caller.post(comments, {"content": "more"})).code == "not_found"
        assert (await caller.get(comments)).code == "not_found"
        assert (await caller.get(f"messages/{kept['id']}")).code == "not_found"
        assert (await caller.put(f"workout-assignments/{thread}/read")).code == "not_found"
        assert (await caller.get("workout-threads")).data["items"] == []
    assert (await coach.delete(f"messages/{kept['id']}")).code == "not_found"
    assert (await coach.patch(f"messages/{kept['id']}", {"content": "x"})).code == "not_found"
    assert (await Caller(http, gym.member).get("badge")).data == {"count": 0}


async def test_a_cascade_is_told_and_its_ids_stay_taken(
    gym: Place, http: ClientSession, phone: OpenPhone, thread: str, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = post_in(thread, gym.coach)
    await coach.ask("message.send", **sent)
    await delete_assignment(database, thread)
    for one in (coach, member):
        gone = (await one.event("message.deleted"))["data"]
        assert (gone["id"], gone["workoutAssignmentId"]) == (sent["id"], thread)
    assert (await member.event("assignment.removed"))["data"] == {"workoutAssignmentId": thread}
    assert (await coach.ask("message.send", **sent))["error"]["code"] == "gone"
    assert (await coach.ask("message.send", **post_in(thread, gym.coach)))["error"]["code"] == "not_found"
    assert (await Caller(http, gym.coach).get(f"messages/{sent['id']}")).code == "not_found"
