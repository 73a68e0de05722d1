"""Files of messages: in every read, with links that show them, for whoever may see the message."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.keys import BLOBS

from ..gym import Place, Someone, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, attach, set_status

KEYS = ("one.jpg", "two.jpg", "three.jpg")
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def message_id(gym: Place, http: ClientSession) -> str:
    """From the coach to the member."""
    sent = await Caller(http, gym.coach).post("messages", message_to(gym.member, "look"))
    return str(sent.data["id"])


@pytest.fixture
async def files(database: Tables, message_id: str) -> list[str]:
    """The message's, in the order in which they were sent."""
    return await attach(database, message_id, *KEYS, thumbnail="small.jpg")


def ids(message: Any) -> list[str]:
    return [one["id"] for one in message["attachments"]]


async def erase(tables: Tables, message_id: str) -> None:
    """What an erasure leaves."""
    await tables.execute("update messages set content = null where id = $1", UUID(message_id))
    await tables.execute(
        "update message_ledger set erased_at = now() where message_id = $1", UUID(message_id)
    )


async def test_a_message_shows_its_files_in_the_order_in_which_they_were_sent(
    gym: Place, http: ClientSession, message_id: str, files: list[str]
) -> None:
    began = datetime.now(UTC)
    message = (await Caller(http, gym.member).get(f"messages/{message_id}")).data
    for id_, key, shown in zip(files, KEYS, message["attachments"], strict=True):
        lives = datetime.fromisoformat(shown.pop("urlExpiresAt")) - began
        assert timedelta(minutes=14, seconds=58) < lives <= timedelta(minutes=15, seconds=10)
        assert f"/{key}?" in shown.pop("url")
        assert "/small.jpg?" in shown.pop("thumbnailUrl")
        assert shown == {"id": id_, "type": "image", "mimeType": "image/jpeg", "size": 1000}


async def test_every_read_shows_them(
    gym: Place, http: ClientSession, message_id: str, files: list[str]
) -> None:
    member = Caller(http, gym.member)
    history = (await member.get(f"conversations/{gym.coach.membership_id}")).data["items"]
    around = (await member.get(f"conversations/{gym.coach.membership_id}", around=message_id)).data["items"]
    listed = (await member.get("conversations")).data["items"]
    state = (await member.get("/v1/sync")).data["organizations"][0]["conversations"]["items"]
    begin = (await member.get("/v1/events")).data
    told = (await member.get("/v1/events", epoch=begin["epoch"], position=0)).data["events"]
    reads = [*history, *around, listed[0]["lastMessage"], state[0]["lastMessage"], told[0]["data"]]
    assert [(read["id"], ids(read)) for read in reads] == [(message_id, files)] * 5


