"""Messages over the routes: the same operations, rules and events as over the socket."""

from typing import Any
from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, Someone, is_wire_time, message_to
from .conftest import OpenPhone
from .platform import Tables, set_status, stored
from .routes import call, get


def body_to(other: Someone, content: str | None = "hello", **more: Any) -> dict[str, Any]:
    """The body of a POST to this person."""
    return {"to": {"membershipId": other.membership_id}, "content": content, **more}


async def test_a_message_is_created_and_told_live(gym: Place, phone: OpenPhone, http: ClientSession) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    id_ = str(uuid4())

    status, message = await call(http, gym.coach, "POST", "messages", json=body_to(gym.member, id=id_))

    assert (status, message["id"]) == (201, id_)
    assert is_wire_time(message["createdAt"])
    assert message == {
        "id": id_,
        "organizationId": gym.organization_id,
        "senderMembershipId": gym.coach.membership_id,
        "senderName": gym.coach.name,
        "senderRole": "coach",
        "recipientMembershipId": gym.member.membership_id,
        "workoutAssignmentId": None,
        "content": "hello",
        "attachments": [],
        "createdAt": message["createdAt"],
        "readAt": None,
        "editedAt": None,
        "deletedAt": None,
        "erased": False,
        "delivered": False,
    }
    assert (await coach.event("message.created"))["data"] == message
    del message["delivered"]
    assert (await member.event("message.created"))["data"] == message


async def test_without_id_the_server_makes_one(gym: Place, http: ClientSession, database: Tables) -> None:
    answers = [await call(http, gym.coach, "POST", "messages", json=body_to(gym.member)) for _ in range(2)]
    assert [status for status, _ in answers] == [201, 201]
    assert len({message["id"] for _, message in answers}) == 2
    assert await stored(database) == 2


async def test_a_repetition_is_answered_as_such_through_either_door(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    coach = await phone(gym.coach)
    by_socket = message_to(gym.member)
    ok = await coach.ask("message.send", **by_socket)
    by_route = body_to(gym.member, id=str(uuid4()))
    _, first = await call(http, gym.coach, "POST", "messages", json=by_route)

    status, message = await call(
        http, gym.coach, "POST", "messages", json=body_to(gym.member, id=by_socket["id"])
    )
    assert (status, message["createdAt"]) == (200, ok["data"]["createdAt"])
    assert (await call(http, gym.coach, "POST", "messages", json=by_route)) == (200, first)
    answer = await coach.ask("message.send", **message_to(gym.member, id=first["id"]))
    assert answer["data"] == {
        "id": first["id"],
        "recipientMembershipId": gym.member.membership_id,
        "createdAt": first["createdAt"],
        "duplicate": True,
    }
    status, problem = await call(
        http, gym.coach, "POST", "messages", json=body_to(gym.member, "other", id=first["id"])
    )
    assert (status, problem["code"]) == (409, "conflict")
    assert await stored(database) == 2


async def test_the_path_names_the_organization_whatever_the_body_says(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    body = body_to(gym.member, organizationId=other_gym.organization_id, type="ping", ref={})
    status, message = await call(http, gym.coach, "POST", "messages", json=body)
    assert (status, message["organizationId"]) == (201, gym.organization_id)


async def test_refusals_have_the_codes_of_the_socket(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    await set_status(database, gym.coach2, "suspended")
    for who, body, expected in (
        (gym.coach, body_to(gym.coach2), (410, "gone")),
        (gym.coach, body_to(other_gym.member), (404, "not_found")),
        (gym.coach, body_to(gym.coach), (400, "bad_request")),
        (gym.coach, body_to(gym.member, " "), (400, "bad_request")),
        (gym.coach, body_to(gym.member, "x" * 5_001), (400, "bad_request")),
        (gym.coach, body_to(gym.member, attachmentIds=[str(uuid4())]), (404, "not_found")),
        (gym.coach, {"to": {"workoutAssignmentId": str(uuid4())}, "content": "x"}, (404, "not_found")),
        (gym.member, body_to(gym.member2), (403, "forbidden")),
        (gym.coach2, body_to(gym.member), (403, "forbidden")),
    ):
        status, problem = await call(http, who, "POST", "messages", json=body)
        assert (status, problem["code"]) == expected, body
    url = f"/v1/organizations/{other_gym.organization_id}/messages"
    status, problem = await call(http, gym.coach, "POST", url, json=body_to(gym.member))
    assert (status, problem["code"]) == (403, "forbidden")
    assert await stored(database) == 0


async def test_a_message_is_shown_to_its_parties_only(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    _, message = await call(http, gym.coach, "POST", "messages", json=body_to(gym.member))
    path = f"messages/{message['id']}"
    assert await get(http, gym.coach, path) == message
    del message["delivered"]
    assert await get(http, gym.member, path) == message
    for who in (gym.owner, gym.coach2, gym.member2, other_gym.coach):
        status, problem = await call(http, who, "GET", path)
        assert (status, problem["code"]) == (404, "not_found")
    status, problem = await call(http, gym.coach, "GET", f"messages/{uuid4()}")
    assert (status, problem["code"]) == (404, "not_found")
    url = f"/v1/organizations/{gym.organization_id}/{path}"
    status, problem = await call(http, other_gym.coach, "GET", url)
    assert (status, problem["code"]) == (403, "forbidden")
