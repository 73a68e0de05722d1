"""Whatever happens under a workout: every answer, event, topic, count and page is the one that was due."""

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .thread import PEOPLE, ThreadTalk
from .world import World

WHO = st.sampled_from(PEOPLE)


class UnderAWorkout(RuleBasedStateMachine):
    world: World  # the test's

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.talk = ThreadTalk(self.world)
        self.run(self.talk.begin())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.world.run(work)
        except BaseException:
            self.broken = True
            raise

    def teardown(self) -> None:
        """In the end everybody comes back and has everything; where something was found already, that stands."""
        try:
            if not self.broken:
                for person in PEOPLE:
                    if not self.talk.screens[person].online:
                        self.run(self.talk.leave_or_come_back(person))
                self.run(self.talk.settle())
                for person in PEOPLE:
                    self.run(self.talk.look(person))
        finally:
            self.world.run(self.talk.leave())

    @rule(person=WHO)
    def send(self, person: str) -> None:
        self.run(self.talk.send(person))

    @rule(person=WHO)
    def read(self, person: str) -> None:
        self.run(self.talk.read(person))

    @precondition(lambda self: self.talk.thread.posts)
    @rule(person=WHO, data=st.data())
    def edit(self, person: str, data: st.DataObject) -> None:
        self.run(self.talk.edit(person, self._draw(data)))

    @precondition(lambda self: self.talk.thread.posts)
    @rule(person=WHO, data=st.data())
    def delete(self, person: str, data: st.DataObject) -> None:
        self.run(self.talk.delete(person, self._draw(data)))

    @rule()
    def publish_or_withdraw(self) -> None:
        self.run(self.talk.publish(not self.talk.thread.published))

    @precondition(lambda self: self.talk.thread.posts)
    @rule(published=st.booleans())
    def delete_the_workout(self, published: bool) -> None:
        self.run(self.talk.delete_assignment(published=published))

    @rule(person=WHO)
    def leave_or_come_back(self, person: str) -> None:
        self.run(self.talk.leave_or_come_back(person))

    @rule(person=WHO)
    def look(self, person: str) -> None:
        self.run(self.talk.look(person))

    @invariant()
    def everybody_holds_what_there_is(self) -> None:
        known = self.talk.thread.published
        self.run(self.talk.settle(known=None if known else False))

    def _draw(self, data: st.DataObject) -> str:
        """One of the messages, deleted or not."""
        ids = list(self.talk.thread.posts)
        return ids[data.draw(st.integers(0, len(ids) - 1))]


@pytest.mark.timeout(600)  # what it found wrong takes it minutes to make short
def test_whatever_happens_under_a_workout_is_answered_told_and_kept_as_it_must_be(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    explore = settings.get_current_profile_name() == "explore"
    with World(database_url) as world:
        monkeypatch.setattr(UnderAWorkout, "world", world, raising=False)
        run_state_machine_as_test(
            UnderAWorkout, settings=settings.get_profile("explore" if explore else "bounded")
        )
