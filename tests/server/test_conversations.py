"""The list of conversations and the history of one: exact, in pages, whatever happened since."""

from typing import Any

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone, message_to
from .conftest import OpenPhone
from .platform import Tables, join, set_status
from .routes import call, get


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def say(http: ClientSession, who: Someone, other: Someone, *contents: str) -> list[str]:
    """The ids of these messages."""
    ids = []
    for content in contents:
        sent = message_to(other, content)
        status, _ = await call(http, who, "POST", "messages", json=sent)
        assert status == 201
        ids.append(str(sent["id"]))
    return ids


async def all_pages(http: ClientSession, who: Someone, path: str, limit: int) -> list[list[Any]]:
    """Every page, following the cursors."""
    pages, query = [], {"limit": str(limit)}
    while True:
        page = await get(http, who, path, **query)
        pages.append(page["items"])
        if page["nextCursor"] is None:
            return pages
        query["cursor"] = page["nextCursor"]


async def test_the_list_names_each_partner_newest_first(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        "update users set image_url = 'https://img.test/n' where id = $1", gym.coach2.user_id
    )
    await say(http, gym.coach2, gym.coach, "from a colleague")
    (first,) = await say(http, gym.coach, gym.member, "to a member")
    (second,) = await say(http, gym.member, gym.coach, "from the member")
    await say(http, gym.admin, gym.member, "between others")

    page = await get(http, gym.coach, "conversations")

    (member, colleague) = page["items"]
    assert page["nextCursor"] is None
    message = await get(http, gym.coach, f"messages/{second}")
    assert member == {
        "membershipId": gym.member.membership_id,
        "name": gym.member.name,
        "role": "member",
        "imageUrl": None,
        "lastMessage": message,
        "lastMessageAt": message["createdAt"],
        "unreadCount": 1,
    }
    assert "delivered" not in message
    assert (colleague["membershipId"], colleague["unreadCount"]) == (gym.coach2.membership_id, 1)
    assert colleague["imageUrl"] == "https://img.test/n"
    (mine,) = [item for item in (await get(http, gym.member, "conversations"))["items"]
               if item["membershipId"] == gym.coach.membership_id]  # fmt: skip
    assert (mine["lastMessage"]["id"], mine["lastMessage"]["delivered"], mine["unreadCount"]) == (
        second,
        False,
        1,
    )
    assert first != second


async def test_a_new_message_moves_its_conversation_to_the_top(gym: Place, http: ClientSession) -> None:
    people = [gym.member, gym.member2, gym.coach2, gym.admin]
    for other in people:
        await say(http, gym.coach, other, "hello")
    await say(http, gym.member, gym.coach, "hello back")
    items = (await get(http, gym.coach, "conversations"))["items"]
    order = [gym.member, gym.admin, gym.coach2, gym.member2]
    assert [item["membershipId"] for item in items] == [one.membership_id for one in order]


@pytest.mark.parametrize("same_time", [False, True])
async def test_the_pages_of_the_list_are_exact(
    gym: Place, http: ClientSession, database: Tables, same_time: bool
) -> None:
    people = [gym.member, gym.member2, gym.coach2, gym.admin, gym.owner]
    for other in people:
        await say(http, gym.coach, other, "hello")
    if same_time:
        for table in ("messages", "message_ledger"):
            await database.execute(f"update {table} set created_at = '2026-01-01T00:00:00Z'")  # noqa: S608 - two constants

    (whole,) = await all_pages(http, gym.coach, "conversations", 100)

    assert {item["membershipId"] for item in whole} == {one.membership_id for one in people}
    for limit in (1, 2, 3, 5):
        pages = await all_pages(http, gym.coach, "conversations", limit)
        assert [item for page in pages for item in page] == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 0 < len(pages[-1]) <= limit


@pytest.mark.parametrize("same_time", [False, True])
async def test_the_pages_of_a_history_are_exact(
    gym: Place, http: ClientSession, database: Tables, same_time: bool
) -> None:
    ids: list[str] = []
    for number in range(6):
        ids += await say(http, gym.coach, gym.member, f"{number} from the coach")
        ids += await say(http, gym.member, gym.coach, f"{number} from the member")
    await say(http, gym.coach, gym.member2, "to somebody else")
    if same_time:
        for table in ("messages", "message_ledger"):
            await database.execute(f"update {table} set created_at = '2026-01-01T00:00:00Z'")  # noqa: S608 - two constants
    expected = sorted(ids, reverse=True) if same_time else ids[::-1]

    for who, other in ((gym.coach, gym.member), (gym.member, gym.coach)):
        path = f"conversations/{other.membership_id}"
        for limit in (1, 5, 6, 12, 100):
            pages = await all_pages(http, who, path, limit)
            assert [item["id"] for page in pages for item in page] == expected
            assert all(len(page) == limit for page in pages[:-1])
            assert pages[-1]


