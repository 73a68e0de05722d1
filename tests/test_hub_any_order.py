"""Any interleaving of what can happen to a hub: each connection is told every position once, in order."""

from coachwire.hub import CONNECTIONS, Hub
from coachwire.hub.inboxes import HELD, Rider
from coachwire_protocol.frames import skipped_frame
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .listening import USER, Recorder, event, hinted, ok


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

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def withhold(self, data: st.DataObject) -> None:
        """It goes on from where it was, as soon as it has read what it missed."""
        member = data.draw(st.sampled_from(self.live))
        self.hub.withhold(USER, member)
        self.live.remove(member)
        self.reading.append(member)

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
