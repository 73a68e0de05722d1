"""Gyms whose members have many values, and what is asked of one of them: for `bench.metrics`."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from coachwire.commands.progress import bar
from coachwire.seed.gyms import Gym, Person, write_gym

GYM = 500  # members
DEFINITIONS = 20  # of which members have values
ELSEWHERE = 1 / 3  # of them
STEP = 100_000  # values a COPY

Tx = Any  # of asyncpg


@dataclass(frozen=True, slots=True)
class Definition:
    id: UUID
    slug: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One gym of the many, and what is asked there."""

    organization_id: UUID
    coach: UUID
    members: Sequence[tuple[UUID, UUID]]  # user and membership; half of the gym
    recorded: Sequence[
        tuple[UUID, UUID]
    ]  # the others: what is recorded of them changes nothing that is asked
    definitions: Sequence[Definition]
    sets: dict[int, UUID]  # by how many definitions they have
    workout_id: UUID


async def fill(tx: Tx, values: int, members: int) -> None:
    began = time.perf_counter()
    gyms = [_invent(number, min(GYM, members - number * GYM)) for number in range(-(-members // GYM))]
    for gym in gyms:
        async with tx.transaction():
            await write_gym(tx, gym)
    rows = await tx.fetch(
        "select id, slug, unit::text from metric_definitions order by slug limit $1", DEFINITIONS
    )
    definitions = [Definition(*row) for row in rows]
    await tx.execute("set session_replication_role = replica")  # what refers to what is known
    with bar("values", values) as progress:
        step: list[tuple[UUID, UUID, UUID, Decimal, str, datetime]] = []
        places: list[tuple[UUID, UUID, UUID, UUID, datetime]] = []
        for value, place in _values(gyms, definitions, values):
            step.append(value)
            places.append(place)
            if len(step) == STEP:
                await _copy(tx, step, places)
                progress(len(step))
                step, places = [], []
        await _copy(tx, step, places)
        progress(len(step))
    await tx.execute("set session_replication_role = origin")
    await tx.execute("vacuum analyze")
    print(f"{values:,} values of {members:,} members, filled in {time.perf_counter() - began:.0f} s")


def _values(gyms: Sequence[Gym], definitions: Sequence[Definition], count: int) -> Iterator[tuple[Any, Any]]:
    """Values, and where they were recorded, oldest first: as they come in, so that one person's lie scattered."""
    people = [(gym, member) for gym in gyms for member in gym.who("member")]
    elsewhere = [gyms[place - 1].organization_id for place in range(len(gyms))]
    abroad = dict(zip((gym.organization_id for gym in gyms), elsewhere, strict=True))
    rounds = -(-count // (len(people) * len(definitions)))
    now, left = datetime.now(UTC), count
    for number in range(rounds):
        for gym, member in people:
            at = now - timedelta(days=rounds - number) + timedelta(seconds=random.randrange(86_400))  # noqa: S311
            for definition in definitions:
                if not left:
                    return
                left -= 1
                at += timedelta(milliseconds=1)
                id_ = UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | random.getrandbits(60))
                value = Decimal(random.randrange(2_000)) / 10  # noqa: S311
                here = gym.organization_id
                place = abroad[here] if random.random() < ELSEWHERE else here  # noqa: S311
                yield (
                    (id_, member.user_id, definition.id, value, definition.unit, at),
                    (id_, member.user_id, place, member.user_id, at),
                )


async def _copy(tx: Tx, values: Sequence[Any], places: Sequence[Any]) -> None:
    await tx.copy_records_to_table(
        "member_metrics",
        records=values,
        columns=["id", "member_id", "definition_id", "value", "unit", "recorded_at"],
    )
    await tx.copy_records_to_table(
        "metric_origins",
        records=places,
        columns=["value_id", "member_id", "organization_id", "recorded_by", "made_at"],
    )


def _invent(number: int, members: int) -> Gym:
    def person(role: str, place: int) -> Person:
        return Person(uuid4(), uuid4(), f"{role}{place}.{number}@bench.test", role.title(), f"{place}", role)

    people = [person("owner", 0), person("coach", 0), *(person("member", place) for place in range(members))]
    return Gym(uuid4(), f"Gym {number}", f"bench-{number}", people)


async def found(tx: Tx) -> Filled:
    """The gym that comes first, with sets and a workout for this run."""
    organization_id, coach = await tx.fetchrow(
        "select organization_id, user_id from memberships where role = 'coach' order by organization_id limit 1"
    )
    members = await tx.fetch(
        "select user_id, id from memberships where organization_id = $1 and role = 'member' order by id",
        organization_id,
    )
    rows = await tx.fetch(
        "select id, slug, unit::text from metric_definitions order by slug limit $1", DEFINITIONS
    )
    definitions = [Definition(*row) for row in rows]
    sets = {count: uuid4() for count in (1, 5, DEFINITIONS)}
    for count, set_id in sets.items():
        await tx.execute(
            "insert into metric_sets (id, name, organization_id) values ($1, $2, $3)",
            set_id,
            f"{count}",
            organization_id,
        )
        await tx.executemany(
            "insert into metric_set_definitions values ($1, $2, $3)",
            [(set_id, definition.id, place) for place, definition in enumerate(definitions[:count])],
        )
    workout_id = await tx.fetchval(
        "insert into workouts (organization_id, title) values ($1, 'Five loads') returning id",
        organization_id,
    )
    await tx.executemany(
        "insert into workout_movements (workout_id, name, sort_order, prescription)"
        " values ($1, $2::text, $3, jsonb_build_object('percent_1rm', 80, 'metric', $2::text))",
        [(workout_id, definition.slug, place) for place, definition in enumerate(definitions[:5])],
    )
    return Filled(
        organization_id=organization_id,
        coach=coach,
        members=[tuple(row) for row in members[::2]],
        recorded=[tuple(row) for row in members[1::2]],
        definitions=definitions,
        sets=sets,
        workout_id=workout_id,
    )
