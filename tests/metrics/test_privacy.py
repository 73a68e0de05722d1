"""Never a value too many, never one too few: random histories of one person in three gyms, judged by a model.

After each history every route and topic is asked by every kind of viewer, through every gym."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire_protocol.times import wire_time

from ..gym import Place, Someone, open_gym
from ..phone import Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, assign, join, set_status
from .conftest import Trainer

STEPS = 30
SPAN = {"past": (-2, -1), "now": (-1, 1), "coming": (1, 2)}  # hours from and until


@dataclass(frozen=True)
class Recorded:
    id: str
    definition: str
    where: str  # the organization
    at: datetime


@dataclass
class World:
    """What has happened, and what must follow from it."""

    person: dict[str, Someone]  # by organization
    active: set[str]
    values: list[Recorded] = field(default_factory=list)
    grants: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def granted(self, organization: str, definition: str) -> bool:
        return organization in self.active and any(
            self.grants.get((organization, which)) == "now" for which in (definition, None)
        )

    def visible(self, organization: str, *, own: bool) -> list[Recorded]:
        """Newest first."""
        found = [
            value
            for value in self.values
            if own or value.where == organization or self.granted(organization, value.definition)
        ]
        return sorted(found, key=lambda value: (value.at, value.id), reverse=True)


@dataclass
class Watcher:
    """A coach who has had the person's topic open from the beginning."""

    phone: Phone
    topic: str
    held: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    async def follow(self, *, was: bool, active: bool) -> None:
        """Hear what there is to hear; what was open ends with the membership, and is opened again with it."""
        if was and not active:
            await self.phone.match(
                lambda frame: frame["type"] == "topic.closed" and frame["topic"] == self.topic
            )
            self.held.clear()
        elif active and not was:
            self.phone.topics.pop(self.topic, None)
            await self.phone.open_topic(self.topic)
        for frame in await self.phone.drained():
            if frame.get("topic") == self.topic and frame["type"] == "event":
                self.apply(frame)

    def apply(self, frame: dict[str, Any]) -> None:
        if frame["kind"] == "metric.recorded":
            self.held.add(frame["data"]["id"])
            self.told.add(frame["data"]["id"])
        elif frame["kind"] == "metric.erased":
            self.held -= set(frame["data"]["valueIds"])


@pytest.mark.parametrize("seed", range(5))
async def test_everybody_sees_exactly_what_they_may(
    seed: int, gym: Place, database_url: str, http: ClientSession, phone: OpenPhone, database: Tables
) -> None:
    dice = random.Random(seed)  # noqa: S311 - for a history, not a secret
    gyms = [gym, await open_gym(database_url, "east"), await open_gym(database_url, "west")]
    places = {place.organization_id: place for place in gyms}
    person = {gym.organization_id: gym.member}
    for place in gyms[1:]:
        person[place.organization_id] = await join(
            database, gym.member, place, dice.choice(["member", "coach"])
        )
    world = World(person, set(places))
    definitions = [
        str(row["id"])
        for row in await database.fetch(
            "select id from metric_definitions where slug in ('back_squat_1rm', 'bench_press_1rm', 'deadlift_1rm')"
        )
    ]
    watchers = {}
    for place in gyms:
        topic = f"metrics:{person[place.organization_id].membership_id}"
        watchers[place.organization_id] = Watcher(await phone(place.coach), topic)
        await watchers[place.organization_id].phone.open_topic(topic)

    me = Trainer(http, gym.member)
    for step in range(STEPS):
        recorded, active = len(world.values), set(world.active)
        await one_step(dice, step, world, places, definitions, me, http, database)
        for organization, watcher in watchers.items():
            await watcher.follow(was=organization in active, active=organization in world.active)
            seen = {value.id for value in world.visible(organization, own=False)}
            assert watcher.held <= seen, f"{organization} holds too much after step {step}"
            if organization in world.active:
                newest = {value.id for value in world.values[recorded:]} & seen
                assert newest <= watcher.told, f"{organization} was not told in step {step}"

    for organization in places:
        await judge(world, places[organization], http, phone, database, definitions)


