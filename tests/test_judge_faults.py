"""The judge is judged on time and on others: each promise broken in one place, and the excuses that do not count."""

from dataclasses import replace

import pytest

from .history import (
    Answer,
    Connection,
    Count,
    DeviceLog,
    Drain,
    Fault,
    Heard,
    History,
    Jump,
    Row,
    Sending,
    Stored,
    Suspension,
    Told,
    Truth,
)
from .judge import PROMISES, Broken, violations

COACH, MEMBER, OTHER = "c0ac4000-coach", "3e3be400-member", "07e40000-other"
EARLY, LATE = "2026-11-24T10:00:00.000001Z", "2026-11-24T10:00:00.000002Z"
READ = "2026-11-24T10:00:05.000000Z"
HARBOR = "harbor-id"
TRUTH = Truth(
    {
        "m1": Stored(COACH, MEMBER, "one", EARLY, READ, False),
        "m2": Stored(COACH, MEMBER, "two", LATE, None, False),
        "m3": Stored(OTHER, "somebody", "three", LATE, None, False),
    },
    {COACH: 3, MEMBER: 3, OTHER: 1, "somebody": 1},
    {
        user_id: [
            Row(1, "message.created", frozenset({"m1"})),
            Row(2, "message.created", frozenset({"m2"})),
            Row(3, "message.read", frozenset({"m1"})),
        ]
        for user_id in (COACH, MEMBER)
    }
    | {user_id: [Row(1, "message.created", frozenset({"m3"}))] for user_id in (OTHER, "somebody")},
)


def told(*times: float) -> list[Told]:
    """All that the member is told, at these times."""
    events = (
        Told(1, 1, "message.created", frozenset({"m1"}), EARLY, "one"),
        Told(2, 2, "message.created", frozenset({"m2"}), LATE, "two"),
        Told(3, 3, "message.read", frozenset({"m1"}), read_at=READ),
    )
    return [one._replace(at=at) for one, at in zip(events, times, strict=True)]


@pytest.fixture
def history() -> History:
    """The coach sends m1 and m2; the member, with two devices on two instances, reads m1. Nothing is broken."""
    return History(
        devices=[
            DeviceLog("phone", MEMBER, 0, told(1, 2, 3), 1, seen={"m1": 1, MEMBER: 1}),
            DeviceLog("tablet", MEMBER, 0, told(1, 2, 3), 1),
        ],
        sendings=[
            Sending("m1", COACH, MEMBER, "one", [ok(EARLY, 1)]),
            Sending("m2", COACH, MEMBER, "two", [ok(LATE, 2)]),
            Sending("m3", OTHER, "somebody", "three", [Answer("ok", 2, 0, LATE, False, ("other-1", 1))]),
        ],
        read={"m1"},
        organizations={"harbor": {HARBOR, COACH, MEMBER}, "summit": {"summit-id", OTHER}},
        homes={MEMBER: "harbor", COACH: "harbor", OTHER: "summit"},
        connections=[
            Connection("phone", "a", 0.0, 0.1),
            Connection("tablet", "b", 0.0, 0.1),
        ],
        healed=100.0,
        converged=101.0,
    )


def ok(created_at: str, turn: int) -> Answer:
    return Answer("ok", float(turn), 0.0, created_at, False, ("coach-1", turn))


def broken(history: History, truth: Truth = TRUTH) -> list[Broken]:
    return violations(history, truth)


def test_a_history_without_fault_passes(history: History) -> None:
    assert broken(history) == []


def test_every_promise_has_a_sentence() -> None:
    assert list(PROMISES) == ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I9", "I11", "I12"]


def test_i1_an_acknowledged_message_that_a_party_cannot_find_is_lost(history: History) -> None:
    history.histories = {MEMBER: {"m1"}, COACH: {"m1", "m2"}}
    assert broken(history) == [Broken("I1", f"{MEMBER} cannot find m2 in the conversation")]


def test_i1_an_acknowledged_message_that_is_not_stored_is_lost(history: History) -> None:
    history.sendings.append(Sending("m4", COACH, MEMBER, "four", [ok("2026-11-24T10:00:00.000003Z", 3)]))
    assert broken(history) == [Broken("I1", "lost: m4 was answered ok")]


