"""Whatever two people do on two devices each: every answer, stream, count and history is the one that was due."""

from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from .expected import PEOPLE
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
        self.run = self.world.run
        self.talk = Talk(self.world)
        self.run(self.talk.begin())

    def teardown(self) -> None:
        try:
            self.run(self.talk.end())
            self.run(tables_agree(self.talk))
        finally:
            self.run(self.talk.leave())

    # Requests.

    @rule(device=DEVICES, content=CONTENTS)
    def send(self, device: int, content: str) -> None:
        self.run(self.talk.send(self.talk.devices[device], str(uuid4()), content))

    @rule(device=DEVICES, data=st.data())
    def send_again(self, device: int, data: st.DataObject) -> None:
        """An id that was used before: the same, with other content, by the other person."""
        if self.talk.asked:
            person, id_, content = data.draw(st.sampled_from(self.talk.asked))
            again = data.draw(st.sampled_from([content, content + "!"]))
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
        ids = data.draw(st.lists(self._ids(), min_size=1, max_size=4))
        self.run(self.talk.read(self.talk.devices[device], ids))

    @rule(device=DEVICES, data=st.data())
    def read_what_is_unread(self, device: int, data: st.DataObject) -> None:
        if unread := [message.id for message in self.talk.expected.unread(self.talk.devices[device].person)]:
            ids = data.draw(st.lists(st.sampled_from(unread), min_size=1, max_size=3))
            self.run(self.talk.read(self.talk.devices[device], ids))

    @rule(device=DEVICES, data=st.data())
    def read_conversation(self, device: int, data: st.DataObject) -> None:
        up_to = data.draw(st.none() | self._ids())
        self.run(self.talk.read_conversation(self.talk.devices[device], up_to))

    @rule(device=DEVICES, data=st.data())
    def delete(self, device: int, data: st.DataObject) -> None:
        self.run(self.talk.delete(self.talk.devices[device], data.draw(self._ids())))

    @rule(device=DEVICES, data=st.data(), content=CONTENTS | st.just(" \n"))
    def edit(self, device: int, data: st.DataObject, content: str) -> None:
        self.run(self.talk.edit(self.talk.devices[device], data.draw(self._ids()), content))

    @rule(device=DEVICES, position=st.integers(0, 40))
    def ack(self, device: int, position: int) -> None:
        self.run(self.talk.ack(self.talk.devices[device], position))

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

    @rule(person=st.sampled_from(PEOPLE), active=st.booleans())
    def suspend_or_reinstate(self, person: str, active: bool) -> None:
        self.run(self.talk.set_active(person, active))

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

    def _ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from([UNKNOWN, *(id_ for _, id_, _ in self.talk.asked)])


def test_whatever_two_people_do_is_answered_told_and_kept_as_it_must_be(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.acks.EVERY", 0.02)
    explore = settings.get_current_profile_name() == "explore"
    with World(database_url) as world:
        monkeypatch.setattr(TwoPeople, "world", world, raising=False)
        run_state_machine_as_test(
            TwoPeople, settings=settings.get_profile("explore" if explore else "bounded")
        )
