"""Owners and admins delete what others wrote: who is told, what is written down, and who may read that."""

from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import ClientSession

from ..gym import Place, is_wire_time, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, head, set_status


async def test_an_admin_deletes_anybodys_message_and_both_parties_are_told(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member, admin = await phone(gym.coach), await phone(gym.member), await phone(gym.admin)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    assert (await member.next("unread"))["total"] == 1
    ok = await admin.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    assert ok == {"type": "ok", "ref": 1, "data": {"id": sent["id"], "deletedAt": ok["data"]["deletedAt"]}}
    told = {
        "id": sent["id"],
        "senderMembershipId": gym.coach.membership_id,
        "workoutAssignmentId": None,
        "deletedAt": ok["data"]["deletedAt"],
    }
    for party in (coach, member):
        event = await party.event("message.deleted")
        assert (event["data"], event["position"]) == (told, 2)
    assert await member.next("unread") == {"type": "unread", "total": 0, "organizations": []}
    assert [frame for frame in await admin.drained() if frame["type"] == "event"] == []
    assert (await Caller(http, gym.member).get("badge")).data == {"count": 0}


async def test_under_a_workout_whoever_watches_is_told_as_well(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    member, watcher = await phone(gym.member), await phone(gym.coach2)
    await watcher.ask("topic.open", topic=f"thread:{thread}")
    posted = await member.ask(
        "message.send",
        organizationId=gym.organization_id,
        id=str(uuid4()),
        to={"workoutAssignmentId": thread},
        content="ouch",
    )
    id_ = posted["data"]["id"]
    answer = await Caller(http, gym.owner).delete(f"messages/{id_}")
    assert (answer.status, answer.data["id"]) == (200, id_)
    deleted = await watcher.match(
        lambda frame: frame.get("topic") == f"thread:{thread}" and frame.get("kind") == "message.deleted"
    )
    assert (deleted["position"], deleted["data"]["id"]) == (2, id_)
    assert deleted["data"]["workoutAssignmentId"] == thread
    assert (await member.event("message.deleted"))["data"]["id"] == id_


async def test_who_is_neither_owner_nor_admin_may_not(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    comments = f"workout-assignments/{thread}/comments"
    posted = (await Caller(http, gym.member).post(comments, {"content": "mine"})).data["id"]
    direct = (await Caller(http, gym.coach).post("messages", message_to(gym.member))).data["id"]
    for who, id_, code in (
        (gym.coach2, posted, "forbidden"),
        (gym.coach2, direct, "not_found"),
        (gym.member, direct, "forbidden"),
        (gym.member2, posted, "not_found"),
        (other_gym.owner, direct, "not_found"),
    ):
        assert (await Caller(http, who).delete(f"messages/{id_}")).code == code
    await set_status(database, gym.admin, "suspended")
    assert (await Caller(http, gym.admin).delete(f"messages/{direct}")).code == "forbidden"
    assert await database.fetchval("select count(deleted_at) from messages") == 0
    assert await database.fetchval("select count(*) from audit") == 0


async def test_to_edit_stays_the_senders(gym: Place, http: ClientSession) -> None:
    direct = (await Caller(http, gym.coach).post("messages", message_to(gym.member))).data["id"]
    owner = Caller(http, gym.owner)
    assert (await owner.patch(f"messages/{direct}", {"content": "nice"})).code == "not_found"


async def test_what_was_done_to_others_is_written_down_once(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    coach, owner = Caller(http, gym.coach), Caller(http, gym.owner)
    others = (await coach.post("messages", message_to(gym.member))).data["id"]
    taken_back = (await coach.post("messages", message_to(gym.member))).data["id"]
    own = (await owner.post("messages", message_to(gym.member))).data["id"]
    await coach.delete(f"messages/{taken_back}")
    await owner.delete(f"messages/{own}")
    first = (await owner.delete(f"messages/{others}")).data
    assert (await owner.delete(f"messages/{others}")).data == first
    assert (await owner.delete(f"messages/{taken_back}")).status == 200
    audit = (await Caller(http, gym.admin).get("audit")).data
    (row,) = audit["items"]
    assert is_wire_time(row["at"])
    assert row == {
        "id": row["id"],
        "at": row["at"],
        "actorMembershipId": gym.owner.membership_id,
        "action": "message.deleted",
        "subjectMembershipId": gym.coach.membership_id,
        "subjectId": others,
        "details": {"workoutAssignmentId": None, "recipientMembershipId": gym.member.membership_id},
    }
    assert audit["nextCursor"] is None
    assert await head(database, gym.owner) == 2  # their own message, and its end


async def test_what_was_written_down_is_read_in_pages_by_owner_and_admin(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        """
        select audit_deed($1, $2, 'deed.' || n, null, null) from generate_series(1, 7) n
        """,
        UUID(gym.organization_id), UUID(gym.admin.user_id),
    )  # fmt: skip
    owner, found, cursor = Caller(http, gym.owner), [], None
    while True:
        page = (await owner.get("audit", limit=3, **({"cursor": cursor} if cursor else {}))).data
        found += [row["action"] for row in page["items"]]
        if (cursor := page["nextCursor"]) is None:
            break
    assert found == [f"deed.{n}" for n in range(7, 0, -1)]
    for who in (gym.coach, gym.member):
        assert (await Caller(http, who).get("audit")).code == "forbidden"
    assert (await Caller(http, other_gym.owner).get("audit")).data["items"] == []
    stranger = f"/v1/organizations/{gym.organization_id}/audit"
    assert (await Caller(http, other_gym.owner).get(stranger)).code == "forbidden"
    assert (await owner.get("audit", cursor="x")).code == "bad_request"


@pytest.mark.parametrize(
    "change", ["update audit set action = 'nothing'", "delete from audit", "truncate audit"]
)
async def test_what_is_written_down_stays(gym: Place, database: Tables, change: str) -> None:
    await database.execute(
        "select audit_deed($1, $2, 'deed', null, null)", UUID(gym.organization_id), UUID(gym.owner.user_id)
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="what is written in audit stays"):
        await database.execute(change)
    assert await database.fetchval("select action from audit") == "deed"
