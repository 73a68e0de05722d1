"""The hub's order: whatever is lost, doubled, swapped or late, everybody is told every position once, in order."""

import pytest
from coachwire.hub import CONNECTIONS, Hub
from coachwire.hub.inboxes import HELD, Rider
from coachwire_protocol.close import CloseCode
from coachwire_protocol.frames import skipped_frame

from .listening import USER, Recorder, event, ok

OTHER = "other"


def connected(hub: Hub, device: str = "phone", *, at: int = 0, user: str = USER) -> Recorder:
    member = Recorder(device, position=at, told=at)
    hub.register(user, member)
    assert hub.join(user, member)
    return member


@pytest.fixture
def hub() -> Hub:
    return Hub()


def deliver(hub: Hub, *positions: int) -> None:
    for position in positions:
        hub.deliver(USER, position, position, event(position))


def test_what_comes_in_order_is_handed_on_as_it_comes(hub: Hub) -> None:
    phone, web = connected(hub, "phone"), connected(hub, "web")
    deliver(hub, 1, 2)
    assert phone.frames == web.frames == [event(1), event(2)]
    assert hub.gaps == set()


def test_what_was_there_already_is_dropped(hub: Hub) -> None:
    phone = connected(hub, at=5)
    deliver(hub, 3, 5, 6, 6)
    assert phone.frames == [event(6)]


def test_what_comes_too_early_waits_for_what_is_missing(hub: Hub) -> None:
    woken: list[None] = []
    hub.wake = lambda: woken.append(None)
    phone = connected(hub)
    deliver(hub, 3, 2)
    assert (phone.frames, hub.gaps, len(woken)) == ([], {USER}, 2)
    deliver(hub, 1)
    assert phone.frames == [event(1), event(2), event(3)]
    assert hub.gaps == set()


def test_a_range_that_overlaps_what_was_told_is_told_from_there_on(hub: Hub) -> None:
    phone = connected(hub, at=4)
    hub.deliver(USER, 3, 6, skipped_frame(3, 6))
    assert phone.frames == [skipped_frame(5, 6)]


def test_a_connection_that_read_further_than_the_others_is_told_only_the_rest_of_a_range(hub: Hub) -> None:
    phone = connected(hub, "phone")
    web = connected(hub, "web", at=3)
    assert hub.gaps == {USER}, "the phone is behind what the web has read"
    hub.deliver(USER, 1, 5, skipped_frame(1, 5))
    assert phone.frames == [skipped_frame(1, 5)]
    assert web.frames == [skipped_frame(4, 5)]


def test_a_connection_that_read_further_than_the_others_waits_for_them(hub: Hub) -> None:
    phone = connected(hub, "phone")
    web = connected(hub, "web", at=3)
    deliver(hub, 1, 2, 3, 4)
    assert phone.frames == [event(1), event(2), event(3), event(4)]
    assert web.frames == [event(4)]


def test_events_beyond_the_bound_are_dropped_and_their_positions_remembered(hub: Hub) -> None:
    phone = connected(hub)
    deliver(hub, *range(2, HELD + 12))
    inbox = hub.inboxes[USER]
    assert (len(inbox.held), inbox.head, hub.gaps) == (HELD, HELD + 11, {USER})
    deliver(hub, 1)
    assert (phone.told, hub.gaps) == (HELD + 1, {USER})
    deliver(hub, *range(HELD + 2, HELD + 12))
    assert (phone.told, hub.gaps) == (HELD + 11, set())


def test_an_ok_stands_for_its_event_on_the_connection_that_asked_and_nowhere_else(hub: Hub) -> None:
    phone, web = connected(hub, "phone"), connected(hub, "web")
    assert hub.deliver(USER, 1, 1, event(1), Rider(phone, ok(1)))
    assert (phone.frames, web.frames) == ([ok(1)], [event(1)])


@pytest.mark.parametrize("position", [1, 3])
def test_an_ok_does_not_stand_for_an_event_that_is_not_next(hub: Hub, position: int) -> None:
    phone = connected(hub, at=1)
    assert not hub.deliver(USER, position, position, event(position), Rider(phone, ok(position)))
    deliver(hub, 2)
    assert phone.frames == [event(2), event(3)][: position - 1 or 1]


