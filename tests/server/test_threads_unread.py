"""What is unread in threads: addressed to somebody, in the badge; or watched by staff, with marks of their own."""

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, stored

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


@pytest.fixture
async def thread(gym: Place, database: Tables) -> str:
    return await assign(database, gym.member, gym.coach)


async def post(http: ClientSession, who: Someone, thread: str, *words: str) -> list[str]:
    """The ids of these messages."""
    comments = f"workout-assignments/{thread}/comments"
    return [(await Caller(http, who).post(comments, {"content": word})).data["id"] for word in words]


async def counts(http: ClientSession, who: Someone) -> tuple[int, int, int]:
    """unreadCount and mine of the one thread that there is, and the badge."""
    caller = Caller(http, who)
    (item,) = (await caller.get("workout-threads")).data["items"]
    return item["unreadCount"], item["mine"], (await caller.get("badge")).data["count"]


async def test_the_list_shows_each_thread_with_its_newest_message(
    gym: Place, http: ClientSession, thread: str, database: Tables
) -> None:
    other = await assign(database, gym.member2, gym.coach, title="Arms")
    silent = await assign(database, gym.member, gym.coach)
    (first,) = await post(http, gym.member, thread, "done")
    await post(http, gym.coach, other, "well done")
    coach = Caller(http, gym.coach)
    page = (await coach.get("workout-threads")).data
    assert [item["workoutAssignmentId"] for item in page["items"]] == [other, thread]
    assert page["nextCursor"] is None
    assert page["items"][1] == {
        "workoutAssignmentId": thread,
        "membershipId": gym.member.membership_id,
        "workoutId": str(
            await database.fetchval("select workout_id from workout_assignments where id = $1", thread)
        ),
        "title": "Legs",
        "date": "2026-03-01",
        "published": True,
        "lastMessage": (await coach.get(f"messages/{first}")).data,
        "unreadCount": 1,
        "mine": 1,
    }
    (mine,) = (await Caller(http, gym.member2).get("workout-threads")).data["items"]
    assert (mine["workoutAssignmentId"], mine["unreadCount"], mine["mine"]) == (other, 1, 1)

    only = (await coach.get("workout-threads", unread="true")).data["items"]
    assert [item["workoutAssignmentId"] for item in only] == [thread]
    newest = (await coach.get("workout-threads", limit=1)).data
    rest = (await coach.get("workout-threads", limit=1, cursor=newest["nextCursor"])).data
    assert [item["workoutAssignmentId"] for item in newest["items"] + rest["items"]] == [other, thread]
    assert rest["nextCursor"] is None
    assert (await coach.get("workout-threads", unread="perhaps")).code == "bad_request"

    await Caller(http, gym.member).delete(f"messages/{first}")
    last = (await coach.get("workout-threads")).data["items"][1]
    assert (last["workoutAssignmentId"], last["lastMessage"], last["unreadCount"], last["mine"]) == (
        thread,
        None,
        0,
        0,
    )
    assert silent not in str((await coach.get("workout-threads")).body)


async def test_a_second_coach_has_an_unread_state_of_their_own(
    gym: Place, http: ClientSession, thread: str
) -> None:
    ids = await post(http, gym.member, thread, "one", "two", "three")
    assert await counts(http, gym.coach) == (3, 3, 3)
    assert await counts(http, gym.coach2) == (3, 0, 0)
    read = f"workout-assignments/{thread}/read"
    coach2 = Caller(http, gym.coach2)
    assert (await coach2.put(read, {"upTo": ids[1]})).data == {"markedCount": 0}
    assert await counts(http, gym.coach2) == (1, 0, 0)
    assert (await coach2.put(read, {"upTo": ids[0]})).data == {"markedCount": 0}
    assert await counts(http, gym.coach2) == (1, 0, 0)  # a mark never goes back
    around = (await coach2.get(f"workout-assignments/{thread}/comments", around="firstUnread", limit=1)).data
    assert [item["id"] for item in around["items"]] == [ids[2]]
    assert (await coach2.put(read)).data == {"markedCount": 0}
    assert await counts(http, gym.coach2) == (0, 0, 0)
    assert await counts(http, gym.coach) == (3, 3, 3)
    await post(http, gym.admin, thread, "four")
    assert await counts(http, gym.coach2) == (1, 0, 0)
    assert (await coach2.get("workout-threads", unread="true")).data["items"] != []
    await post(http, gym.coach2, thread, "five")  # who posts has seen it so far
    assert await counts(http, gym.coach2) == (0, 0, 0)
    assert (await coach2.get("workout-threads", unread="true")).data["items"] == []
    assert await counts(http, gym.admin) == (1, 0, 0)
    assert await counts(http, gym.member) == (2, 2, 2)