async def test_a_thread_shows_them_in_its_page_and_in_the_list(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    post = (await coach.post(f"workout-assignments/{thread}/comments", {"content": "well done"})).data
    files = await attach(database, post["id"], *KEYS)
    for caller in (coach, member, Caller(http, gym.owner)):
        page = (await caller.get(f"workout-assignments/{thread}/comments")).data["items"]
        last = (await caller.get("workout-threads")).data["items"][0]["lastMessage"]
        assert [ids(page[0]), ids(last)] == [files, files]


async def test_a_replay_shows_them(gym: Place, phone: OpenPhone, message_id: str, files: list[str]) -> None:
    member = await phone(gym.member)
    await member.leave()
    member.position = 0
    await member.connect()
    assert [ids(event["data"]) for event in member.events] == [files]


async def test_a_file_without_a_thumbnail_says_so(
    gym: Place, http: ClientSession, database: Tables, message_id: str
) -> None:
    await attach(database, message_id, "clip.mp4")
    message = (await Caller(http, gym.member).get(f"messages/{message_id}")).data
    assert [one["thumbnailUrl"] for one in message["attachments"]] == [None]


async def test_a_link_leads_to_the_bytes(
    gym: Place, http: ClientSession, server: TestServer, message_id: str, files: list[str], tmp_path: Path
) -> None:
    (tmp_path / "picture").write_bytes(b"the bytes of a picture")
    for key in ("one.jpg", "small.jpg"):
        await server.app[BLOBS].put(key, tmp_path / "picture", "image/jpeg")
    member = Caller(http, gym.member)
    shown = (await member.get(f"messages/{message_id}")).data["attachments"][0]
    anew = (await member.get(f"attachments/{files[0]}/url")).data
    for link in (shown["url"], shown["thumbnailUrl"], anew["url"], anew["thumbnailUrl"]):
        async with http.get(link) as response:
            assert (response.status, await response.read()) == (200, b"the bytes of a picture")


async def test_an_edit_keeps_them_and_may_leave_the_words_away(
    gym: Place, phone: OpenPhone, http: ClientSession, message_id: str, files: list[str]
) -> None:
    member, coach = await phone(gym.member), await phone(gym.coach)
    fields = {"organizationId": gym.organization_id, "id": message_id}
    for content in ("look closer", "", "  "):
        assert (await coach.ask("message.edit", **fields, content=content))["type"] == "ok"
        told = (await member.event("message.edited"))["data"]
        assert (told["content"], ids(told)) == (content, files)
    edited = await Caller(http, gym.coach).patch(f"messages/{message_id}", {"content": "look here"})
    assert (edited.data["content"], ids(edited.data)) == ("look here", files)


async def test_in_a_thread_an_edit_keeps_them_as_well(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    caller, member = Caller(http, gym.coach), await phone(gym.member)
    post = (await caller.post(f"workout-assignments/{thread}/comments", {"content": "well done"})).data
    files = await attach(database, post["id"], *KEYS)
    assert ids((await caller.patch(f"messages/{post['id']}", {"content": ""})).data) == files
    assert ids((await member.event("message.edited"))["data"]) == files


async def test_what_was_deleted_or_erased_shows_none(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    deleted, erased = [
        (await coach.post("messages", message_to(gym.member, "look"))).data["id"] for _ in range(2)
    ]
    files = [(await attach(database, id_, "one.jpg"))[0] for id_ in (deleted, erased)]
    assert (await coach.delete(f"messages/{deleted}")).status == 200
    await erase(database, erased)
    for caller in (coach, member):
        for id_ in (deleted, erased):
            message = (await caller.get(f"messages/{id_}")).data
            assert (message["content"], message["attachments"]) == (None, [])
        for file in files:
            assert (await caller.get(f"attachments/{file}/url")).code == "not_found"


async def test_a_link_is_made_anew_for_the_parties(gym: Place, http: ClientSession, files: list[str]) -> None:
    for who in (gym.coach, gym.member):
        began = datetime.now(UTC)
        link = (await Caller(http, who).get(f"attachments/{files[1]}/url")).data
        assert link.keys() == {"url", "thumbnailUrl", "urlExpiresAt"}
        assert "/two.jpg?" in link["url"]
        lives = datetime.fromisoformat(link["urlExpiresAt"]) - began
        assert timedelta(minutes=14, seconds=58) < lives <= timedelta(minutes=15, seconds=10)


async def refusal(http: ClientSession, who: Someone, file: str) -> str:
    return (await Caller(http, who).get(f"attachments/{file}/url")).code


async def test_nobody_else_gets_a_link(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, files: list[str]
) -> None:
    for who in (gym.owner, gym.admin, gym.coach2, gym.member2, other_gym.coach, other_gym.owner):
        assert await refusal(http, who, files[0]) == "not_found"
        assert await refusal(http, who, UNKNOWN) == "not_found"
    stranger = Caller(http, Someone(**vars(other_gym.coach) | {"organization_id": gym.organization_id}))
    assert (await stranger.get(f"attachments/{files[0]}/url")).code == "forbidden"
    assert (await Caller(http, gym.member).get("attachments/one/url")).code == "bad_request"
    await set_status(database, gym.member, "suspended")
    assert await refusal(http, gym.member, files[0]) == "forbidden"


async def test_in_a_thread_staff_get_one_and_its_member_once_it_is_published(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    draft = await assign(database, gym.member, gym.coach, published=False)
    post = await Caller(http, gym.coach).post(f"workout-assignments/{draft}/comments", {"content": "soon"})
    (file,) = await attach(database, post.data["id"], "one.jpg")
    for who in (gym.coach, gym.coach2, gym.owner):
        assert (await Caller(http, who).get(f"attachments/{file}/url")).status == 200
    for who in (gym.member, gym.member2):
        assert await refusal(http, who, file) == "not_found"
    await database.execute("update workout_assignments set published = true where id = $1", UUID(draft))
    assert (await Caller(http, gym.member).get(f"attachments/{file}/url")).status == 200
    assert await refusal(http, gym.member2, file) == "not_found"


async def test_a_message_of_ten_files_and_the_longest_words_fits_a_frame(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    long = "\x01" * 5_000  # six bytes each, as JSON writes them
    sent = await Caller(http, gym.coach).post("messages", message_to(gym.member, long))
    await attach(
        database, sent.data["id"], *(f"{'k' * 100}/{uuid4()}.jpg" for _ in range(10)), thumbnail="t" * 150
    )
    member = await phone(gym.member)
    await member.leave()
    member.position = 0
    await member.connect()
    assert [len(event["data"]["attachments"]) for event in member.events] == [10]
