"""Taking a message back: who may, who is told, and what is left of it."""

from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, is_wire_time, message_to
from .conftest import OpenPhone
from .platform import Tables, head, set_status
from .routes import get


async def test_both_sides_are_told_on_every_device(gym: Place, phone: OpenPhone) -> None:
    coach, coach_web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)

    ok = await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])

    deleted_at = ok["data"]["deletedAt"]
    assert is_wire_time(deleted_at)
    assert ok == {"type": "ok", "ref": 2, "data": {"id": sent["id"], "deletedAt": deleted_at}, "position": 2}
    event = {
        "type": "event",
        "kind": "message.deleted",
        "organizationId": gym.organization_id,
        "data": {
            "id": sent["id"],
            "senderMembershipId": gym.coach.membership_id,
            "workoutAssignmentId": None,
            "deletedAt": deleted_at,
        },
        "position": 2,
    }
    assert await member.event("message.deleted") == event
    assert await coach_web.event("message.deleted") == event
    assert [frame for frame in await coach.drained() if frame["type"] == "event"] == []


async def test_a_second_time_answers_the_first_and_makes_no_event(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    first = await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    await coach_web.event("message.deleted")

    for again in (coach, coach_web):
        answer = await again.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
        assert answer == {"type": "ok", "ref": answer["ref"], "data": first["data"]}
    assert (await head(database, gym.coach), await head(database, gym.member)) == (2, 2)


async def test_only_the_sender_takes_back(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    for who, organization, id_, code in (
        (gym.member, gym, sent["id"], "forbidden"),
        (gym.coach2, gym, sent["id"], "not_found"),
        (gym.member2, gym, sent["id"], "not_found"),
        (gym.coach, gym, str(uuid4()), "not_found"),
        (gym.coach, other_gym, sent["id"], "forbidden"),
        (other_gym.coach, other_gym, sent["id"], "not_found"),
        (other_gym.coach, gym, sent["id"], "forbidden"),
    ):
        fields = {"organizationId": organization.organization_id, "id": id_}
        answer = await (await phone(who)).ask("message.delete", **fields)
        assert answer["error"]["code"] == code, (who, organization, id_)
    await set_status(database, gym.coach, "suspended")
    answer = await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    assert answer["error"]["code"] == "forbidden"
    assert await database.fetchval("select count(*) from messages where deleted_at is null") == 1
    assert await head(database, gym.member) == 1


async def test_bad_deletions_name_their_fields(phone: OpenPhone, gym: Place) -> None:
    coach = await phone(gym.coach)
    answer = await coach.ask("message.delete", id="it")
    assert [detail["field"] for detail in answer["error"]["details"]] == ["organizationId", "id"]


async def test_no_read_shows_it_but_its_own_as_a_tombstone(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach = await phone(gym.coach)
    kept, taken = message_to(gym.member, "kept"), message_to(gym.member, "taken back")
    for sent in (kept, taken):
        await coach.ask("message.send", **sent)
    deleted_at = (await coach.ask("message.delete", organizationId=gym.organization_id, id=taken["id"]))[
        "data"
    ]["deletedAt"]

    for who, other in ((gym.coach, gym.member), (gym.member, gym.coach)):
        history = await get(http, who, f"conversations/{other.membership_id}")
        assert [item["id"] for item in history["items"]] == [kept["id"]]
        (conversation,) = (await get(http, who, "conversations"))["items"]
        assert conversation["lastMessage"]["id"] == kept["id"]
        tombstone = await get(http, who, f"messages/{taken['id']}")
        assert (tombstone["content"], tombstone["attachments"]) == (None, [])
        assert tombstone["deletedAt"] == deleted_at
    assert (await get(http, gym.member, "conversations"))["items"][0]["unreadCount"] == 1


async def test_what_is_taken_back_is_no_longer_unread(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    assert (await member.next("unread"))["total"] == 1
    await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    assert await member.next("unread") == {"type": "unread", "total": 0, "organizations": []}


async def test_what_was_read_can_be_taken_back_and_keeps_its_receipt(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    read = await member.ask("message.read", organizationId=gym.organization_id, messageIds=[sent["id"]])
    ok = await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    assert ok["type"] == "ok"
    tombstone = await get(http, gym.coach, f"messages/{sent['id']}")
    assert (tombstone["readAt"], tombstone["content"]) == (read["data"]["readAt"], None)
