"""A message said otherwise: by whom, how long, and who is told."""

from dataclasses import replace

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings, SettingsError

from ..gym import SECRET, Place, is_wire_time, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, head, set_status


async def test_an_edit_reaches_every_device_of_both(gym: Place, phone: OpenPhone) -> None:
    coach, coach_web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "tomorow")
    created_at = (await coach.ask("message.send", **sent))["data"]["createdAt"]

    ok = await coach.ask(
        "message.edit", organizationId=gym.organization_id, id=sent["id"], content="מחר, tomorrow"
    )

    edited_at = ok["data"]["editedAt"]
    assert is_wire_time(edited_at)
    assert edited_at > created_at
    assert ok == {"type": "ok", "ref": 2, "data": {"id": sent["id"], "editedAt": edited_at}, "position": 2}
    message = {
        "id": sent["id"],
        "organizationId": gym.organization_id,
        "senderMembershipId": gym.coach.membership_id,
        "senderName": gym.coach.name,
        "senderRole": "coach",
        "recipientMembershipId": gym.member.membership_id,
        "workoutAssignmentId": None,
        "content": "מחר, tomorrow",
        "attachments": [],
        "createdAt": created_at,
        "readAt": None,
        "editedAt": edited_at,
        "deletedAt": None,
        "erased": False,
    }
    event = {"type": "event", "kind": "message.edited", "organizationId": gym.organization_id, "position": 2}
    assert await member.event("message.edited") == event | {"data": message}
    assert await coach_web.event("message.edited") == event | {"data": message | {"delivered": False}}
    assert [frame for frame in await coach.drained() if frame["type"] == "event"] == []


async def test_who_was_away_is_told_of_the_edit_in_its_turn(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "first")
    await coach.ask("message.send", **sent)
    await member.event("message.created")
    await member.leave()
    await coach.ask("message.edit", organizationId=gym.organization_id, id=sent["id"], content="second")

    assert (await member.connect())["events"] == 1
    assert [(e["kind"], e["data"]["content"]) for e in member.events[1:]] == [("message.edited", "second")]