async def test_reading_a_thread_marks_what_is_addressed_to_the_reader_and_tells_the_sender(
    gym: Place, http: ClientSession, phone: OpenPhone, thread: str
) -> None:
    ids = await post(http, gym.member, thread, "one", "two", "three")
    coach, member = await phone(gym.coach), await phone(gym.member)
    where = {"organizationId": gym.organization_id, "conversation": {"workoutAssignmentId": thread}}
    answer = await coach.ask("message.read", **where, upTo=ids[1])
    assert (answer["data"]["markedCount"], "position" in answer) == (2, False)
    receipt = (await member.event("message.read"))["data"]
    assert sorted(receipt.pop("messageIds")) == sorted(ids[:2])
    assert receipt == {
        "readerMembershipId": gym.coach.membership_id,
        "senderMembershipId": gym.member.membership_id,
        "workoutAssignmentId": thread,
        "readAt": answer["data"]["readAt"],
    }
    assert (await coach.event("message.read"))["data"]["workoutAssignmentId"] == thread
    assert await counts(http, gym.coach) == (1, 1, 1)
    unread = await coach.match(lambda frame: frame["type"] == "unread" and frame["total"] == 1)
    assert unread["organizations"] == [{"organizationId": gym.organization_id, "count": 1}]
    assert (await coach.ask("message.read", **where))["data"]["markedCount"] == 1
    assert (await coach.ask("message.read", **where))["data"] == {"markedCount": 0}
    assert await counts(http, gym.coach) == (0, 0, 0)


async def test_ids_are_marked_by_their_recipient_alone_and_move_no_mark(
    gym: Place, http: ClientSession, phone: OpenPhone, thread: str
) -> None:
    ids = await post(http, gym.member, thread, "one", "two")
    named = {"organizationId": gym.organization_id, "messageIds": ids}
    refused = await (await phone(gym.coach2)).ask("message.read", **named)
    assert refused["error"]["code"] == "forbidden"
    assert (await (await phone(gym.member2)).ask("message.read", **named))["error"]["code"] == "not_found"
    marked = await (await phone(gym.coach)).ask("message.read", **named)
    assert (marked["data"]["markedCount"], "position" in marked) == (2, True)
    assert await counts(http, gym.coach) == (2, 0, 0)


async def test_up_to_names_a_message_of_that_thread(
    gym: Place, http: ClientSession, thread: str, database: Tables
) -> None:
    other = await assign(database, gym.member, gym.coach)
    (elsewhere,) = await post(http, gym.member, other, "elsewhere")
    await post(http, gym.member, thread, "here")
    coach = Caller(http, gym.coach)
    for up_to in (elsewhere, UNKNOWN):
        assert (await coach.put(f"workout-assignments/{thread}/read", {"upTo": up_to})).code == "not_found"
    assert (await coach.get("badge")).data == {"count": 2}
    assert await database.fetchval("select count(*) from thread_marks") == 0


async def test_a_member_reads_their_thread_and_leaves_no_mark(
    gym: Place, http: ClientSession, thread: str, database: Tables
) -> None:
    ids = await post(http, gym.coach, thread, "one", "two")
    member = Caller(http, gym.member)
    comments = f"workout-assignments/{thread}/comments"
    around = (await member.get(comments, around="firstUnread", limit=1)).data
    assert [item["id"] for item in around["items"]] == [ids[0]]
    assert (await member.put(f"workout-assignments/{thread}/read", {"upTo": ids[0]})).data == {
        "markedCount": 1
    }
    assert await counts(http, gym.member) == (1, 1, 1)
    assert (await member.put(f"workout-assignments/{thread}/read")).data == {"markedCount": 1}
    await post(http, gym.member, thread, "thanks")
    marks = await database.fetch("select user_id::text from thread_marks")
    assert [row["user_id"] for row in marks] == [gym.coach.user_id]


async def test_a_long_thread_is_read_in_steps_beside_conversations(
    gym: Place, phone: OpenPhone, thread: str, database: Tables
) -> None:
    await database.execute(
        "insert into messages"
        " (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)"
        " select gen_random_uuid(), $1, $2, 'coach', $3, $4, 'again' from generate_series(1, 2500)",
        gym.organization_id, gym.coach.user_id, gym.member.user_id, thread,
    )  # fmt: skip
    assert await stored(database) == 2500
    member = await phone(gym.member)
    whole: dict[str, Any] = {"type": "message.read", "organizationId": gym.organization_id}
    await member.say(
        [
            whole | {"ref": 1, "conversation": {"workoutAssignmentId": thread}},
            whole | {"ref": 2, "conversation": {"membershipId": gym.coach.membership_id}},
            whole | {"ref": 3, "conversation": {"workoutAssignmentId": str(uuid4())}},
        ]
    )
    assert (await member.answer(1))["data"]["markedCount"] == 2500
    assert (await member.answer(2))["data"] == {"markedCount": 0}
    assert (await member.answer(3))["error"]["code"] == "not_found"
