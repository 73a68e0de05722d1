"""Whatever two people do on two devices each: every answer, stream, count and history is the one that was due."""

from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from .expected import PEOPLE, other
from .looking import look, tables_agree
from .talk import Talk
from .world import World

CONTENTS = st.sampled_from(["hello", "  שלום, how are you?", "да\u200d", "x" * 5000])
DEVICES = st.integers(0, 3)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class TwoPeople(RuleBasedStateMachine):
    world: World  # the test's

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.talk = Talk(self.world)
        self.suspended: dict[str, int] = {}  # for how many steps still
        self.run(self.talk.begin())
        self.run(self.talk.all_send(["one", "two", "three", "four"]))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.world.run(work)
        except BaseException:
            self.broken = True
            raise

    def teardown(self) -> None:
        """In the end everybody has everything; where something was found already, that stands."""
        try:
            if not self.broken:
                self.run(self.talk.end())
                self.run(tables_agree(self.talk))
        finally:
            self.world.run(self.talk.leave())

    # Requests.

    @rule(device=DEVICES, content=CONTENTS)
    def send(self, device: int, content: str) -> None:
        self.run(self.talk.send(self.talk.devices[device], str(uuid4()), content))

    @rule(device=DEVICES, data=st.data())
    def send_again(self, device: int, data: st.DataObject) -> None:
        """An id that was used before: the same, with other content, by the other person."""
        person, id_, content = data.draw(st.sampled_from(self.talk.asked))
        again = data.draw(st.sampled_from([content, content, content[:-1] + "?"]))
        mine = [one for one in self.talk.devices if one.person == person]
        who = data.draw(st.sampled_from([*mine, self.talk.devices[device]]))
        self.run(self.talk.send(who, id_, again))

    @rule(contents=st.lists(CONTENTS, min_size=4, max_size=4))
    def all_send_at_once(self, contents: list[str]) -> None:
        self.run(self.talk.all_send(contents))

    @rule(person=st.sampled_from(PEOPLE), content=CONTENTS)
    def both_devices_send_the_same(self, person: str, content: str) -> None:
        self.run(self.talk.send_twice(person, content))

    @rule(device=DEVICES, data=st.data())
    def read(self, device: int, data: st.DataObject) -> None:
        who = self.talk.devices[device]
        ids = [self._draw(data, other(who.person)) for _ in range(data.draw(st.integers(1, 3)))]
        self.run(self.talk.read(who, ids))

    @rule(device=DEVICES, data=st.data(), whole=st.booleans())
    def read_conversation(self, device: int, data: st.DataObject, whole: bool) -> None:
        who = self.talk.devices[device]
        up_to = None if whole else self._draw(data, other(who.person))
        self.run(self.talk.read_conversation(who, up_to))

    @rule(device=DEVICES, data=st.data())
    def delete(self, device: int, data: st.DataObject) -> None:
        who = self.talk.devices[device]
        self.run(self.talk.delete(who, self._draw(data, who.person)))

    @rule(device=DEVICES, data=st.data(), content=CONTENTS | st.just(" \n"))
    def edit(self, device: int, data: st.DataObject, content: str) -> None:
        who = self.talk.devices[device]
        self.run(self.talk.edit(who, self._draw(data, who.person), content))

    @rule(device=DEVICES, back=st.integers(-2, 6))
    def ack(self, device: int, back: int) -> None:
        """So far from the head, or beyond it; what was delivered by that, the other one sees."""
        who = self.talk.devices[device]
        self.run(self.talk.ack(who, max(0, self.talk.expected.head(who.person) - back)))
        self.run(look(self.talk, self.talk.devices[(device + 2) % 4]))

    # The line, and the platform.

    @rule(device=DEVICES, cut=st.booleans())
    def disconnect(self, device: int, cut: bool) -> None:
        self.run(self.talk.disconnect(self.talk.devices[device], cut))

    @rule(device=DEVICES, forgotten=st.integers(0, 3))
    def reconnect(self, device: int, forgotten: int) -> None:
        """`forgotten`: so many positions were not stored when the app was killed."""
        if not self.talk.devices[device].online:
            self.run(self.talk.connect(self.talk.devices[device], forgotten))

    @rule(device=DEVICES)
    def connect_anew_beside_the_old_socket(self, device: int) -> None:
        if self.talk.devices[device].online:
            self.run(self.talk.replace(device))

    @rule(person=st.sampled_from(PEOPLE), steps=st.integers(1, 6))
    def suspend(self, person: str, steps: int) -> None:
        """For so many steps."""
        self.suspended[person] = steps
        self.run(self.talk.set_active(person, False))

    @invariant()
    def who_is_suspended_comes_back(self) -> None:
        for person in list(self.suspended):
            self.suspended[person] -= 1
            if self.suspended[person] < 0:
                del self.suspended[person]
                self.run(self.talk.set_active(person, True))

    # What is seen.

    @rule(device=DEVICES)
    def look(self, device: int) -> None:
        self.run(look(self.talk, self.talk.devices[device]))

    @rule()
    def drain(self) -> None:
        self.run(self.talk.all_have_all())

    @invariant()
    def nobody_is_told_beyond_the_head(self) -> None:
        """That positions are dense, each `Device` sees to."""
        for device in self.talk.devices:
            assert device.position is not None
            assert device.position <= self.talk.expected.head(device.person)

    def _draw(self, data: st.DataObject, sender: str) -> str:
        """Mostly a message of that sender's, sometimes one that is not or is nobody's."""
        theirs = [id_ for id_, message in self.talk.expected.said.items() if message.sender == sender]
        strays = [id_ for _, id_, _ in self.talk.asked] + [UNKNOWN]
        return data.draw(st.sampled_from(theirs * 3 + strays))


@pytest.mark.timeout(600)  # what it found wrong takes it minutes to make short
def test_whatever_two_people_do_is_answered_told_and_kept_as_it_must_be(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.socket.acks.EVERY", 0.02)
    explore = settings.get_current_profile_name() == "explore"
    with World(database_url) as world:
        monkeypatch.setattr(TwoPeople, "world", world, raising=False)
        run_state_machine_as_test(
            TwoPeople, settings=settings.get_profile("explore" if explore else "bounded")
        )