async def test_each_edit_is_later_than_the_one_before_even_when_the_clock_goes_back(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    await database.execute(
        "update messages set content = 'once', edited_at = now() + interval '1 hour' where id = $1",
        sent["id"],
    )
    times = []
    for content in ("twice", "thrice"):
        ok = await coach.ask(
            "message.edit", organizationId=gym.organization_id, id=sent["id"], content=content
        )
        times.append(ok["data"]["editedAt"])
    former = await database.fetchval("select edited_at from messages where id = $1", sent["id"])
    assert times == sorted(set(times))
    assert times[1] == former.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_the_same_content_again_is_harmless_and_told_to_nobody(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "first")
    await coach.ask("message.send", **sent)
    edit = {"organizationId": gym.organization_id, "id": sent["id"], "content": "second"}
    first = await coach.ask("message.edit", **edit)
    await database.execute("update messages set created_at = now() - interval '1 day'")  # the window is over

    again = await coach.ask("message.edit", **edit)

    assert again == {"type": "ok", "ref": 3, "data": first["data"]}
    await member.event("message.edited")
    assert [frame for frame in await member.drained() if frame.get("kind") == "message.edited"] == []
    assert await head(database, gym.member) == 2


async def test_sending_the_edited_message_again_is_still_a_duplicate(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member, "first")
    ok = await coach.ask("message.send", **sent)
    await coach.ask("message.edit", organizationId=gym.organization_id, id=sent["id"], content="second")
    again = await coach.ask("message.send", **sent)
    assert again["data"] == ok["data"] | {"duplicate": True}


async def test_only_the_sender_edits_and_a_stranger_learns_nothing(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    message_id = (await Caller(http, gym.coach).post("messages", message_to(gym.member))).data["id"]
    edit = {"content": "other words"}

    assert (await Caller(http, gym.member).patch(f"messages/{message_id}", edit)).code == "forbidden"
    assert (await Caller(http, gym.owner).patch(f"messages/{message_id}", edit)).code == "not_found"
    assert (await Caller(http, other_gym.coach).patch(f"messages/{message_id}", edit)).code == "not_found"
    outsider = Caller(http, replace(other_gym.coach, organization_id=gym.organization_id))
    assert (await outsider.patch(f"messages/{message_id}", edit)).code == "forbidden"
    unknown = "00000000-0000-4000-8000-000000000000"
    assert (await Caller(http, gym.coach).patch(f"messages/{unknown}", edit)).code == "not_found"
    assert (await Caller(http, gym.coach).get(f"messages/{message_id}")).data["content"] == "hello"


async def test_blank_content_is_refused_unless_there_are_attachments(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    coach = Caller(http, gym.coach)
    message_id = (await coach.post("messages", message_to(gym.member))).data["id"]

    refused = await coach.patch(f"messages/{message_id}", {"content": " \n"})
    assert refused.code == "bad_request"
    assert refused.body["errors"] == [
        {"field": "content", "message": "Expected content that is not blank, or attachments."}
    ]
    for body in ({}, {"content": None}, {"content": 7}, {"content": "x" * 5001}, {"content": "a\0b"}):
        assert (await coach.patch(f"messages/{message_id}", body)).body["errors"][0]["field"] == "content"

    await database.execute(
        "insert into message_attachments (id, message_id, type, r2_key, size, mime_type)"
        " values (gen_random_uuid(), $1, 'image', 'key', 1, 'image/png')",
        message_id,
    )
    assert (await coach.patch(f"messages/{message_id}", {"content": ""})).data["content"] == ""


async def test_a_deleted_message_cannot_be_edited(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    edit = await coach.ask("message.edit", organizationId=gym.organization_id, id=sent["id"], content="x")
    assert edit["error"]["code"] == "gone"


async def test_after_the_window_an_edit_is_refused(gym: Place, http: ClientSession, database: Tables) -> None:
    coach = Caller(http, gym.coach)
    message_id = (await coach.post("messages", message_to(gym.member))).data["id"]
    await database.execute("update messages set created_at = now() - interval '14 minutes 50 seconds'")
    assert (await coach.patch(f"messages/{message_id}", {"content": "in time"})).data["content"] == "in time"

    await database.execute("update messages set created_at = now() - interval '15 minutes'")
    late = await coach.patch(f"messages/{message_id}", {"content": "too late"})
    assert (late.status, late.code) == (409, "edit_window_over")
    assert (await coach.get(f"messages/{message_id}")).data["content"] == "in time"


async def test_an_organizations_own_window_stands_above_the_installations(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    owner, coach = Caller(http, gym.owner), Caller(http, gym.coach)
    message_id = (await coach.post("messages", message_to(gym.member))).data["id"]
    await database.execute("update messages set created_at = now() - interval '1 hour'")

    assert (await coach.patch(f"messages/{message_id}", {"content": "1"})).code == "edit_window_over"
    await owner.patch("settings", {"editWindow": 7200})
    assert (await coach.patch(f"messages/{message_id}", {"content": "2"})).data["content"] == "2"
    await owner.patch("settings", {"editWindow": 0})
    assert (await coach.patch(f"messages/{message_id}", {"content": "3"})).code == "edit_window_over"
    await owner.patch("settings", {"editWindow": None})
    assert (await coach.patch(f"messages/{message_id}", {"content": "4"})).code == "edit_window_over"


async def test_a_recipient_who_has_left_hears_nothing_of_it(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "before")
    await coach.ask("message.send", **sent)
    await member.event("message.created")
    await set_status(database, gym.member, "suspended")

    assert (
        await coach.ask("message.edit", organizationId=gym.organization_id, id=sent["id"], content="after")
    )["type"] == "ok"

    told = [e["data"].get("content") for e in member.events if e["kind"].startswith("message.")]
    told += [f["data"].get("content") for f in await member.drained() if f.get("kind") == "message.edited"]
    assert told == ["before"]


class TestWithEditingOff:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return Settings(database_url=database_url, jwt_secret=SECRET, edit_window=0)

    async def test_nothing_may_be_edited(self, gym: Place, http: ClientSession) -> None:
        coach = Caller(http, gym.coach)
        message_id = (await coach.post("messages", message_to(gym.member))).data["id"]
        assert (await coach.patch(f"messages/{message_id}", {"content": "x"})).code == "edit_window_over"


def test_the_window_is_read_from_the_environment() -> None:
    assert Settings.from_environment({}).edit_window == 900
    assert Settings.from_environment({"COACHWIRE_EDIT_WINDOW": "2h"}).edit_window == 7200
    assert Settings.from_environment({"COACHWIRE_EDIT_WINDOW": "0"}).edit_window == 0
    with pytest.raises(SettingsError, match="COACHWIRE_EDIT_WINDOW: expected a time such as 15m, or 0"):
        Settings.from_environment({"COACHWIRE_EDIT_WINDOW": "fifteen"})