def test_a_connection_joins_only_when_it_has_read_up_to_the_head(hub: Hub) -> None:
    phone = Recorder()
    hub.register(USER, phone)
    hub.note(USER, 2)
    assert not hub.join(USER, phone)
    phone.position = phone.told = 2
    assert hub.join(USER, phone)
    deliver(hub, 3)
    assert phone.frames == [event(3)]


def test_what_happens_while_a_connection_reads_is_noted_for_it(hub: Hub) -> None:
    phone = Recorder()
    hub.register(USER, phone)
    deliver(hub, 1)
    assert (phone.frames, hub.join(USER, phone)) == ([], False)


def test_the_same_device_replaces_its_older_connection(hub: Hub) -> None:
    older = connected(hub)
    newer = connected(hub)
    assert (older.closed, newer.closed) == ([CloseCode.REPLACED], [])
    deliver(hub, 1)
    assert (older.frames, newer.frames) == ([], [event(1)])
    assert not hub.unregister(USER, older), "the newer one is still there"
    assert hub.unregister(USER, newer)


def test_word_of_a_newer_session_closes_older_ones_only(hub: Hub) -> None:
    phone, web = connected(hub, "phone"), connected(hub, "web")
    hub.replaced(USER, "phone", 1)
    assert phone.closed == []
    hub.replaced(USER, "phone", 2)
    assert (phone.closed, web.closed) == ([CloseCode.REPLACED], [])


def test_one_connection_too_many_closes_the_oldest(hub: Hub) -> None:
    members = [connected(hub, f"device {number}") for number in range(CONNECTIONS + 1)]
    assert [member.closed for member in members] == [[CloseCode.TOO_MANY_CONNECTIONS], *[[]] * CONNECTIONS]
    assert len(hub.inboxes[USER].members) == CONNECTIONS


def test_after_a_reset_a_stream_may_begin_anew_below_where_it_was(hub: Hub) -> None:
    before = connected(hub, at=50)
    deliver(hub, 52)
    hub.reset([USER, "nobody here"])
    assert (before.closed, hub.gaps) == ([CloseCode.DRAINING], set())
    after = connected(hub, at=49)  # the closed one has not left yet
    deliver(hub, 50, 51)
    assert after.frames == [event(50), event(51)], "52 was of the former life"
    assert not hub.unregister(USER, before)


def test_what_was_allowed_before_a_right_ended_is_read_again(hub: Hub) -> None:
    phone = connected(hub)
    deliver(hub, 2)
    hub.revoke(USER, 4, 4, event(4))
    deliver(hub, 1, 3)
    assert (phone.frames, hub.gaps) == ([], {USER})
    hub.deliver_read(USER, 1, 3, skipped_frame(1, 3))
    assert phone.frames == [skipped_frame(1, 3), event(4)]


def test_watchers_are_called_when_there_may_be_something_new(hub: Hub) -> None:
    calls: list[None] = []
    watcher = lambda: calls.append(None)  # noqa: E731 - the hub compares it
    hub.watch(USER, watcher)
    deliver(hub, 1, 1)
    hub.note(USER, 2)
    hub.reset([USER])
    assert len(calls) == 3
    assert hub.unwatch(USER, watcher)
    assert hub.inboxes == {}


def test_users_do_not_hear_of_each_other(hub: Hub) -> None:
    mine, theirs = connected(hub), connected(hub, user=OTHER)
    deliver(hub, 1)
    hub.signal(USER, b"typing")
    assert (mine.frames, mine.signals, theirs.frames, theirs.signals) == ([event(1)], [b"typing"], [], [])


def test_nothing_is_kept_of_users_who_are_not_connected(hub: Hub) -> None:
    phone = connected(hub)
    deliver(hub, 3)
    assert hub.unregister(USER, phone)
    deliver(hub, 4)
    hub.note(USER, 9)
    hub.signal(USER, b"typing")
    assert not hub.unregister(USER, phone)
    assert (hub.inboxes, hub.gaps) == ({}, set())
