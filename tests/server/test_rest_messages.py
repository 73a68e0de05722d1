"""Single messages over REST: what the socket can do durably, by the same rules."""

from aiohttp import ClientSession

from ..gym import Place, is_wire_time, message_to
from .caller import Caller
from .conftest import OpenPhone

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_an_edit_answers_the_message_as_it_is_now(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    member = await phone(gym.member)
    coach = Caller(http, gym.coach)
    sent = (await coach.post("messages", message_to(gym.member, "first"))).data

    edited = await coach.patch(f"messages/{sent['id']}", {"content": "second"})

    assert edited.status == 200
    assert is_wire_time(edited.data["editedAt"])
    assert edited.data == sent | {"content": "second", "editedAt": edited.data["editedAt"]}
    event = await member.event("message.edited")
    assert event["data"] == {key: value for key, value in edited.data.items() if key != "delivered"}


async def test_a_message_is_taken_back_once(gym: Place, phone: OpenPhone, http: ClientSession) -> None:
    member = await phone(gym.member)
    coach = Caller(http, gym.coach)
    message_id = (await coach.post("messages", message_to(gym.member))).data["id"]

    first = await coach.delete(f"messages/{message_id}")
    again = await coach.delete(f"messages/{message_id}")

    assert first.status == again.status == 200
    assert first.data == again.data == {"id": message_id, "deletedAt": first.data["deletedAt"]}
    assert (await member.event("message.deleted"))["data"] == {
        "id": message_id,
        "senderMembershipId": gym.coach.membership_id,
        "workoutAssignmentId": None,
        "deletedAt": first.data["deletedAt"],
    }
    tombstone = (await coach.get(f"messages/{message_id}")).data
    assert (tombstone["content"], tombstone["deletedAt"]) == (None, first.data["deletedAt"])
    assert (await coach.patch(f"messages/{message_id}", {"content": "x"})).code == "gone"


async def test_nobody_takes_back_what_others_said(gym: Place, http: ClientSession) -> None:
    coach = Caller(http, gym.coach)
    message_id = (await coach.post("messages", message_to(gym.member))).data["id"]
    assert (await Caller(http, gym.member).delete(f"messages/{message_id}")).code == "forbidden"
    assert (await Caller(http, gym.coach2).delete(f"messages/{message_id}")).code == "not_found"
    assert (await coach.delete(f"messages/{UNKNOWN}")).code == "not_found"
    assert (await coach.delete("messages/one")).code == "bad_request"


async def test_a_message_is_read_by_its_recipient_once(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    member = Caller(http, gym.member)

    first = await member.put(f"messages/{sent['id']}/read")
    again = await member.put(f"messages/{sent['id']}/read")

    assert first.data == {"markedCount": 1, "readAt": first.data["readAt"]}
    assert again.data == {"markedCount": 0}
    assert (await coach.event("message.read"))["data"] == {
        "readerMembershipId": gym.member.membership_id,
        "senderMembershipId": gym.coach.membership_id,
        "workoutAssignmentId": None,
        "messageIds": [sent["id"]],
        "readAt": first.data["readAt"],
    }
    assert (await Caller(http, gym.coach).put(f"messages/{sent['id']}/read")).code == "forbidden"
    assert (await Caller(http, gym.coach2).put(f"messages/{sent['id']}/read")).code == "not_found"
    assert (await member.put(f"messages/{UNKNOWN}/read")).code == "not_found"


async def test_the_badge_counts_what_is_unread_now(gym: Place, other_gym: Place, http: ClientSession) -> None:
    member = Caller(http, gym.member)
    ids = [
        (await Caller(http, who).post("messages", message_to(gym.member))).data["id"]
        for who in (gym.coach, gym.coach, gym.coach2)
    ]
    assert (await member.get("badge")).data == {"count": 3}
    await member.put(f"messages/{ids[0]}/read")
    await Caller(http, gym.coach).delete(f"messages/{ids[1]}")
    assert (await member.get("badge")).data == {"count": 1}
    assert (await member.get(f"/v1/organizations/{other_gym.organization_id}/badge")).code == "forbidden"
