"""Read receipts: by ids, by conversation, up to a message; told once to the sender and to the reader's own devices."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, is_wire_time, message_to
from ..phone import Frame, Phone
from .conftest import OpenPhone
from .platform import Tables, head, join, set_status


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def send(phone: Phone, to: Someone, count: int) -> list[str]:
    """Send that many; their ids, once all are stored."""
    requests = [{"type": "message.send", **message_to(to)} for _ in range(count)]
    for request in requests:
        request["ref"] = request["id"]
    for first in range(0, count, 32):
        await phone.say(requests[first : first + 32])
    for request in requests:
        assert (await phone.answer(request["ref"]))["type"] == "ok"
    return [str(request["id"]) for request in requests]


def by_ids(gym: Place, *ids: str) -> dict[str, Any]:
    return {"organizationId": gym.organization_id, "messageIds": list(ids)}


def by_conversation(other: Someone, **more: Any) -> dict[str, Any]:
    conversation = {"membershipId": other.membership_id}
    return {"organizationId": other.organization_id, "conversation": conversation, **more}


async def unread(database: Tables) -> list[str]:
    rows = await database.fetch("select id::text from messages where read_at is null order by created_at")
    return [row["id"] for row in rows]


async def test_a_receipt_reaches_the_sender_and_every_device_of_the_reader(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    member, tablet = await phone(gym.member), await phone(gym.member)
    ids = await send(coach, gym.member, 3)
    await member.reach(3)

    ok = await member.ask("message.read", **by_ids(gym, *ids))

    read_at = ok["data"]["readAt"]
    assert is_wire_time(read_at)
    assert ok == {"type": "ok", "ref": 1, "data": {"markedCount": 3, "readAt": read_at}, "position": 4}
    for other in (coach, coach_web, tablet):
        event = await other.event("message.read")
        event["data"]["messageIds"].sort()
        assert event == {
            "type": "event",
            "kind": "message.read",
            "organizationId": gym.organization_id,
            "data": {
                "readerMembershipId": gym.member.membership_id,
                "senderMembershipId": gym.coach.membership_id,
                "workoutAssignmentId": None,
                "messageIds": sorted(ids),
                "readAt": read_at,
            },
            "position": 4,
        }
    assert [frame for frame in await member.drained() if frame.get("kind") == "message.read"] == []
    assert await unread(database) == []


async def test_already_read_is_harmless_and_makes_no_event(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    first, second = await send(coach, gym.member, 2)
    await member.reach(2)
    read_at = (await member.ask("message.read", **by_ids(gym, first)))["data"]["readAt"]

    assert await member.ask("message.read", **by_ids(gym, first)) == {
        "type": "ok",
        "ref": 2,
        "data": {"markedCount": 0},
    }
    mixed = await member.ask("message.read", **by_ids(gym, first, second, second))
    assert mixed["data"]["markedCount"] == 1
    assert (await head(database, gym.member), await head(database, gym.coach)) == (4, 4)
    kept = await database.fetchval(
        'select to_char(read_at, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') from messages where id = $1', first
    )
    assert kept == read_at


async def test_a_conversation_is_read_whole_and_its_event_follows_the_ok(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, admin, member = await phone(gym.coach), await phone(gym.admin), await phone(gym.member)
    ids = await send(coach, gym.member, 2)
    (other,) = await send(admin, gym.member, 1)
    await member.reach(3)

    ok = await member.ask("message.read", **by_conversation(gym.coach))

    assert ok == {
        "type": "ok",
        "ref": 1,
        "data": {"markedCount": 2, "readAt": ok["data"]["readAt"]},
    }
    event = await member.event("message.read")
    assert (event["position"], sorted(event["data"]["messageIds"])) == (4, sorted(ids))
    assert await unread(database) == [other]
    again = await member.ask("message.read", **by_conversation(gym.coach))
    assert again == {"type": "ok", "ref": 2, "data": {"markedCount": 0}}


async def test_up_to_takes_all_that_are_not_later(gym: Place, phone: OpenPhone, database: Tables) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    ids = await send(coach, gym.member, 4)
    (own,) = await send(member, gym.coach, 1)
    later = await send(coach, gym.member, 1)

    ok = await member.ask("message.read", **by_conversation(gym.coach, upTo=ids[1]))
    assert ok["data"]["markedCount"] == 2
    assert await unread(database) == [*ids[2:], own, *later]
    ok = await member.ask(
        "message.read", **by_conversation(gym.coach, upTo=own)
    )  # one's own is a mark as well
    assert ok["data"]["markedCount"] == 2
    assert await unread(database) == [own, *later]


async def test_up_to_of_another_conversation_does_not_exist(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, admin, member = await phone(gym.coach), await phone(gym.admin), await phone(gym.member)
    ids = await send(coach, gym.member, 1)
    other = await send(admin, gym.member, 1)
    for up_to in (other[0], str(uuid4())):
        answer = await member.ask("message.read", **by_conversation(gym.coach, upTo=up_to))
        assert answer["error"]["code"] == "not_found"
    assert await unread(database) == [*ids, *other]


async def test_up_to_a_deleted_message_is_still_a_mark(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    ids = await send(coach, gym.member, 3)
    await coach.ask("message.delete", organizationId=gym.organization_id, id=ids[1])
    ok = await member.ask("message.read", **by_conversation(gym.coach, upTo=ids[1]))
    assert ok["data"]["markedCount"] == 1
    assert await unread(database) == ids[1:]


async def test_only_the_recipient_marks_a_message_read(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    first, second = await send(coach, gym.member, 2)
    (own,) = await send(member, gym.coach, 1)
    for who, ids, code in (
        (gym.coach, [first], "forbidden"),  # the sender
        (gym.member, [first, own], "forbidden"),  # one of them is one's own
        (gym.coach2, [first], "not_found"),  # not a party
        (gym.owner, [first], "not_found"),
        (gym.member, [first, str(uuid4())], "not_found"),
        (gym.member, [own, str(uuid4())], "not_found"),
        (other_gym.coach, [first], "forbidden"),  # of this organization
    ):
        answer = await (await phone(who)).ask("message.read", **by_ids(gym, *ids))
        assert answer["error"]["code"] == code, (who, ids)
    assert await unread(database) == [first, second, own]
    assert await head(database, gym.member) == 3


async def test_another_organizations_messages_do_not_exist(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    elsewhere = await join(database, gym.member, other_gym, "member")
    coach, other_coach, member = await phone(gym.coach), await phone(other_gym.coach), await phone(gym.member)
    here = await send(coach, gym.member, 1)
    there = await send(other_coach, elsewhere, 1)

    unknown = await member.ask("message.read", **by_ids(gym, str(uuid4())))
    foreign = await member.ask("message.read", **by_ids(gym, *there))
    assert foreign["error"] == unknown["error"]
    assert foreign["error"]["code"] == "not_found"
    answer = await member.ask(
        "message.read",
        organizationId=gym.organization_id,
        conversation={"membershipId": other_gym.coach.membership_id},
    )
    assert answer["error"] == unknown["error"]
    assert await unread(database) == [*here, *there]


async def test_a_reader_who_was_suspended_marks_nothing(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    ids = await send(coach, gym.member, 1)
    await set_status(database, gym.member, "suspended")
    for fields in (by_ids(gym, *ids), by_conversation(gym.coach)):
        assert (await member.ask("message.read", **fields))["error"]["code"] == "forbidden"
    assert await unread(database) == ids


async def test_what_somebody_who_has_left_wrote_can_be_read(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await send(coach, gym.member, 2)
    await set_status(database, gym.coach, "cancelled")
    ok = await member.ask("message.read", **by_conversation(gym.coach))
    assert ok["data"]["markedCount"] == 2


async def test_a_conversation_that_cannot_be_does_not_exist(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    for membership_id in (str(uuid4()), gym.member.membership_id, gym.coach.user_id):
        answer = await member.ask(
            "message.read",
            organizationId=gym.organization_id,
            conversation={"membershipId": membership_id},
        )
        assert answer["error"]["code"] == "not_found", membership_id
    answer = await member.ask(
        "message.read",
        organizationId=gym.organization_id,
        conversation={"workoutAssignmentId": str(uuid4())},
    )
    assert answer["error"]["code"] == "not_found"


async def test_bad_reads_name_their_fields(gym: Place, phone: OpenPhone) -> None:
    member, organization = await phone(gym.member), gym.organization_id
    for fields, offending in (
        ({}, ["organizationId", "messageIds"]),
        ({"organizationId": organization}, ["messageIds"]),
        ({"organizationId": organization, "messageIds": []}, ["messageIds"]),
        ({"organizationId": organization, "messageIds": [str(uuid4())] * 101}, ["messageIds"]),
        (by_conversation(gym.coach, messageIds=[str(uuid4())]), ["messageIds"]),
        (by_conversation(gym.coach, upTo="yesterday"), ["upTo"]),
    ):
        answer = await member.ask("message.read", **fields)
        assert [detail["field"] for detail in answer["error"]["details"]] == offending


def told_ids(events: list[Frame]) -> list[str]:
    return [id_ for event in events if event["kind"] == "message.read" for id_ in event["data"]["messageIds"]]


async def test_a_long_conversation_is_read_in_events_of_at_most_500(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    ids = await send(coach, gym.member, 1_201)
    member, tablet = await phone(gym.member), await phone(gym.member)
    assert member.welcome["unread"]["total"] == 1_201

    ok = await member.ask("message.read", **by_conversation(gym.coach))

    assert (ok["data"]["markedCount"], "position" in ok) == (1_201, False)
    assert await unread(database) == []
    last = await head(database, gym.member)
    for one in (member, tablet, coach):
        await one.reach(last)
        events = [event for event in one.events if event["type"] == "event"]
        sizes = [len(event["data"]["messageIds"]) for event in events if event["kind"] == "message.read"]
        assert max(sizes) <= 500
        assert len(sizes) <= 4
        assert sorted(told_ids(events)) == sorted(ids)


async def test_reads_that_arrive_together_fold_into_one_event_and_only_the_last_ok_stands_for_it(
    gym: Place, phone: OpenPhone
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    ids = await send(coach, gym.member, 3)
    await member.reach(3)

    await member.say([{"type": "message.read", "ref": id_, **by_ids(gym, id_)} for id_ in ids])

    oks = [await member.answer(id_) for id_ in ids]
    assert [ok["data"]["markedCount"] for ok in oks] == [1, 1, 1]
    assert [ok.get("position") for ok in oks] == [None, None, 4]
    await coach.reach(4)
    assert sorted(told_ids([await coach.event("message.read")])) == sorted(ids)


async def test_two_devices_that_read_at_once_mark_each_message_once(gym: Place, phone: OpenPhone) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    ids = await send(coach, gym.member, 20)

    oks = await asyncio.gather(
        member.ask("message.read", **by_ids(gym, *ids)),
        tablet.ask("message.read", **by_conversation(gym.coach)),
    )

    assert sum(ok["data"]["markedCount"] for ok in oks) == 20
    for one in (member, tablet, coach):
        await one.reach(21)
    assert sorted(told_ids([await coach.event("message.read")])) == sorted(ids)


async def test_reads_of_many_senders_make_an_event_each(gym: Place, phone: OpenPhone) -> None:
    coach, admin, member = await phone(gym.coach), await phone(gym.admin), await phone(gym.member)
    (one,), (other,) = await send(coach, gym.member, 1), await send(admin, gym.member, 1)
    await member.reach(2)

    ok = await member.ask("message.read", **by_ids(gym, one, other))

    assert (ok["data"]["markedCount"], "position" in ok) == (2, False)
    events = [await member.event("message.read"), await member.event("message.read")]
    assert sorted(told_ids(events)) == sorted([one, other])
    assert [event["position"] for event in events] == [3, 4]
    assert told_ids([await coach.event("message.read")]) == [one]
    assert told_ids([await admin.event("message.read")]) == [other]