async def one_step(
    dice: random.Random, step: int, world: World, places: dict[str, Place], definitions: list[str],
    me: Trainer, http: ClientSession, database: Tables,
) -> None:  # fmt: skip
    """Something happens."""
    organization = dice.choice(list(places))
    place, somebody = places[organization], world.person[organization]
    match dice.choices(["record", "grant", "withdraw", "membership"], [12, 5, 4, 1])[0]:
        case "record" if organization in world.active:
            by = dice.choice([place.coach, place.owner, somebody])
            value = Recorded(
                str(uuid4()),
                dice.choice(definitions),
                organization,
                datetime.now(UTC) - timedelta(hours=step % 5),
            )
            answer = await Trainer(http, by).record(
                somebody, value.definition, id=value.id, recordedAt=wire_time(value.at)
            )
            assert answer.status == 201, answer.body
            world.values.append(value)
        case "grant" if organization in world.active:
            which, span = dice.choice([None, *definitions]), dice.choice(list(SPAN))
            times = {
                name: wire_time(datetime.now(UTC) + timedelta(hours=at))
                for name, at in zip(("from", "until"), SPAN[span], strict=True)
            }
            assert (await me.grant(place, definitionId=which, **times)).status == 200
            world.grants[organization, which] = span
        case "withdraw" if world.grants:
            organization, which = dice.choice(list(world.grants))
            named = {} if which is None else {"definitionId": which}
            assert (await me.withdraw(places[organization], **named)).status == 200
            del world.grants[organization, which]
        case "membership" if place.organization_id != me.who.organization_id:
            ends = organization in world.active
            async with database.transaction():
                await database.execute("set local coachwire.quiet = off")
                await set_status(database, somebody, "cancelled" if ends else "active")
            world.active ^= {organization}


async def judge(
    world: World,
    place: Place,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    definitions: list[str],
) -> None:
    """Everything that can be asked in one gym."""
    organization = place.organization_id
    somebody = world.person[organization]
    set_id = await Trainer(http, place.owner).make_set(*definitions, organizationId=organization)
    assignment = await assign(database, somebody, place.coach)
    await database.execute(
        "insert into workout_movements (workout_id, name, prescription)"
        " select workout_id, 'Back squat', '{\"percent_1rm\": 100}' from workout_assignments where id = $1",
        assignment,
    )
    squat = str(await database.fetchval("select id from metric_definitions where slug = 'back_squat_1rm'"))
    viewers = [(place.coach, False), (place.owner, False), (somebody, True), (place.member2, False)]
    for viewer, own in viewers:
        caller = Trainer(http, viewer)
        paths = [
            f"members/{somebody.membership_id}/metrics",
            f"metric-sets/{set_id}/resolve?memberId={somebody.membership_id}",
            f"workout-assignments/{assignment}/prescription",
        ]
        if viewer is place.member2 or (own and organization not in world.active):
            code = "not_found" if viewer is place.member2 else "forbidden"
            assert [(await caller.get(path)).code for path in paths] == [code] * 3
            continue
        expected = world.visible(organization, own=own)
        assert [await listed(caller, paths[0])] == [[value.id for value in expected]]
        for definition in definitions:
            mine = [value.id for value in expected if value.definition == definition]
            assert await listed(caller, paths[0], definitionId=definition) == mine
        newest = {
            definition: next((value.id for value in expected if value.definition == definition), None)
            for definition in definitions
        }
        items = (await caller.get(paths[1])).data["items"]
        assert {one["definitionId"]: one["value"] and one["value"]["id"] for one in items} == newest
        (movement,) = (await caller.get(paths[2])).data["movements"]
        load = movement["load"]
        assert (load and load["value"]["id"]) == newest[squat]

    topic = f"metrics:{somebody.membership_id}"
    late = await phone(place.owner)
    late.topics[topic] = 0
    answer = await late.ask("topic.open", topic=topic, resume={"epoch": late.welcome["epoch"], "position": 0})
    if organization not in world.active:
        assert answer["error"]["code"] == "not_found"
        return
    assert answer["data"]["resume"] == "resumed"
    head = await database.fetchval("select position from topic_streams where topic = $1", topic)
    replayed = Watcher(late, topic)
    while late.topics[topic] < (head or 0):
        for frame in await late.read():
            replayed.apply(frame)
    seen = {value.id for value in world.visible(organization, own=False)}
    assert replayed.told <= seen
    assert replayed.held == replayed.told  # what is told as recorded is not told as hidden as well


async def listed(caller: Trainer, path: str, **query: str) -> list[str]:
    page = (await caller.get(path, limit=100, **query)).data
    assert page["nextCursor"] is None
    return [item["id"] for item in page["items"]]
