"""The judge is judged: a history that breaks a promise is found out, one that breaks none passes."""

from dataclasses import dataclass, field

import asyncpg
import pytest

from .gym import message_to, open_gym
from .history import Answer, DeviceLog, History, Row, Sending, Stored, Told, Truth, Watched
from .judge import check, judge

COACH, MEMBER = "coach", "member"
EARLY, LATE = "2026-11-24T10:00:00.000001Z", "2026-11-24T10:00:00.000002Z"
READ = "2026-11-24T10:00:05.000000Z"


def ok(created_at: str, turn: int = 0, *, duplicate: bool = False) -> Answer:
    return Answer("ok", 0.0, 0.0, created_at, duplicate, ("phone-1", turn))


def refused(code: str) -> Answer:
    return Answer(code, 0.0, 0.0)


@dataclass
class Story:
    """The coach sends m1 and m2 and takes m2 back; the member reads m1. Each test spoils it in one place."""

    messages: dict[str, Stored] = field(
        default_factory=lambda: {
            "m1": Stored(COACH, MEMBER, "one", EARLY, READ, False),
            "m2": Stored(COACH, MEMBER, "two", LATE, None, True),
        }
    )
    stream: list[Row] = field(
        default_factory=lambda: [
            Row(1, "message.created", frozenset({"m1"})),
            Row(2, "message.created", frozenset({"m2"})),
            Row(3, "skipped", frozenset({"m1"})),
            Row(4, "message.read", frozenset({"m1"})),
            Row(5, "message.deleted", frozenset({"m2"})),
        ]
    )
    told: list[Told] = field(
        default_factory=lambda: [
            Told(1, 1, "message.created", frozenset({"m1"}), EARLY, "one"),
            Told(2, 2, "message.created", frozenset({"m2"}), LATE, "two"),
            Told(3, 3, "skipped"),
            Told(4, 4, "message.read", frozenset({"m1"}), read_at=READ),
            Told(5, 5, "message.deleted", frozenset({"m2"})),
        ]
    )
    sendings: list[Sending] = field(
        default_factory=lambda: [
            Sending("m1", COACH, MEMBER, "one", [ok(EARLY, 1), ok(EARLY, 3, duplicate=True)]),
            Sending("m2", COACH, MEMBER, "two", [refused("unavailable"), ok(LATE, 2)]),
        ]
    )
    head: int = 5
    unread: int = 0
    read: set[str] = field(default_factory=lambda: {"m1"})
    deleted: set[str] = field(default_factory=lambda: {"m2"})

    def broken(self) -> list[str]:
        phone = DeviceLog("phone", MEMBER, 0, self.told, self.unread)
        truth = Truth(
            self.messages, {COACH: 5, MEMBER: self.head}, {COACH: Story().stream, MEMBER: self.stream}
        )
        return judge(History([phone], self.sendings, self.read, self.deleted), truth)


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_history_without_fault_passes(story: Story) -> None:
    assert story.broken() == []


def test_an_acknowledged_message_that_is_not_stored_is_lost(story: Story) -> None:
    story.sendings.append(Sending("m3", COACH, MEMBER, "three", [ok("2026-11-24T10:00:00.000003Z", 4)]))
    assert story.broken() == ["lost: m3 was answered ok"]


def test_an_acknowledged_message_of_which_something_else_is_stored_is_lost(story: Story) -> None:
    story.sendings.append(Sending("m1", MEMBER, COACH, "one", [ok(EARLY, 5, duplicate=True)]))
    assert story.broken() == ["lost: m1 was answered ok, and something else is stored"]


def test_an_ok_tells_the_time_that_is_stored(story: Story) -> None:
    story.sendings[0].answers.append(ok(LATE, 6, duplicate=True))
    assert story.broken() == ["ok with another createdAt than is stored: m1"]


def test_two_oks_as_new_are_twice(story: Story) -> None:
    story.sendings[0].answers = [ok(EARLY, 1), replaced_turn(ok(EARLY), "phone-2")]
    assert story.broken() == ["twice: m1 was answered ok as new 2 times"]


def test_a_refused_message_is_not_stored(story: Story) -> None:
    story.sendings[0].answers = [refused("forbidden")]
    assert story.broken() == ["stored, though nobody sent it or all was refused: m1"]


def test_a_message_without_an_answer_may_be_stored_or_not(story: Story) -> None:
    story.sendings[0].answers = []
    story.sendings.append(Sending("m3", COACH, MEMBER, "three", []))
    assert story.broken() == []


def test_what_was_asked_on_a_connection_that_was_cut_may_be_stored_though_it_was_refused_later(
    story: Story,
) -> None:
    story.sendings[0].answers = [refused("gone")]
    story.sendings[0].asked = 2
    assert story.broken() == []
    story.sendings[0].asked = 1
    assert story.broken() == ["stored, though nobody sent it or all was refused: m1"]


def test_an_acknowledged_receipt_and_deletion_are_kept(story: Story) -> None:
    story.read.add("m3")
    story.deleted.add("m1")
    assert story.broken() == [
        "lost: the receipt of m3 was answered ok",
        "lost: the deletion of m1 was answered ok",
    ]


