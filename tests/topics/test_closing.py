"""Whatever ends a right or a thing closes the topics that are open of it: soon, and before anything more is told."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from ..gym import Place
from ..phone import PATIENCE, Frame
from .conftest import Board, Doubt, OpenPhone, Platform, closed, watching

ENDS = {  # what the platform does: why staff, and why the member, have the thread no longer; None: they still do
    "update workout_assignments set deleted_at = now() where id = $1": ("gone", "gone"),
    "delete from workout_assignments where id = $1": ("gone", "gone"),
    "update workout_assignments set published = false where id = $1": (None, "gone"),
}
ENDS_OF_EXERCISE = {
    "update workout_assignments set deleted_at = now() where id = $1": (None, "forbidden"),
    "delete from workout_assignments where id = $1": (None, "forbidden"),
    "update workout_assignments set published = false where id = $1": (None, "forbidden"),
    "update workout_assignments a set workout_id = (select w.id from workouts w where w.id <> a.workout_id limit 1)"
    " where id = $1": (None, "forbidden"),
    "update workout_assignments a set snapshot_workout_id = ("  # a fork: what it was made from stays open
    "select w.id from workouts w where w.id <> a.workout_id limit 1) where id = $1": (None, None),
    "update workouts set deleted_at = now() where id = ("
    "select workout_id from workout_assignments where id = $1)": ("gone", "gone"),
    "delete from workout_movements where workout_id = ("
    "select workout_id from workout_assignments where id = $1)": ("gone", "gone"),
}


@pytest.fixture(autouse=True)
def _by_word_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is found by the look at everything that is open."""
    monkeypatch.setattr("coachwire.socket.topic_rights.EVERY", 1000.0)


@pytest.mark.parametrize("statement", ENDS)
async def test_a_thread_that_ends_is_closed_for_whoever_watches(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform, compare: Doubt, statement: str
) -> None:
    await _closes(gym, phone, board, platform, compare, board.thread, statement, ENDS[statement])


@pytest.mark.parametrize("statement", ENDS_OF_EXERCISE)
async def test_an_exercise_that_ends_is_closed_for_whoever_watches(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform, compare: Doubt, statement: str
) -> None:
    await _closes(
        gym, phone, board, platform, compare, board.exercise, statement, ENDS_OF_EXERCISE[statement]
    )


async def _closes(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform, compare: Doubt,
    topic: str, statement: str, reasons: tuple[str | None, str | None],
) -> None:  # fmt: skip
    watchers = [await watching(phone, who, topic) for who in (gym.coach2, gym.member)]
    await platform.do(statement, board.assignment_id)
    for watcher, reason in zip(watchers, reasons, strict=True):
        if reason is not None:
            assert await watcher.next("topic.closed") == closed(topic, reason)
            assert (await watcher.ask("topic.open", topic=topic))["error"]["code"] == "not_found"
    await platform.settled()
    await board.tell(topic, "message.created", board.assignment_id)  # of a message that there is not
    compare()
    for watcher, reason in zip(watchers, reasons, strict=True):
        if reason is None:
            assert (await watcher.in_topic(topic, "skipped"))["position"] == 1
        else:
            assert [frame for frame in await watcher.drained() if "topic" in frame] == []


@pytest.mark.parametrize("who", ["coach2", "member"])
@pytest.mark.parametrize(
    "statement",
    [
        "update memberships set status = 'suspended' where id = $1",
        "update memberships set deleted_at = now() where id = $1",
        "delete from memberships where id = $1",
    ],
)
async def test_with_the_membership_all_topics_of_the_organization_end(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform, who: str, statement: str
) -> None:
    watcher = await watching(phone, gym.people[who], board.thread, board.exercise)
    await platform.do(statement, gym.people[who].membership_id)
    frames = [await watcher.next("topic.closed"), await watcher.next("topic.closed")]
    assert sorted(frame["topic"] for frame in frames) == sorted([board.thread, board.exercise])
    assert {frame["reason"] for frame in frames} == {"forbidden"}
    assert (await watcher.event("membership.ended"))["position"] == 1