async def test_pages_stay_where_they_are_while_messages_come_and_go(gym: Place, http: ClientSession) -> None:
    ids = await say(http, gym.coach, gym.member, *"abcdef")
    path = f"conversations/{gym.member.membership_id}"
    first = await get(http, gym.coach, path, limit=2)
    assert [item["id"] for item in first["items"]] == [ids[5], ids[4]]
    await say(http, gym.coach, gym.member, "new")
    for gone in (ids[4], ids[3]):  # the last one shown, and the next
        await call(http, gym.coach, "DELETE", f"messages/{gone}")
    second = await get(http, gym.coach, path, limit=2, cursor=first["nextCursor"])
    assert [item["id"] for item in second["items"]] == [ids[2], ids[1]]


async def test_fifty_are_a_page_unless_asked_otherwise(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach = await phone(gym.coach)
    for _ in range(2):
        await coach.say([{"type": "message.send", "ref": n, **message_to(gym.member)} for n in range(26)])
        for n in range(26):
            await coach.answer(n)
    pages = await get(http, gym.member, f"conversations/{gym.coach.membership_id}")
    assert (len(pages["items"]), pages["nextCursor"] is None) == (50, False)


async def test_a_conversation_whose_messages_are_all_deleted_stays(gym: Place, http: ClientSession) -> None:
    ids = await say(http, gym.coach, gym.member, "one", "two")
    await say(http, gym.coach, gym.member2, "later")
    for id_ in ids:
        assert (await call(http, gym.coach, "DELETE", f"messages/{id_}"))[0] == 200

    for who, other in ((gym.coach, gym.member), (gym.member, gym.coach)):
        items = (await get(http, who, "conversations"))["items"]
        emptied = items[-1]
        assert (emptied["membershipId"], emptied["lastMessage"]) == (other.membership_id, None)
        assert (emptied["unreadCount"], len(emptied["lastMessageAt"])) == (0, 27)
        history = await get(http, who, f"conversations/{other.membership_id}")
        assert (history["items"], history["nextCursor"]) == ([], None)
    pages = await all_pages(http, gym.coach, "conversations", 1)
    assert [page[0]["membershipId"] for page in pages] == [
        gym.member2.membership_id,
        gym.member.membership_id,
    ]


async def test_a_conversation_with_somebody_who_left_stays_readable(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    (id_,) = await say(http, gym.member, gym.coach, "bye")
    await set_status(database, gym.member, "cancelled")
    (item,) = (await get(http, gym.coach, "conversations"))["items"]
    assert (item["membershipId"], item["name"]) == (gym.member.membership_id, gym.member.name)
    assert (item["lastMessage"]["id"], item["unreadCount"]) == (id_, 1)
    history = await get(http, gym.coach, f"conversations/{gym.member.membership_id}")
    assert [message["id"] for message in history["items"]] == [id_]
    for path in ("conversations", f"conversations/{gym.coach.membership_id}"):
        assert (await call(http, gym.member, "GET", path))[0] == 403


async def test_a_history_without_messages_is_empty(gym: Place, http: ClientSession) -> None:
    page = await get(http, gym.coach, f"conversations/{gym.member.membership_id}")
    assert (page["items"], page["nextCursor"]) == ([], None)


async def test_the_same_two_people_have_a_conversation_in_each_organization(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    coach = await join(database, gym.coach, other_gym, "coach")
    member = await join(database, gym.member, other_gym, "member")
    (here,) = await say(http, gym.coach, gym.member, "here")
    (there,) = await say(http, coach, member, "there")
    for who, other, id_ in ((gym.coach, gym.member, here), (coach, member, there)):
        history = await get(http, who, f"conversations/{other.membership_id}")
        assert [message["id"] for message in history["items"]] == [id_]
        assert [item["lastMessage"]["id"] for item in (await get(http, who, "conversations"))["items"]] == [
            id_
        ]


async def test_another_organizations_member_has_no_history(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    for membership_id in (other_gym.member.membership_id, gym.coach.membership_id, gym.member.user_id):
        status, problem = await call(http, gym.coach, "GET", f"conversations/{membership_id}")
        assert (status, problem["code"]) == (404, "not_found")