def test_a_hole_in_a_stream_is_found(story: Story) -> None:
    del story.stream[2], story.told[2]
    assert story.broken() == [
        "stream member: positions 1-2 4-5 with head 5",
        "phone: position 4 after 2",
    ]


def test_a_message_with_two_positions_is_twice(story: Story) -> None:
    story.stream.append(Row(6, "message.read", frozenset({"m1"})))
    story.told.append(Told(6, 6, "message.read", frozenset({"m1"}), read_at=READ))
    story.head = 6
    assert story.broken() == ["stream member: message.read of m1 too often, or without cause"]


def test_a_message_without_its_event_is_found(story: Story) -> None:
    story.stream[4] = Row(5, "skipped", frozenset({"m2"}))
    story.told[4] = Told(5, 5, "skipped")
    assert story.broken() == ["stream member: no message.deleted of m2"]


def test_another_order_than_that_of_time_is_found(story: Story) -> None:
    one, two = story.stream[:2]
    story.stream[:2] = [Row(1, two.kind, two.ids), Row(2, one.kind, one.ids)]
    story.told[:2] = [
        Told(1, 1, "message.created", frozenset({"m2"}), LATE, "two"),
        Told(2, 2, "message.created", frozenset({"m1"}), EARLY, "one"),
    ]
    assert story.broken() == [
        "stream member: created_at does not rise with position",
        "phone: createdAt does not rise in the order of telling",
    ]


def test_another_order_than_that_of_sending_is_found(story: Story) -> None:
    story.sendings[0].answers = [ok(EARLY, 2)]
    story.sendings[1].answers = [ok(LATE, 1)]
    assert story.broken() == ["connection phone-1: created_at does not rise in the order of sending"]


def test_an_event_told_twice_is_found(story: Story) -> None:
    story.told.insert(1, story.told[0])
    assert story.broken() == [
        "phone: position 1 after 1",
        "phone: createdAt does not rise in the order of telling",
    ]


def test_an_event_not_told_is_found(story: Story) -> None:
    story.told.pop()
    assert story.broken() == ["phone: told up to 4 of 5"]


def test_a_log_that_ended_need_not_reach_the_head(story: Story) -> None:
    story.told.pop()
    phone = DeviceLog("phone", MEMBER, 0, story.told, unread=7, ended=True)
    truth = Truth(story.messages, {COACH: 5, MEMBER: 5}, {COACH: story.stream, MEMBER: story.stream})
    assert judge(History([phone], story.sendings, story.read, story.deleted), truth) == []


def test_an_event_told_as_skipped_is_found(story: Story) -> None:
    story.told[1:3] = [Told(2, 3, "skipped")]
    assert story.broken() == ["phone: positions 2 were skipped, and are events"]


def test_another_event_than_that_of_the_stream_is_found(story: Story) -> None:
    story.told[4] = Told(5, 5, "message.deleted", frozenset({"m1"}))
    assert story.broken() == [f"phone: told message.deleted at 5, where the stream has {story.stream[4]}"]


def test_another_content_and_another_time_than_are_stored_are_found(story: Story) -> None:
    story.told[0] = story.told[0]._replace(content="uno")
    story.told[1] = story.told[1]._replace(created_at="2026-11-24T10:00:00.000003Z")
    assert story.broken() == [
        "phone: told another content of m1 than is stored",
        "phone: told another createdAt of m2 than is stored",
    ]


def test_a_wrong_unread_count_is_found(story: Story) -> None:
    story.unread = 1
    assert story.broken() == ["phone: told 1 unread of 0"]


async def test_the_database_is_read_whole(database_url: str) -> None:
    gym = await open_gym(database_url, "harbor")
    message = message_to(gym.member)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content)"
        " values ($1, $2, $3, 'coach', $4, 'hello')",
        message["id"], gym.organization_id, gym.coach.user_id, gym.member.user_id,
    )  # fmt: skip
    await connection.close()
    sent = Sending(message["id"], gym.coach.user_id, gym.member.user_id, "hello")
    assert sorted(await check(History(sendings=[sent]), database_url)) == sorted(
        f"stream {someone.user_id}: no message.created of {message['id']}"
        for someone in (gym.coach, gym.member)
    )


def replaced_turn(answer: Answer, connection: str) -> Answer:
    return answer._replace(turn=(connection, 0))


ROWS = [(1, "message.created", "m1"), (2, "message.created", "m2"), (3, "message.deleted", "m2")]


@pytest.mark.parametrize(
    ("start", "told", "at"),
    [
        (0, ROWS, None),
        (1, ROWS[1:], None),
        (0, ROWS[:2], 3),
        (0, [ROWS[0], ROWS[2]], 2),
        (1, [ROWS[1], ROWS[1], ROWS[2]], 3),
        (2, [(3, "skipped", "m2")], 3),
    ],
)
def test_who_watches_is_told_what_is_in_the_topic_once_and_in_order(
    start: int, told: list[tuple[int, str, str]], at: int | None
) -> None:
    watched = {("tablet", "thread:1"): Watched(start, told)}
    found = judge(History(watched=watched), Truth({}, {}, {}, topics={"thread:1": ROWS}))
    due = [f"tablet: was told something else of thread:1 at {at} than is there"]
    assert found == ([] if at is None else due)
