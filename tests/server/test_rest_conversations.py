"""Conversations over REST: pages in both directions, the page around a message, reading all of it."""

from typing import Any

import pytest
from aiohttp import ClientSession

from ..gym import Place, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, set_status

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def ids(gym: Place, http: ClientSession) -> list[str]:
    """Ten messages from the coach to the member, oldest first; the words are their numbers."""
    coach = Caller(http, gym.coach)
    return [(await coach.post("messages", message_to(gym.member, str(n)))).data["id"] for n in range(10)]


@pytest.fixture
def member(gym: Place, http: ClientSession) -> Caller:
    return Caller(http, gym.member)


@pytest.fixture
def history(gym: Place) -> str:
    return f"conversations/{gym.coach.membership_id}"


def words(page: Any) -> str:
    return " ".join(item["content"] for item in page["items"])


async def test_pages_lead_to_the_oldest_message_and_repeat_none(
    ids: list[str], member: Caller, history: str
) -> None:
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await member.get(history, limit=4, **cursor)).data
        assert page.keys() == {"items", "nextCursor"}
        pages.append(words(page))
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert pages == ["9 8 7 6", "5 4 3 2", "1 0"]


async def test_a_page_around_a_message_leads_both_ways(ids: list[str], member: Caller, history: str) -> None:
    middle = (await member.get(history, around=ids[5], limit=4)).data
    assert words(middle) == "6 5 4 3"
    newer = (await member.get(history, cursor=middle["previousCursor"], limit=2)).data
    assert words(newer) == "8 7"
    newest = (await member.get(history, cursor=newer["previousCursor"], limit=2)).data
    assert (words(newest), newest["previousCursor"]) == ("9", None)
    older = (await member.get(history, cursor=middle["nextCursor"], limit=2)).data
    assert words(older) == "2 1"
    assert words((await member.get(history, cursor=older["nextCursor"])).data) == "0"
    assert words((await member.get(history, cursor=newest["nextCursor"], limit=3)).data) == "8 7 6"


@pytest.mark.parametrize(
    ("number", "limit", "page", "newer", "older"),
    [
        (9, 3, "9 8 7", False, True),
        (0, 3, "1 0", True, False),
        (5, 1, "5", True, True),
        (5, 2, "5 4", True, True),
        (5, 100, "9 8 7 6 5 4 3 2 1 0", False, False),
    ],
)
async def test_a_page_around_a_message_near_an_end(
    ids: list[str], member: Caller, history: str, number: int, limit: int, page: str, newer: bool, older: bool
) -> None:
    found = (await member.get(history, around=ids[number], limit=limit)).data
    assert words(found) == page
    assert (found["previousCursor"] is not None, found["nextCursor"] is not None) == (newer, older)


async def test_a_deleted_message_still_marks_its_place(
    gym: Place, http: ClientSession, ids: list[str], member: Caller, history: str
) -> None:
    await Caller(http, gym.coach).delete(f"messages/{ids[5]}")
    assert words((await member.get(history, around=ids[5], limit=4)).data) == "6 4 3 2"


async def test_the_page_around_the_first_unread_one(ids: list[str], member: Caller, history: str) -> None:
    assert words((await member.get(history, around="firstUnread", limit=3)).data) == "1 0"
    await member.put(f"{history}/read", {"upTo": ids[6]})
    unread = (await member.get(history, around="firstUnread", limit=3)).data
    assert words(unread) == "8 7 6"
    await member.put(f"{history}/read")
    newest = (await member.get(history, around="firstUnread", limit=3)).data
    assert (words(newest), newest["previousCursor"]) == ("9 8 7", None)
    assert words((await member.get(history, cursor=newest["nextCursor"], limit=1)).data) == "6"


async def test_a_page_around_what_is_not_in_the_conversation_is_not_found(
    gym: Place, http: ClientSession, ids: list[str], member: Caller, history: str
) -> None:
    elsewhere = (await Caller(http, gym.coach2).post("messages", message_to(gym.member))).data["id"]
    strangers = (await Caller(http, gym.coach2).post("messages", message_to(gym.member2))).data["id"]
    for message_id in (elsewhere, strangers, UNKNOWN):
        assert (await member.get(history, around=message_id)).code == "not_found"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"around": "lastUnread"}, "around"),
        ({"around": UNKNOWN.upper().replace("0", "A")}, "around"),
        ({"around": UNKNOWN, "cursor": "x"}, "around"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "~"}, "cursor"),
        ({"cursor": "~~AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
    ],
)
async def test_a_page_that_nobody_could_have_told_of_is_a_bad_request(
    member: Caller, history: str, query: dict[str, str], field: str
) -> None:
    refused = await member.get(history, **query)
    assert refused.code == "bad_request"
    assert [error["field"] for error in refused.body["errors"]] == [field]


async def test_a_cursor_towards_newer_ones_is_for_histories_only(
    ids: list[str], member: Caller, history: str
) -> None:
    cursor = (await member.get(history, around=ids[0], limit=1)).data["previousCursor"]
    assert (await member.get("conversations", cursor=cursor)).code == "bad_request"


async def test_a_conversation_is_read_through_a_message_or_whole(
    gym: Place, phone: OpenPhone, ids: list[str], member: Caller, history: str
) -> None:
    coach = await phone(gym.coach)
    assert (await member.put(f"{history}/read", {"upTo": ids[6]})).data == {"markedCount": 7}
    assert sorted((await coach.event("message.read"))["data"]["messageIds"]) == sorted(ids[:7])
    assert (await member.put(f"{history}/read", {})).data == {"markedCount": 3}
    assert sorted((await coach.event("message.read"))["data"]["messageIds"]) == sorted(ids[7:])
    assert (await member.put(f"{history}/read")).data == {"markedCount": 0}
    assert (await member.get("badge")).data == {"count": 0}


async def test_reading_a_conversation_is_refused_as_on_the_socket(
    gym: Place, ids: list[str], member: Caller, history: str, database: Tables
) -> None:
    assert (await member.put(f"{history}/read", {"upTo": UNKNOWN})).code == "not_found"
    assert (await member.put(f"conversations/{UNKNOWN}/read")).code == "not_found"
    bad = await member.put(f"{history}/read", {"upTo": 7})
    assert [error["field"] for error in bad.body["errors"]] == ["upTo"]
    assert (await member.put("conversations/coach/read")).code == "bad_request"
    await set_status(database, gym.member, "suspended")
    assert (await member.put(f"{history}/read")).code == "forbidden"
