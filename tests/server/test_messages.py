"""Sending, through the socket."""

from ..gym import Place, is_wire_time, message_to
from .conftest import OpenPhone


async def test_a_message_reaches_every_device_of_both_and_once(gym: Place, phone: OpenPhone) -> None:
    coach, coach_web = await phone(gym.coach), await phone(gym.coach)
    member, member_tablet = await phone(gym.member), await phone(gym.member)

    sent = message_to(gym.member, "שלום, how was it?")
    ok = await coach.ask("message.send", **sent)

    created_at = ok["data"]["createdAt"]
    assert is_wire_time(created_at)
    assert ok == {
        "type": "ok",
        "ref": 1,
        "data": {
            "id": sent["id"],
            "recipientMembershipId": gym.member.membership_id,
            "createdAt": created_at,
        },
        "position": 1,
    }
    message = {
        "id": sent["id"],
        "organizationId": gym.organization_id,
        "senderMembershipId": gym.coach.membership_id,
        "senderName": gym.coach.name,
        "senderRole": "coach",
        "recipientMembershipId": gym.member.membership_id,
        "workoutAssignmentId": None,
        "content": "שלום, how was it?",
        "attachments": [],
        "createdAt": created_at,
        "readAt": None,
        "editedAt": None,
        "deletedAt": None,
        "erased": False,
    }
    event = {"type": "event", "kind": "message.created", "organizationId": gym.organization_id, "position": 1}
    assert await member.event("message.created") == event | {"data": message}
    assert await member_tablet.event("message.created") == event | {"data": message}
    assert await coach_web.event("message.created") == event | {"data": message | {"delivered": False}}
    assert [frame for frame in await coach.drained() if frame["type"] == "event"] == []