def test_i2_a_retry_is_not_answered_otherwise(history: History) -> None:
    history.sendings[0].answers.append(Answer("not_found", 9, 0))
    assert broken(history) == [Broken("I2", "m1 was answered ok, and then not_found")]


def test_i2_a_retry_may_be_forbidden_when_access_has_ended(history: History) -> None:
    history.sendings[0].answers.append(Answer("forbidden", 9, 0))
    assert broken(history) == []


def test_i3_another_order_than_that_of_time_is_found(history: History) -> None:
    swapped = {
        "m1": replace_time(TRUTH.messages["m1"], LATE),
        "m2": replace_time(TRUTH.messages["m2"], EARLY),
        "m3": TRUTH.messages["m3"],
    }
    found = broken(history, replace(TRUTH, messages=swapped))
    assert Broken("I3", f"stream {MEMBER}: created_at does not rise with position") in found


def test_i4_who_is_left_behind_is_found_though_everything_came_in_the_end(history: History) -> None:
    history.devices[1].told = told(1, 2, 14)
    assert broken(history) == [
        Broken("I4", "tablet: told message.read at 3 11.0 s late (at 14.0 s, one of 1 so late)")
    ]


@pytest.mark.parametrize(
    ("fault", "excused"),
    [
        (Fault("PostgreSQL crash", "", 2.5, 6.0), True),
        (Fault("SIGSTOP", "b", 2.5, 7.5), True),
        (Fault("SIGSTOP", "a", 2.5, 7.5), False),  # where the tablet is not
        (Fault("Redis killed", "", 2.5, 13.0), False),  # heads are compared: Redis excuses nothing
        (Fault("kill -9", "a", 2.5, 13.0), False),
    ],
)
def test_i4_only_who_could_not_be_told_is_excused(history: History, fault: Fault, excused: bool) -> None:
    history.devices[1].told = told(1, 2, 14)
    history.faults = [fault]
    assert (broken(history) == []) is excused


def test_i4_who_comes_back_is_told_from_then_on(history: History) -> None:
    history.devices[1].told = told(1, 2, 14)
    history.connections[1].closed = 2.5
    history.connections.append(Connection("tablet", "a", 13.0, 14.1))
    assert broken(history) == []


def test_i4_a_jump_is_repaired_in_time(history: History) -> None:
    history.jumps = [Jump("phone", MEMBER, 2.0, 1, 3)]
    assert broken(history) == []
    history.jumps = [Jump("phone", MEMBER, 3.5, 3, 5)]
    assert broken(history) == [Broken("I4", "phone: the jump from 3 to 5 was not repaired")]


def test_i4_a_hole_in_what_a_device_was_told_is_found(history: History) -> None:
    del history.devices[0].told[1]
    assert broken(history) == [Broken("I4", "phone: position 3 after 1")]


def test_i5_a_count_in_a_snapshot_is_that_of_its_position(history: History) -> None:
    history.counts = [
        Count(MEMBER, "welcome", position, unread) for position, unread in enumerate((0, 1, 2, 1))
    ]
    assert broken(history) == []
    history.counts = [Count(MEMBER, "sync", 2, 1), Count(MEMBER, "sync", 4, 1)]
    assert broken(history) == [
        Broken("I5", f"sync of {MEMBER}: 1 unread at 2, where 2 are"),
        Broken("I5", f"sync of {MEMBER}: position 4 is above the head"),
    ]


def test_i5_the_last_count_that_a_device_heard_is_right(history: History) -> None:
    history.devices[0].unread = 2
    assert broken(history) == [Broken("I5", "phone: told 2 unread of 1")]


def test_i6_a_read_message_does_not_become_unread(history: History) -> None:
    one, two, read = told(1, 2, 3)
    history.devices[0].told = [one._replace(read_at=READ), two, read]  # a replay tells how it stands
    assert broken(history) == []
    history.devices[0].told = [one, two, read, Told(4, 4, "message.created", one.ids, EARLY, "one", 4.0)]
    assert Broken("I6", "phone: m1 was read, and then unread") in broken(history)


def test_i6_read_at_is_set_once(history: History) -> None:
    history.devices[0].told[2] = history.devices[0].told[2]._replace(read_at=LATE)
    assert broken(history, replace(TRUTH, reread=("m1",))) == [
        Broken("I6", "read_at of m1 was changed after it was set"),
        Broken("I6", f"phone: m1 read at {LATE}, stored is {READ}"),
    ]


