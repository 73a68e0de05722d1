"""Taking what one was not given: rights from before a demotion, fields that the server fills, others' receipts."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.keys import ACKS

from ..gym import Place, Someone, message_to
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables

LIES: dict[str, Any] = {
    "senderMembershipId": "0190a000-0000-7000-8000-000000000001",
    "senderRole": "admin",
    "senderName": "The owner",
    "userId": "0190a000-0000-7000-8000-000000000002",
    "createdAt": "2001-01-01T00:00:00.000000Z",
    "readAt": "2001-01-01T00:00:00.000000Z",
    "editedAt": "2001-01-01T00:00:00.000000Z",
    "deletedAt": "2001-01-01T00:00:00.000000Z",
    "delivered": True,
    "erased": True,
    "position": 1_000,
}


async def set_role(database: Tables, who: Someone, role: str) -> None:
    """Silently: the client has not heard of it, and goes on as before."""
    await database.execute(
        "update memberships set role = $2::text::membership_role where id = $1", UUID(who.membership_id), role
    )


async def test_who_was_demoted_loses_the_rights_of_staff_on_the_open_socket(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    coach, caller = await phone(gym.coach), Caller(http, gym.coach)
    assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"
    assert len((await caller.get("members")).data["items"]) == len(gym.people)
    await set_role(database, gym.coach, "member")
    refused = await coach.ask("message.send", **message_to(gym.member))
    assert refused["error"]["code"] == "forbidden"
    typing = {"organizationId": gym.organization_id, "to": {"membershipId": gym.member2.membership_id}}
    assert (await coach.ask("typing", **typing, active=True))["error"]["code"] == "forbidden"
    assert (await caller.get("settings")).code == "forbidden"
    assert {one["role"] for one in (await caller.get("members")).data["items"]} == {"owner", "admin", "coach"}
    watch = {"organizationId": gym.organization_id, "membershipIds": [gym.member.membership_id]}
    await phone(gym.member)
    assert (await coach.ask("presence.watch", **watch))["data"] == {"online": []}


async def test_an_owner_who_is_no_longer_one_decides_nothing(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    caller = Caller(http, gym.owner)
    for role in ("admin", "coach", "member"):
        await set_role(database, gym.owner, role)
        assert (await caller.patch("settings", {"messageRetentionDays": 1})).code == "forbidden"
    assert await database.fetchval("select count(*) from organization_settings") == 0


async def test_what_is_the_servers_to_say_is_not_taken_from_a_client(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    member = await phone(gym.member)
    began = datetime.now(UTC)
    answer = await Caller(http, gym.coach).post(
        "messages", message_to(gym.member, **LIES, organizationId=other_gym.organization_id)
    )
    coach = await phone(gym.coach)
    sent = await coach.ask("message.send", **message_to(gym.member, **LIES))
    events = [(await member.event("message.created"))["data"] for _ in range(2)]
    assert [event["id"] for event in events] == [answer.data["id"], sent["data"]["id"]]
    for event in events:
        assert event["senderMembershipId"] == gym.coach.membership_id
        assert (event["organizationId"], event["senderRole"]) == (gym.organization_id, "coach")
        assert event["senderName"] == gym.coach.name
        assert (event["readAt"], event["editedAt"], event["deletedAt"]) == (None, None, None)
        assert event["erased"] is False
        assert "delivered" not in event
        assert datetime.fromisoformat(event["createdAt"]).year >= began.year


async def test_a_receipt_is_the_recipients_alone(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    id_ = (await Caller(http, gym.coach).post("messages", message_to(gym.member))).data["id"]
    for who, code in ((gym.coach, "forbidden"), (gym.owner, "not_found"), (gym.member2, "not_found")):
        assert (await Caller(http, who).put(f"messages/{id_}/read")).code == code
        answer = await (await phone(who)).ask(
            "message.read", organizationId=gym.organization_id, messageIds=[id_]
        )
        assert answer["error"]["code"] == code
    assert await database.fetchval("select read_at from messages where id = $1", UUID(id_)) is None


async def test_an_ack_beyond_the_head_delivers_nothing_that_comes_later(
    gym: Place, phone: OpenPhone, http: ClientSession, server: TestServer, database: Tables
) -> None:
    member = await phone(gym.member)
    device = f"/v1/me/devices/{member.device}"
    far: tuple[Any, ...] = (2**53 - 1, 1_000)
    for position in far:
        await member.say({"type": "ack", "position": position})
        assert (await Caller(http, gym.member).put(f"{device}/ack", {"position": position})).status == 200
    bad: tuple[Any, ...] = (2**53, 2**63, -1, 1.5, "7", None, True)
    for position in bad:
        answer = await Caller(http, gym.member).put(f"{device}/ack", {"position": position})
        assert answer.code == "bad_request", position
    await member.drained()
    await server.app[ACKS].write()
    await member.leave()
    sent = (await Caller(http, gym.coach).post("messages", message_to(gym.member, id=str(uuid4())))).data
    assert sent["delivered"] is False
    await server.app[ACKS].write()
    assert await database.fetchval("select max(acked_position) from devices") == 0
