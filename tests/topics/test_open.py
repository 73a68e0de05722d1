"""Opening a topic: who may, where it begins, what follows, and how it is closed again."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestServer
from coachwire.hub.inboxes import HELD
from coachwire.keys import SOCKETS
from coachwire_protocol.topics import MAX_TOPICS

from ..gym import Place, message_to
from ..phone import PATIENCE
from .conftest import Board, Connection, Doubt, OpenPhone, Platform, closed, opened

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_who_watches_a_thread_is_told_its_messages_as_events_of_the_topic(
    gym: Place, phone: OpenPhone, board: Board, compare: Doubt
) -> None:
    coach, member = await phone(gym.coach2), await phone(gym.member)
    for watcher in (coach, member):
        assert await watcher.open_topic(board.thread) == opened(board.thread, watcher, 0)
    (id_,) = await board.write("מצוין, keep going")
    compare()
    for watcher in (coach, member):
        event = await watcher.in_topic(board.thread, "message.created")
        created_at = event["data"].pop("createdAt")
        assert len(created_at) == 27
        assert event == {
            "type": "event",
            "kind": "message.created",
            "organizationId": gym.organization_id,
            "topic": board.thread,
            "data": {
                "id": id_,
                "organizationId": gym.organization_id,
                "senderMembershipId": gym.coach.membership_id,
                "senderName": gym.coach.name,
                "senderRole": "coach",
                "recipientMembershipId": gym.member.membership_id,
                "workoutAssignmentId": board.assignment_id,
                "content": "מצוין, keep going",
                "attachments": [],
                "readAt": None,
                "editedAt": None,
                "deletedAt": None,
                "erased": False,
            },
            "position": 1,
        }
        assert [frame for frame in await watcher.drained() if frame["type"] == "event"] == []


@pytest.mark.parametrize("who", ["owner", "admin", "coach", "coach2", "member"])
async def test_staff_and_the_member_may_open_thread_and_exercise(
    gym: Place, phone: OpenPhone, board: Board, who: str
) -> None:
    someone = await phone(gym.people[who])
    for topic in (board.thread, board.exercise):
        assert await someone.open_topic(topic) == opened(topic, someone, 0)


async def test_to_everybody_else_there_is_no_such_topic(
    gym: Place, other_gym: Place, phone: OpenPhone, board: Board
) -> None:
    strangers = [await phone(who) for who in (gym.member2, other_gym.owner, other_gym.member)]
    refusals = [
        (await stranger.ask("topic.open", topic=topic))["error"]
        for stranger in strangers
        for topic in (board.thread, board.exercise, f"thread:{UNKNOWN}", f"exercise:{UNKNOWN}")
    ]
    assert refusals == [{"code": "not_found", "message": refusals[0]["message"]}] * 12


async def test_a_draft_is_open_to_staff_and_does_not_exist_for_its_member(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    draft = f"thread:{await platform.assign(gym.member, published=False)}"
    coach, member = await phone(gym.coach), await phone(gym.member)
    assert (await coach.open_topic(draft))["resume"] == "fresh"
    assert (await member.ask("topic.open", topic=draft))["error"]["code"] == "not_found"


async def test_what_was_deleted_cannot_be_opened(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    await platform.do("update workout_assignments set deleted_at = now()")
    await platform.do("update workouts set deleted_at = now()")
    coach = await phone(gym.coach)
    for topic in (board.thread, board.exercise):
        assert (await coach.ask("topic.open", topic=topic))["error"]["code"] == "not_found"


@pytest.mark.parametrize("topic", ["thread:1", "workout:" + UNKNOWN, "", "thread:" + UNKNOWN + "\n", None])
async def test_an_unknown_kind_of_topic_is_a_bad_request(
    gym: Place, phone: OpenPhone, topic: str | None
) -> None:
    coach = await phone(gym.coach)
    refused = await coach.ask("topic.open", topic=topic)
    assert refused["error"]["code"] == "bad_request"
    assert [detail["field"] for detail in refused["error"]["details"]] == ["topic"]


async def test_at_most_64_topics_are_open_on_a_connection(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    coach = await phone(gym.coach)
    threads = [f"thread:{await platform.assign(gym.member)}" for _ in range(MAX_TOPICS + 1)]
    for thread in threads[:MAX_TOPICS]:
        await coach.open_topic(thread)
    refused = await coach.ask("topic.open", topic=threads[-1])
    assert refused["error"]["code"] == "bad_request"
    assert (await coach.ask("topic.open", topic=threads[0]))["type"] == "ok", "open already"
    assert (await coach.ask("topic.close", topic=threads[1]))["type"] == "ok"
    assert (await coach.ask("topic.open", topic=threads[-1]))["type"] == "ok"
    assert (await (await phone(gym.coach)).ask("topic.open", topic=threads[1]))["type"] == "ok", "elsewhere"


async def test_what_was_refused_takes_no_place(gym: Place, phone: OpenPhone, board: Board) -> None:
    coach = await phone(gym.coach)
    for _ in range(MAX_TOPICS + 1):
        assert (await coach.ask("topic.open", topic=f"thread:{uuid4()}"))["error"]["code"] == "not_found"
    assert (await coach.open_topic(board.thread))["resume"] == "fresh"


async def test_after_close_nothing_more_comes_and_closing_again_is_harmless(
    gym: Place, phone: OpenPhone, board: Board, compare: Doubt
) -> None:
    coach, witness = await phone(gym.coach), await phone(gym.coach2)
    for watcher in (coach, witness):
        await watcher.open_topic(board.thread)
    for topic in (board.thread, board.thread, f"thread:{UNKNOWN}"):
        answer = await coach.ask("topic.close", topic=topic)
        assert answer == {"type": "ok", "ref": answer["ref"], "data": {}}
    await board.write()
    compare()
    await witness.in_topic(board.thread, "message.created")
    assert [frame for frame in await coach.drained() if "topic" in frame] == []


async def test_a_client_that_comes_back_is_told_what_it_missed(
    gym: Place, phone: OpenPhone, board: Board, compare: Doubt
) -> None:
    coach = await phone(gym.coach)
    await board.write(times=2)
    assert await coach.open_topic(board.thread) == opened(board.thread, coach, 2)
    await coach.leave()
    missed = await board.write(times=3)
    await coach.connect()
    assert await coach.open_topic(board.thread) == opened(board.thread, coach, 5, "resumed")
    told = [await coach.in_topic(board.thread, "message.created") for _ in range(3)]
    assert [event["data"]["id"] for event in told] == missed
    (live,) = await board.write()
    compare()
    assert (await coach.in_topic(board.thread, "message.created"))["data"]["id"] == live


async def test_a_long_absence_is_replayed_page_by_page(gym: Place, phone: OpenPhone, board: Board) -> None:
    coach = await phone(gym.coach)
    await board.write(times=4_999)
    coach.topics[board.thread] = 0
    assert (await coach.open_topic(board.thread))["resume"] == "resumed"
    for _ in range(4_999):
        await coach.in_topic(board.thread, "message.created")
    assert coach.topics[board.thread] == 4_999 > HELD


async def test_a_position_that_cannot_be_resumed_is_reset_and_says_why(
    gym: Place, phone: OpenPhone, board: Board, database: Connection
) -> None:
    coach = await phone(gym.coach)
    await board.write(times=3)

    async def resume(epoch: str | None, position: int) -> object:
        asked = {"epoch": epoch, "position": position}
        return (await coach.ask("topic.open", topic=board.thread, resume=asked))["data"]

    assert await resume(coach.epoch, 3) == opened(board.thread, coach, 3, "resumed")
    assert await resume("k0", 3) == opened(board.thread, coach, 3, "reset", reason="epoch")
    assert await resume(coach.epoch, 4) == opened(board.thread, coach, 3, "reset", reason="ahead")
    await database.execute("delete from topic_events where position = 2")
    assert await resume(coach.epoch, 1) == opened(board.thread, coach, 3, "reset", reason="too_old")
    assert await resume(coach.epoch, 2) == opened(board.thread, coach, 3, "resumed")
    await database.execute("update topic_streams set position = 5003")
    assert await resume(coach.epoch, 2) == opened(board.thread, coach, 5003, "reset", reason="too_many")


async def test_subjects_that_are_gone_are_skipped_as_a_range(
    gym: Place, phone: OpenPhone, board: Board, database: Connection
) -> None:
    coach = await phone(gym.coach)
    ids = await board.write(times=4)
    await database.execute("set coachwire.quiet = on")
    await database.execute("delete from messages where id = any ($1::uuid[])", ids[1:3])
    coach.topics[board.thread] = 0
    await coach.open_topic(board.thread)
    first = await coach.in_topic(board.thread, "message.created")
    skipped = await coach.in_topic(board.thread, "skipped")
    last = await coach.in_topic(board.thread, "message.created")
    assert (first["data"]["id"], last["data"]["id"]) == (ids[0], ids[3])
    assert skipped == {"type": "event", "kind": "skipped", "topic": board.thread, "position": 2, "through": 3}


async def test_edits_and_deletions_are_told_as_the_message_is_now(
    gym: Place, phone: OpenPhone, board: Board, database: Connection, compare: Doubt
) -> None:
    coach = await phone(gym.coach)
    await coach.open_topic(board.thread)
    (id_,) = await board.write("before")
    await database.execute(
        "update messages set content = 'after', edited_at = now() where id = $1::uuid", id_
    )
    await board.tell(board.thread, "message.edited", id_)
    compare()
    for kind in ("message.created", "message.edited"):
        assert (await coach.in_topic(board.thread, kind))["data"]["content"] == "after"
    await board.tell(board.thread, "message.deleted", id_)
    await board.tell(board.thread, "message.erased", id_)
    compare()
    deleted = (await coach.in_topic(board.thread, "message.deleted"))["data"]
    assert deleted == {
        "id": id_,
        "senderMembershipId": gym.coach.membership_id,
        "workoutAssignmentId": board.assignment_id,
        "deletedAt": deleted["deletedAt"],
    }
    erased = (await coach.in_topic(board.thread, "message.erased"))["data"]
    assert erased == {"senderMembershipId": gym.coach.membership_id, "messageIds": [id_]}


async def test_topics_of_a_hello_are_answered_after_live_each_by_a_frame(
    gym: Place, other_gym: Place, phone: OpenPhone, board: Board
) -> None:
    coach = await phone(gym.coach)
    await board.write(times=2)
    await coach.leave()
    asked = [
        {"topic": board.thread, "resume": {"epoch": coach.epoch, "position": 1}},
        {"topic": board.exercise},
        {"topic": f"thread:{UNKNOWN}"},
        {"topic": "workout:1"},
    ]
    coach.topics[board.thread] = 1
    await coach.connect(topics=asked)
    answers = [await coach.match(lambda frame: frame["type"].startswith("topic.")) for _ in asked]
    assert {frame["topic"]: frame for frame in answers} == {
        board.thread: {"type": "topic.opened", **opened(board.thread, coach, 2, "resumed")},
        board.exercise: {"type": "topic.opened", **opened(board.exercise, coach, 0)},
        f"thread:{UNKNOWN}": closed(f"thread:{UNKNOWN}", "forbidden"),
        "workout:1": closed("workout:1", "forbidden"),
    }
    assert (await coach.in_topic(board.thread, "message.created"))["position"] == 2
    stranger = await phone(other_gym.coach, topics=[{"topic": board.thread}])
    assert await stranger.next("topic.closed") == closed(board.thread, "forbidden")


async def test_what_names_no_topic_in_a_hello_costs_nothing_but_itself(
    gym: Place, phone: OpenPhone, board: Board
) -> None:
    wrong = ["thread:", "thread:1", f"thread:{UNKNOWN}x", f"thread:{UNKNOWN}\n", f"thread:{UNKNOWN.upper()}"]
    wrong += [f"metrics:{{{UNKNOWN[1:-1]}}}", "exercise:' or true --", "thread", ":", "", "a:" + "b" * 62]
    coach = await phone(gym.coach, topics=[{"topic": topic} for topic in (board.thread, *wrong)])
    answers = [await coach.match(lambda frame: frame["type"].startswith("topic.")) for _ in (0, *wrong)]
    assert {frame["topic"]: frame for frame in answers} == {
        board.thread: {"type": "topic.opened", **opened(board.thread, coach, 0)},
        **{topic: closed(topic, "forbidden") for topic in wrong},
    }
    await board.write()
    assert (await coach.in_topic(board.thread, "message.created"))["position"] == 1


async def test_what_went_while_a_client_was_away_is_gone(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await board.write()
    for watcher in (coach, member):
        await watcher.leave()
    await platform.do("delete from workout_assignments where id = $1::uuid", board.assignment_id)
    for watcher in (coach, member):
        await watcher.connect(topics=[{"topic": board.thread}])
        assert await watcher.next("topic.closed") == closed(board.thread, "gone")


async def test_a_topic_opened_again_begins_anew_and_is_told_once(
    gym: Place, phone: OpenPhone, board: Board, compare: Doubt
) -> None:
    coach = await phone(gym.coach)
    for _ in range(3):
        await coach.open_topic(board.thread)
    await board.write()
    compare()
    await coach.in_topic(board.thread, "message.created")
    assert [frame for frame in await coach.drained() if "topic" in frame] == []


async def test_requests_in_one_array_take_effect_in_order(
    gym: Place, phone: OpenPhone, board: Board, compare: Doubt
) -> None:
    coach, witness = await phone(gym.coach), await phone(gym.coach2)
    await witness.open_topic(board.thread)
    await coach.say(
        [
            {"type": "topic.open", "ref": "a", "topic": board.thread},
            {"type": "topic.close", "ref": "b", "topic": board.thread},
        ]
    )
    assert {(await coach.answer("b"))["type"], (await coach.answer("a"))["type"]} == {"ok"}
    await board.write()
    compare()
    await witness.in_topic(board.thread, "message.created")
    assert [frame for frame in await coach.drained() if "topic" in frame] == []


async def test_a_client_that_goes_while_it_is_told_what_it_missed_leaves_no_topic_open(
    gym: Place, phone: OpenPhone, board: Board, server: TestServer, database: Connection
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await coach.leave()
    await member.ask("message.send", **message_to(gym.coach))
    sockets = server.app[SOCKETS]
    async with database.transaction():
        await database.execute("lock message_attachments in access exclusive mode")  # what is replayed, waits
        await coach.open()
        resume = {"epoch": coach.epoch, "position": coach.position}
        hello = {"token": coach.token, "device": coach.device, "resume": resume}
        await coach.say({"type": "hello", "topics": [{"topic": board.thread}], **hello})
        assert (await coach.next("welcome"))["events"] == 1
        (connection,) = [one for one in sockets.connections if one.user_id == gym.coach.user_id]
        await coach.leave()
        while connection in sockets.connections:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
    async with asyncio.timeout(PATIENCE):
        while connection.position == 0:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert connection.views == {}