async def test_who_is_no_longer_staff_has_only_their_own_threads(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    own = f"thread:{await platform.assign(gym.coach2)}"
    watcher = await watching(phone, gym.coach2, board.thread, own)
    await platform.do("update memberships set role = 'member' where id = $1", gym.coach2.membership_id)
    assert await watcher.next("topic.closed") == closed(board.thread, "forbidden")
    await watcher.event("membership.changed")
    assert [frame for frame in await watcher.drained() if "topic" in frame] == []
    assert (await watcher.ask("topic.close", topic=own))["type"] == "ok"


async def test_with_the_organization_all_its_topics_end_and_others_go_on(
    gym: Place, other_gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    elsewhere = f"thread:{await platform.assign(other_gym.member)}"
    watchers = [await watching(phone, who, board.thread) for who in (gym.owner, gym.member)]
    witness = await watching(phone, other_gym.coach, elsewhere)
    await platform.do("update organizations set deleted_at = now() where id = $1", gym.organization_id)
    for watcher in watchers:
        assert await watcher.next("topic.closed") == closed(board.thread, "forbidden")
    assert [frame for frame in await witness.drained() if "topic" in frame] == []


async def test_somebody_who_is_deleted_is_closed_with_all_that_is_open(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    watcher = await watching(phone, gym.coach2, board.thread)
    await platform.do("update users set deleted_at = now() where id = $1", gym.coach2.user_id)
    assert await watcher.close_code() == 4503


async def test_nothing_of_an_organization_follows_the_end_of_the_membership_while_others_go_on(
    gym: Place, phone: OpenPhone, board: Board, database_url: str, compare: Doubt
) -> None:
    watcher = await watching(phone, gym.coach2, board.thread)
    enough = asyncio.Event()

    async def write() -> None:
        while not enough.is_set():
            await board.write(times=3)
            compare()

    writing = asyncio.create_task(write())
    for _ in range(10):
        await watcher.in_topic(board.thread, "message.created")
    platform = await asyncpg.connect(database_url)
    await platform.execute(
        "update memberships set status = 'suspended' where id = $1", UUID(gym.coach2.membership_id)
    )
    await platform.close()
    frames: list[Frame] = []
    async with asyncio.timeout(PATIENCE):
        while not {"topic.closed", "membership.ended"} <= {_kind(frame) for frame in frames}:
            frames += await watcher.read()
    enough.set()
    await writing
    assert await board.head() > watcher.topics[board.thread]
    kinds = [_kind(frame) for frame in [*frames, *await watcher.drained()]]
    assert not {"message.created", "skipped"} & set(kinds[kinds.index("membership.ended") :])


async def test_who_keeps_the_right_goes_on_without_a_gap(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform, compare: Doubt
) -> None:
    """Whoever's rights change is told nothing until they were read; the phone fails at a jump."""
    watcher = await watching(phone, gym.coach2, board.thread)
    told: list[Frame] = []
    for role in ("admin", "owner", "coach") * 5:
        ids = await board.write(times=2)
        compare()
        await platform.do("update memberships set role = $2 where id = $1", gym.coach2.membership_id, role)
        ids += await board.write(times=2)
        compare()
        told = [await watcher.in_topic(board.thread, "message.created") for _ in ids]
        assert [event["data"]["id"] for event in told] == ids


async def test_a_single_message_that_goes_is_told_in_its_thread(
    gym: Place, phone: OpenPhone, board: Board, platform: Platform
) -> None:
    (id_,) = await board.write()
    watcher = await watching(phone, gym.coach2, board.thread)
    await platform.do("delete from messages where id = $1", id_)
    deleted = await watcher.in_topic(board.thread, "message.deleted")
    assert (deleted["position"], deleted["data"]["id"]) == (2, id_)


def _kind(frame: Frame) -> str:
    return str(frame.get("kind", frame["type"]))
