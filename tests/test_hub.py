"""The hub's order: whatever is lost, doubled, swapped or late, everybody is told every position once, in order."""

import json
from dataclasses import dataclass, field

import pytest
from coachwire.hub import CONNECTIONS, HELD, Hub, Rider
from coachwire_protocol.close import CloseCode
from coachwire_protocol.frames import skipped_frame
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

USER, OTHER = "user", "other"


@dataclass(eq=False)
class Recorder:
    """A connection that fails the test when it is told anything but what comes next."""

    device: str = "phone"
    session: int = 1
    position: int = 0
    told: int = 0  # the last position that came by frames
    revoked: int = 0  # what lies before it may come as it was read, not as it was hinted
    frames: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    closed: list[CloseCode] = field(default_factory=list)

    def send(self, frame: bytes) -> None:
        assert not self.closed, "a frame after the close"
        value = json.loads(frame)
        assert value["position"] == self.told + 1, f"{frame!r} after {self.told}"
        assert value.get("read", True) or value["position"] >= self.revoked, (
            f"{frame!r} is not allowed any more"
        )
        self.told = value.get("through", value["position"])
        assert self.told >= value["position"], f"{frame!r} covers nothing"
        self.frames.append(frame)

    def signal(self, frame: bytes) -> None:
        self.signals.append(frame)

    def close(self, code: CloseCode) -> None:
        self.closed.append(code)


def event(position: int) -> bytes:
    return b'{"type":"event","kind":"message.created","data":{},"position":%d}' % position


def hinted(position: int) -> bytes:
    return b'{"type":"event","kind":"message.created","data":{},"read":false,"position":%d}' % position


def ok(position: int) -> bytes:
    return b'{"type":"ok","ref":1,"data":{},"position":%d}' % position


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


class AnyOrder(RuleBasedStateMachine):
    """One user's stream, committed elsewhere; hints of it in any order; connections that come, read, join and go."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.told: list[bool] = []  # by position − 1: whether there is an event, or it is skipped
        self.reading: list[Recorder] = []
        self.live: list[Recorder] = []
        self.sessions = 0

    @property
    def head(self) -> int:
        return len(self.told)

    def frames(self, first: int, last: int) -> list[tuple[int, int, bytes]]:
        """As a reader of the stream makes them: neighbours that are not told fold into a range."""
        made: list[tuple[int, int, bytes]] = []
        for position in range(first, last + 1):
            if self.told[position - 1]:
                made.append((position, position, event(position)))
            elif made and not self.told[position - 2]:
                made[-1] = (made[-1][0], position, skipped_frame(made[-1][0], position))
            else:
                made.append((position, position, skipped_frame(position, position)))
        return made

    @rule(kinds=st.lists(st.booleans(), min_size=1, max_size=8))
    def commit(self, kinds: list[bool]) -> None:
        self.told += kinds

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hint(self, data: st.DataObject) -> None:
        position = data.draw(st.integers(1, self.head))
        skipped = skipped_frame(position, position)
        self.hub.deliver(USER, position, position, hinted(position) if self.told[position - 1] else skipped)

    @rule()
    def end_a_right(self) -> None:
        self.told.append(True)
        for member in self.live:
            member.revoked = self.head
        self.hub.revoke(USER, self.head, self.head, hinted(self.head))

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hint_of_a_range(self, data: st.DataObject) -> None:
        first = data.draw(st.integers(1, self.head))
        last = data.draw(st.integers(first, self.head))
        self.hub.deliver(USER, *self.frames(first, last)[0])

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def own_message(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.live))
        self.told.append(True)
        carried = self.hub.deliver(USER, self.head, self.head, event(self.head), Rider(member, ok(self.head)))
        assert carried is (member.frames[-1:] == [ok(self.head)])

    @rule(back=st.integers(0, 3))
    def hear_of_the_head(self, back: int) -> None:
        self.hub.note(USER, max(0, self.head - back))

    @rule(device=st.sampled_from("abcdefghijkl"), data=st.data())
    def connect(self, device: str, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, self.head))
        self.sessions += 1
        member = Recorder(device, self.sessions, at, at)
        self.hub.register(USER, member)
        self.hub.note(USER, self.head)
        self.reading.append(member)
        self.join(member)

    @precondition(lambda self: self.reading)
    @rule(data=st.data(), page=st.integers(1, 5))
    def read_a_page(self, data: st.DataObject, page: int) -> None:
        member = data.draw(st.sampled_from(self.reading))
        for _, through, frame in self.frames(member.position + 1, self.head)[:page]:
            if not member.closed:
                member.send(frame)
            member.position = through
        self.join(member)

    def join(self, member: Recorder) -> None:
        if self.hub.join(USER, member):
            self.reading.remove(member)
            if not member.closed:
                self.live.append(member)

    @precondition(lambda self: self.hub.gaps)
    @rule(page=st.integers(1, 5))
    def repair(self, page: int) -> None:
        inbox = self.hub.inboxes[USER]
        assert inbox.position is not None
        last = min(inbox.held, default=inbox.head + 1) - 1
        for frame in self.frames(inbox.position + 1, last)[:page]:
            self.hub.deliver_read(USER, *frame)

    @precondition(lambda self: self.live or self.reading)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.live + self.reading))
        self.hub.unregister(USER, member)
        self.forget(member)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def replaced_elsewhere(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.live))
        self.hub.replaced(USER, member.device, member.session + 1)
        assert member.closed

    @rule()
    def reset(self) -> None:
        self.hub.reset([USER])
        assert all(member.closed for member in self.live + self.reading)

    def forget(self, member: Recorder) -> None:
        for members in (self.live, self.reading):
            if member in members:
                members.remove(member)

    @invariant()
    def bounds_hold(self) -> None:
        for inbox in self.hub.inboxes.values():
            assert len(inbox.members) <= CONNECTIONS
            assert len(inbox.held) <= HELD
            assert set(inbox.live) <= set(inbox.members)

    @invariant()
    def whoever_is_behind_is_named(self) -> None:
        behind = {user for user, inbox in self.hub.inboxes.items() if inbox.behind}
        assert behind <= self.hub.gaps <= set(self.hub.inboxes)

    @invariant()
    def nobody_is_told_less_than_the_inbox_handed_on(self) -> None:
        open_ones = [member for member in self.live if not member.closed]
        for member in open_ones:
            position = self.hub.inboxes[USER].position
            assert position is not None
            assert member.told == member.position >= position

    def teardown(self) -> None:
        """What was lost, the comparison of heads reveals and the repair reads: then everybody has everything."""
        for member in [member for member in self.live + self.reading if member.closed]:
            self.hub.unregister(USER, member)
            self.forget(member)
        self.hub.note(USER, self.head)
        for _ in range(self.head):  # a position at least each time
            if any(inbox.behind for inbox in self.hub.inboxes.values()):
                self.repair(page=3)
        for member in list(self.reading):
            for _, through, frame in self.frames(member.position + 1, self.head):
                member.send(frame)
                member.position = through
            assert self.hub.join(USER, member)
        assert all(member.told == self.head for member in self.live)
        assert self.hub.gaps == set()


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
test_any_interleaving_tells_every_connection_every_position_once_and_in_order = AnyOrder.TestCase
