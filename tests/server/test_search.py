"""Messages by their words: for whoever may see them, as they stand now, whatever the worker that indexes them does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from .caller import Caller
from .conftest import OpenPhone
from .indexed import index, index_backlog, index_held
from .platform import Tables, assign, attach, delete_assignment, join, set_status

Say = Callable[..., Awaitable[str]]


@pytest.fixture
def say(gym: Place, http: ClientSession, database: Tables, database_url: str) -> Say:
    """`await say("words")` from the coach to the member, or others; indexed. Returns the id."""

    async def say(content: str, who: Someone = gym.coach, to: Someone = gym.member) -> str:
        id_ = (await Caller(http, who).post("messages", message_to(to, content))).data["id"]
        await index(database_url, database)
        return str(id_)

    return say


async def found(http: ClientSession, who: Someone, q: str = "squat", **query: Any) -> list[str]:
    return [one["id"] for one in (await Caller(http, who).get("messages/search", q=q, **query)).data["items"]]


async def test_pages_are_newest_first_and_leave_nothing_out(
    gym: Place, http: ClientSession, say: Say
) -> None:
    said = [await say(f"squat number {n}") for n in range(5)]
    await say("deadlift")
    member = Caller(http, gym.member)
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await member.get("messages/search", q="squat", limit=2, **cursor)).data
        assert page.keys() == {"items", "nextCursor"}
        pages.append([one["id"] for one in page["items"]])
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert pages == [said[:2:-1], said[2:0:-1], said[:1]]


async def test_what_is_found_is_the_message_as_ever(
    gym: Place, http: ClientSession, database: Tables, say: Say
) -> None:
    id_ = await say("look at this squat")
    files = await attach(database, id_, "one.jpg")
    for who in (gym.coach, gym.member):
        caller = Caller(http, who)
        (item,) = (await caller.get("messages/search", q="look")).data["items"]
        message = (await caller.get(f"messages/{id_}")).data
        for shown in (item, message):
            assert [one.pop("id") for one in shown["attachments"]] == files
            shown.pop("attachments")  # the links' times differ
        assert item == message


async def test_direct_messages_are_found_by_their_parties_alone(
    gym: Place, http: ClientSession, say: Say
) -> None:
    id_ = await say("squat")
    for who in (gym.coach, gym.member):
        assert await found(http, who) == [id_]
    for who in (gym.owner, gym.admin, gym.coach2, gym.member2):
        assert await found(http, who) == []


async def test_threads_are_found_by_staff_and_by_their_member_once_published(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    draft = await assign(database, gym.member, gym.coach, published=False)
    post = await Caller(http, gym.coach).post(f"workout-assignments/{draft}/comments", {"content": "squat"})
    await index(database_url, database)
    for who in (gym.coach, gym.coach2, gym.owner):
        assert await found(http, who) == [post.data["id"]]
    for who in (gym.member, gym.member2):
        assert await found(http, who) == []
    await database.execute("update workout_assignments set published = true where id = $1", UUID(draft))
    assert await found(http, gym.member) == [post.data["id"]]
    assert await found(http, gym.member2) == []
    await database.execute("update workout_assignments set deleted_at = now() where id = $1", UUID(draft))
    for who in (gym.coach, gym.coach2, gym.member):
        assert await found(http, who) == []


async def test_another_gyms_messages_are_never_found(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables, say: Say
) -> None:
    here = await say("squat")
    guest = await join(database, gym.coach, other_gym, "coach")
    there = await say("squat there", guest, other_gym.member)
    assert await found(http, gym.coach) == [here]
    assert await found(http, guest) == [there]
    for who in (other_gym.owner, other_gym.coach):
        assert await found(http, who) == []
    stranger = Someone(**vars(other_gym.coach) | {"organization_id": gym.organization_id})
    assert (await Caller(http, stranger).get("messages/search", q="squat")).code == "forbidden"


async def test_who_was_demoted_or_has_left_finds_no_more_than_they_may(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    await Caller(http, gym.coach).post(f"workout-assignments/{thread}/comments", {"content": "squat"})
    await index(database_url, database)
    assert len(await found(http, gym.coach2)) == 1
    await database.execute(
        "update memberships set role = 'member' where id = $1", UUID(gym.coach2.membership_id)
    )
    assert await found(http, gym.coach2) == []
    await set_status(database, gym.coach2, "suspended")
    assert (await Caller(http, gym.coach2).get("messages/search", q="squat")).code == "forbidden"


async def test_what_was_edited_is_not_found_by_its_former_words_however_late_the_index_is(
    gym: Place, http: ClientSession, database: Tables, database_url: str, say: Say
) -> None:
    id_ = await say("squat")
    async with index_held(database):
        await Caller(http, gym.coach).patch(f"messages/{id_}", {"content": "deadlift"})
        assert await found(http, gym.member) == []
    await index(database_url, database)
    assert (await found(http, gym.member), await found(http, gym.member, "deadlift")) == ([], [id_])


async def delete(caller: Caller, _: Tables, id_: str) -> None:
    assert (await caller.delete(f"messages/{id_}")).status == 200


async def erase(_: Caller, tables: Tables, id_: str) -> None:
    await tables.execute("update messages set content = null where id = $1", UUID(id_))


async def delete_row(_: Caller, tables: Tables, id_: str) -> None:
    await tables.execute("delete from messages where id = $1", UUID(id_))


@pytest.mark.parametrize("remove", [delete, erase, delete_row])
async def test_what_is_gone_is_not_found_and_leaves_the_index(
    gym: Place, http: ClientSession, database: Tables, database_url: str, say: Say, remove: Callable[..., Any]
) -> None:
    id_ = await say("squat")
    async with index_held(database):
        await remove(Caller(http, gym.coach), database, id_)
        for who in (gym.coach, gym.member):
            assert await found(http, who) == []
    await index(database_url, database)
    assert await database.fetchval("select count(*) from message_search") == 0


async def test_a_workout_that_is_deleted_takes_its_thread_out_of_the_index(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    await Caller(http, gym.coach).post(f"workout-assignments/{thread}/comments", {"content": "squat"})
    await index(database_url, database)
    await delete_assignment(database, thread)
    assert await found(http, gym.coach) == []
    await index(database_url, database)
    assert await database.fetchval("select count(*) from message_search") == 0


async def test_a_message_that_is_committed_late_is_found(
    gym: Place, http: ClientSession, database: Tables, database_url: str, say: Say
) -> None:
    slow = await asyncpg.connect(database_url)
    late = uuid4()
    try:
        async with slow.transaction():
            await slow.execute(
                "insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content)"
                " values ($1, $2, $3, 'coach', $4, 'squat, slowly')",
                late, gym.organization_id, gym.coach.user_id, gym.member.user_id,
            )  # fmt: skip
            fast = await say("squat")
            assert await found(http, gym.member) == [fast]
    finally:
        await slow.close()
    await index(database_url, database)
    assert await found(http, gym.member) == [fast, str(late)]


async def test_what_was_said_before_the_index_is_found_by_and_by(
    gym: Place, http: ClientSession, database: Tables, database_url: str, say: Say
) -> None:
    ids = [await say("squat") for _ in range(3)]
    await database.execute("delete from message_search")
    assert await found(http, gym.member) == []
    await database.execute("insert into search_backlog default values")
    await index_backlog(database_url, database)
    assert await found(http, gym.member) == ids[::-1]


async def test_the_server_indexes_by_itself(gym: Place, http: ClientSession, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member, "squat")
    await coach.ask("message.send", **sent)
    async with asyncio.timeout(10):
        while await found(http, gym.member) != [sent["id"]]:
            pass


async def test_a_message_that_cannot_be_indexed_does_not_hold_up_others(
    gym: Place, http: ClientSession, database: Tables, database_url: str, log: list[Any]
) -> None:
    bad = str(uuid4())
    await database.execute(f"alter table message_search add constraint bad check (message_id <> '{bad}')")
    try:
        async with index_held(database):
            caller = Caller(http, gym.coach)
            good = [
                (await caller.post("messages", message_to(gym.member, "squat"))).data["id"] for _ in range(2)
            ]
            await caller.post("messages", message_to(gym.member, "squat", id=bad))
        await index(database_url, database)
    finally:
        await database.execute("alter table message_search drop constraint bad")
    assert await found(http, gym.member) == good[::-1]
    failed = [entry for entry in log if entry["event"] == "message_not_indexed"]
    assert [entry["id"] for entry in failed] == [bad]
    log[:] = [entry for entry in log if entry not in failed]


@pytest.mark.parametrize(
    "q",
    [
        "",
        " ",
        "!!!",
        "':*&|!",
        "🏋️",
        "\u200f\u202e",
        "\u0301",
        "x" * 201,
        "a b c d e f g h i j k l m",
        "squat\x00",
    ],
)
async def test_what_has_no_words_or_too_many_is_refused(gym: Place, http: ClientSession, q: str) -> None:
    refused = await Caller(http, gym.member).get("messages/search", q=q)
    assert refused.code == "bad_request"
    assert [error["field"] for error in refused.body["errors"]] == ["q"]


async def test_without_words_at_all_it_is_refused(gym: Place, http: ClientSession) -> None:
    assert (await Caller(http, gym.member).get("messages/search")).code == "bad_request"


@pytest.mark.parametrize(
    "q",
    [
        "':*&|!squat",
        "squat' & 'x",
        "squat:* | deep",
        "!squat <-> deep",
        "'; drop table messages; --squat",
        "(squat",
        "\\squat\\",
        "\u202esquat\u202c",  # turned round
        "sq\u200buat",  # with a space of no width
        "＇squat＇",
        "%squat_",
        "squat 🏋️",
    ],
)
async def test_operators_quotes_and_invisible_marks_are_no_words(
    gym: Place, http: ClientSession, say: Say, q: str
) -> None:
    id_ = await say("squat deep x drop table messages")
    assert await found(http, gym.member, q) == [id_]


async def test_the_longest_search_is_answered(gym: Place, http: ClientSession, say: Say) -> None:
    id_ = await say("squat " + "י" * 4_000)
    assert await found(http, gym.member, "squat " + "י" * 194) == [id_]
    assert await found(http, gym.member, "squat " + "ט" * 194) == []


async def test_a_cursor_that_is_none_is_refused(gym: Place, http: ClientSession) -> None:
    refused = await Caller(http, gym.member).get("messages/search", q="squat", cursor="nonsense")
    assert refused.code == "bad_request"