def test_i7_no_frame_names_what_is_of_others(history: History) -> None:
    history.devices[0].seen |= {"m3": 7.0, OTHER: 8.0}
    assert broken(history) == [
        Broken("I7", "phone: a frame at 7.0 s had message m3, which is of others"),
        Broken("I7", f"phone: a frame at 8.0 s had {OTHER}, which is of summit"),
    ]


@pytest.mark.parametrize("canary", ["canary-summit-c0ac4000-3e3be400", "canary-harbor-c0ac4000-07e40000"])
def test_i7_no_frame_has_a_body_of_others(history: History, canary: str) -> None:
    history.devices[0].canaries = {"canary-harbor-c0ac4000-3e3be400": 1.0, canary: 2.0}
    assert broken(history) == [
        Broken("I7", f"phone: a frame at 2.0 s had the body {canary}, which is of others")
    ]


def test_i9_whoever_is_suspended_hears_no_more_after_a_second(history: History) -> None:
    history.suspensions = [Suspension(MEMBER, HARBOR, 1.9, 2.0, 9.0, 9.1)]
    for log in history.devices:
        log.told = told(1, 2, 3.5)
    assert broken(history) == [
        Broken("I9", "phone: message.read at 3 1.50 s after the access of 3e3be400-member had ended"),
        Broken("I9", "tablet: message.read at 3 1.50 s after the access of 3e3be400-member had ended"),
    ]


def test_i9_it_may_take_five_seconds_where_nothing_announces_it(history: History) -> None:
    history.suspensions = [Suspension(MEMBER, HARBOR, 1.9, 2.0, 9.0, 9.1)]
    for log in history.devices:
        log.told = told(1, 2, 3.5)
    history.faults = [Fault("LISTEN cut", "", 0.5, 2.0)]
    assert broken(history) == []
    history.heard = [
        Heard("phone", MEMBER, 7.5, "typing", HARBOR),
        Heard("phone", MEMBER, 7.5, "typing", "x"),
    ]
    assert broken(history) == [
        Broken("I9", "phone: typing 5.50 s after the access of 3e3be400-member had ended")
    ]


def test_i9_what_is_asked_after_the_commit_is_refused(history: History) -> None:
    history.suspensions = [Suspension(COACH, HARBOR, 1.4, 1.5, 9.0, 9.1)]
    assert broken(history) == [
        Broken("I9", "m2 was answered ok, asked 0.50 s after the access of c0ac4000-coach had ended")
    ]


def test_what_is_skipped_while_suspended_is_no_loss(history: History) -> None:
    history.devices[0].told[1] = Told(2, 2, "skipped", at=2.0)
    assert broken(history) == [Broken("I12", "phone: positions 2 were skipped, and are events")]
    history.suspensions = [Suspension(MEMBER, HARBOR, 1.8, 2.5, 2.6, 2.7)]
    assert broken(history) == []


def test_i11_an_instance_that_stops_says_so_closes_with_4000_and_exits_with_0(history: History) -> None:
    one, other = history.connections
    one.closed, one.code, one.draining = 5.5, 4000, True
    history.drains = [Drain("a", 5.0, 6.0, 0)]
    assert broken(history) == []
    one.code, one.draining = 1006, False
    other.url, other.closed, other.code = "a", 5.5, 4000
    history.drains = [Drain("a", 5.0, 6.0, -9)]
    assert broken(history) == [
        Broken("I11", "a exited with -9, told to stop at 5.0 s"),
        Broken("I11", "phone: closed with 1006 without `draining` at 5.0 s"),
        Broken("I11", "tablet: closed with 4000 without `draining` at 5.0 s"),
    ]


def test_i12_all_devices_equal_the_database_in_time(history: History) -> None:
    history.converged = 111.0
    assert broken(history) == [Broken("I12", "all devices equal the database 11.0 s after the end")]
    history.converged = None
    del history.devices[0].told[2]
    assert broken(history) == [
        Broken("I12", "phone: told up to 2 of 3"),
        Broken("I12", "all devices equal the database never after the end"),
    ]


def replace_time(stored: Stored, created_at: str) -> Stored:
    return stored._replace(created_at=created_at)
