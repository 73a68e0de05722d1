"""Whatever three people and the platform do on two exercises: every answer, list and copy is the one that was due."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from ..gym import open_gym
from ..model.world import World
from ..phone import Frame, Phone
from .conftest import UNKNOWN, Exercise, Talker, add_exercise
from .expected import Expected

T = TypeVar("T")

PEOPLE = ("coach", "member", "owner")
WHO, WHERE = st.sampled_from(PEOPLE), st.integers(0, 1)
BODIES = st.sampled_from(["deeper", "  שלום", "да\u200d", "x" * 5000])


class Exercises(RuleBasedStateMachine):
    world: World  # the test's

    def __init__(self) -> None:
        super().__init__()
        self.expected = Expected()
        self.asked: list[tuple[str, str, str, str | None, int]] = []
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.run(work)

    async def _begin(self) -> None:
        self.gym = gym = await open_gym(self.world.dsn, f"gym-{uuid4().hex}")
        self.exercises = [
            await add_exercise(self.world.tables, gym, gym.member, by=gym.coach) for _ in range(2)
        ]
        self.talkers = {
            (who, place): Talker(self.world.http, getattr(gym, who), exercise)
            for who in PEOPLE
            for place, exercise in enumerate(self.exercises)
        }
        self.phones = {who: Phone(self.world.http, self.world.url, getattr(gym, who).token) for who in PEOPLE}
        for one in self.phones.values():
            await one.connect()
        self.watcher = Phone(self.world.http, self.world.url, gym.coach2.token)
        await self.watcher.connect()
        self.copies: dict[str, Frame] = {}
        await self._watch()
        parent = None
        for level in range(4):
            id_ = str(uuid4())
            await self._create(PEOPLE[level % 2], id_, str(level), parent, 0, rest=False)
            parent = id_

    def teardown(self) -> None:
        for one in (*self.phones.values(), self.watcher):
            self.run(one.leave())

    # What people do.

    @rule(who=WHO, where=WHERE, body=BODIES, rest=st.booleans(), data=st.data())
    def comment(self, who: str, where: int, body: str, rest: bool, data: st.DataObject) -> None:
        self.run(self._create(who, str(uuid4()), body, self._parent(data, where), where, rest))

    @rule(who=WHO, where=WHERE, rest=st.booleans())
    def answer_the_deepest(self, who: str, where: int, rest: bool) -> None:
        if fit := self._fit(where):
            self.run(self._create(who, str(uuid4()), "deep", fit[-1], where, rest))

    @rule(rest=st.booleans(), other=WHO, data=st.data())
    def comment_again(self, rest: bool, other: str, data: st.DataObject) -> None:
        """An id that was used before: the same, with another body, by somebody else."""
        if self.asked:
            who, id_, body, parent, where = data.draw(st.sampled_from(self.asked))
            body = data.draw(st.sampled_from([body, body, body[:-1] + "?"]))
            self.run(
                self._create(data.draw(st.sampled_from([who, who, other])), id_, body, parent, where, rest)
            )

    @rule(who=WHO, body=BODIES, data=st.data())
    def edit(self, who: str, body: str, data: st.DataObject) -> None:
        id_ = self._any(data)
        fields = {"organizationId": self.gym.organization_id, "id": id_, "body": body}
        answer = self.run(self.phones[who].ask("comment.edit", **fields))
        assert code_of(answer) == self.expected.edit(id_, who, body)

    @rule(who=WHO, rest=st.booleans(), data=st.data())
    def delete(self, who: str, rest: bool, data: st.DataObject) -> None:
        id_ = self._any(data)
        known = self.expected.said.get(id_)
        if rest and known is not None:
            place = [one.id for one in self.exercises].index(known.movement)
            answer = self.run(self.talkers[who, place].deleted(id_))
            code = "ok" if answer.status == 200 else answer.code
        else:
            fields = {"organizationId": self.gym.organization_id, "id": id_}
            code = code_of(self.run(self.phones[who].ask("comment.delete", **fields)))
        assert code == self.expected.delete(id_, who)

    # What the platform does.

    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        if leaves := self.expected.leaves():
            id_ = data.draw(st.sampled_from(leaves))
            self.run(self.world.tables.execute("delete from exercise_comments where id = $1", id_))
            self.expected.take_away(id_)

    @rule(who=WHO, where=WHERE, data=st.data())
    def write_past_the_server(self, who: str, where: int, data: st.DataObject) -> None:
        id_, movement = str(uuid4()), self.exercises[where].id
        parent = self._parent(data, where)
        if self.expected.create(id_, who, "past", parent, movement) == "ok":
            # whatever is asked with this id is another payload
            self.expected.said[id_].asked = ("", None, "")
            self.run(
                self.world.tables.execute(
                    "insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id)"
                    " values ($1, $2, $3, 'past', $4)",
                    id_, movement, getattr(self.gym, who).user_id, parent,
                )
            )  # fmt: skip

    # What is seen.

    @rule(who=WHO, where=WHERE, limit=st.integers(1, 7))
    def read(self, who: str, where: int, limit: int) -> None:
        items = self.run(self._pages(self.talkers[who, where], limit))
        assert [
            (item["id"], item["body"], item["parentCommentId"]) for item in items
        ] == self.expected.listed(self.exercises[where].id)
        times = [(item["createdAt"], item["id"]) for item in items]
        assert times == sorted(times)
        assert {item["body"] is None for item in items if item["deletedAt"]} <= {True}

    @rule(away=st.booleans())
    def watcher_agrees(self, away: bool) -> None:
        """Who followed the topic, or came back to it, has what there is; that positions are dense, `Phone` sees to."""
        self.run(self._follow(away))
        for place, exercise in enumerate(self.exercises):
            items = self.run(self._pages(self.talkers["owner", place], 100))
            for item in items:
                self.copies.setdefault(item["id"], item)  # what the platform wrote, no event told
                assert self.copies[item["id"]] == item
            mine = {id_ for id_, one in self.copies.items() if one["workoutMovementId"] == exercise.id}
            assert {id_ for id_ in mine if self._shown(id_)} == {item["id"] for item in items}

    async def _watch(self) -> None:
        for exercise in self.exercises:
            await self.watcher.open_topic(exercise.topic)

    async def _follow(self, away: bool) -> None:
        if away:
            await self.watcher.leave()
            await self.watcher.connect()
            await self._watch()
        for exercise in self.exercises:
            await self._until_told(exercise)
        for frame in await self.watcher.drained():
            if frame["type"] == "event" and frame["kind"].startswith("comment."):
                self.copies[frame["data"]["id"]] = frame["data"]

    async def _until_told(self, exercise: Exercise) -> None:
        """All that was written into the topic; and what the platform took away, once the worker has told it."""
        tables = self.world.tables
        while await tables.fetchval("select exists (select from stream_pending)"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        head = await tables.fetchval("select position from topic_streams where topic = $1", exercise.topic)
        await self.watcher.reach_in(exercise.topic, head or 0)

    def _shown(self, id_: str) -> bool:
        below = [one["id"] for one in self.copies.values() if one["parentCommentId"] == id_]
        return self.copies[id_]["deletedAt"] is None or any(map(self._shown, below))

    async def _create(
        self, who: str, id_: str, body: str, parent: str | None, where: int, rest: bool
    ) -> None:
        exercise = self.exercises[where]
        self.asked.append((who, id_, body, parent, where))
        due = self.expected.create(id_, who, body, parent, exercise.id)
        if rest:
            answer = await self.talkers[who, where].comment(body, parent, id=id_)
            assert ("ok" if answer.status < 300 else answer.code) == due
        else:
            fields = exercise.fields(body, parent) | {"id": id_}
            assert code_of(await self.phones[who].ask("comment.create", **fields)) == due

    async def _pages(self, talker: Talker, limit: int) -> list[Frame]:
        items: list[Frame] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            page = (await talker.get(talker.exercise.path, **query)).data
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            query["cursor"] = page["nextCursor"]

    def _any(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*self.expected.said, UNKNOWN]))

    def _parent(self, data: st.DataObject, where: int) -> str | None:
        """Mostly one that may be answered, and the deeper the rather; sometimes any, or none."""
        fit = self._fit(where)
        return data.draw(st.sampled_from([None, UNKNOWN, *self.expected.said, *fit, *fit[-3:] * 3]))

    def _fit(self, where: int) -> list[str]:
        """What is on this exercise, the deepest last."""
        here = self.exercises[where].id
        fit = [one.id for one in self.expected.said.values() if one.movement == here and one.here]
        return sorted(fit, key=self.expected.depth)


def code_of(answer: Frame) -> str:
    return "ok" if answer["type"] == "ok" else str(answer["error"]["code"])


@pytest.mark.timeout(600)  # what it found wrong takes it minutes to make short
def test_whatever_is_said_is_answered_listed_and_told_as_it_must_be(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    explore = settings.get_current_profile_name() == "explore"
    with World(database_url) as world:
        monkeypatch.setattr(Exercises, "world", world, raising=False)
        run_state_machine_as_test(
            Exercises, settings=settings.get_profile("explore" if explore else "bounded")
        )
