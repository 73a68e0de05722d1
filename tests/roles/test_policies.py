"""What the server's role sees is what the person may see for whom it asks, whatever the statement forgot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from coachwire.database import Database
from coachwire.operations.metrics import HISTORY
from coachwire.roles import SERVER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import in_a_loop_of_its_own
from ..gym import Place, Someone, open_gym
from ..metrics.test_privacy import Recorded, World
from ..server.platform import join
from .conftest import Connection, recorded

GYMS = ("harbor", "north", "west")
SPANS = {"past": (-2, -1), "now": (-1, 1), "coming": (1, 2)}  # hours from and until
ABOUT_VALUES = ("member_metrics", "metric_origins", "metric_grants")


@dataclass(frozen=True)
class History:
    """What one person did in three gyms, of which a coach works in two; numbers are places in lists."""

    active: tuple[bool, bool, bool]  # the person's memberships
    roles: tuple[str, str, str]  # and roles
    employed: tuple[bool, bool]  # the coach's
    values: tuple[tuple[int, int], ...]  # definition, gym; 3: written past Coachwire
    grants: dict[tuple[int, int | None], str]  # gym, definition → span


def booleans(n: int) -> st.SearchStrategy[Any]:
    return st.tuples(*[st.booleans()] * n)


HISTORIES = st.builds(
    History,
    active=booleans(3),
    roles=st.tuples(*[st.sampled_from(["member", "coach"])] * 3),
    employed=booleans(2),
    values=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=8).map(tuple),
    grants=st.dictionaries(
        st.tuples(st.integers(0, 2), st.none() | st.integers(0, 2)), st.sampled_from(list(SPANS)), max_size=4
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES)
def test_the_policies_show_exactly_what_the_model_shows(database_url: str, history: History) -> None:
    in_a_loop_of_its_own(judged(database_url, history))


async def judged(dsn: str, history: History) -> None:
    gyms = [await open_gym(dsn, f"{name}-{uuid4().hex}") for name in GYMS]
    administrator = await asyncpg.connect(dsn, server_settings={"coachwire.quiet": "on"})
    try:
        person, coach = gyms[0].member, gyms[0].coach
        persons = [person, *[await join(administrator, person, gym, "member") for gym in gyms[1:]]]
        coaches = [coach, await join(administrator, coach, gyms[1], "coach")]
        for one, active, role in zip(persons, history.active, history.roles, strict=True):
            await administrator.execute(
                "update memberships set status = $2, role = $3 where id = $1",
                UUID(one.membership_id), "active" if active else "suspended", role,
            )  # fmt: skip
        for one, active in zip(coaches, history.employed, strict=True):
            await administrator.execute(
                "update memberships set status = $2 where id = $1",
                UUID(one.membership_id),
                "active" if active else "cancelled",
            )
        world = await written(administrator, history, gyms, persons)
        await administrator.execute(f"set role {SERVER}")
        assert await seen(administrator, None) == set()
        everything = {value.id for value in world.values}
        assert await seen(administrator, person) == everything
        for gym in gyms:
            assert await seen(administrator, gym.owner) == shown(world, [gym])
            assert await seen(administrator, gym.member2) == set()
        where = [gym for gym, works in zip(gyms, history.employed, strict=False) if works]
        assert await seen(administrator, coach) == shown(world, where)
    finally:
        await administrator.close()


async def written(
    administrator: Connection, history: History, gyms: Sequence[Place], persons: Sequence[Someone]
) -> World:
    """The history in the tables, past all functions, and as the model has it."""
    definitions = [
        str(row["id"])
        for row in await administrator.fetch("select id from metric_definitions order by slug limit 3")
    ]
    user_id = UUID(persons[0].user_id)
    active = {gym.organization_id for gym, active in zip(gyms, history.active, strict=True) if active}
    world = World({}, active)
    numbers = count()
    for definition, place in history.values:
        where = gyms[place].organization_id if place < len(gyms) else ""
        value = Recorded(str(uuid4()), definitions[definition], where, datetime.now(UTC))
        await administrator.execute(
            "insert into member_metrics (id, member_id, definition_id, value, unit) values ($1, $2, $3, $4, 'kg')",
            UUID(value.id), user_id, UUID(value.definition), next(numbers),
        )  # fmt: skip
        if where:
            await administrator.execute(
                "insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
                " values ($1, $2, $3, $2, now())",
                UUID(value.id), user_id, UUID(where),
            )  # fmt: skip
        world.values.append(value)
    for (place, which), span in history.grants.items():
        organization_id = gyms[place].organization_id
        await administrator.execute(
            "insert into metric_grants (user_id, organization_id, definition_id, from_at, until_at)"
            " values ($1, $2, $3, now() + $4 * interval '1 hour', now() + $5 * interval '1 hour')",
            user_id, UUID(organization_id), None if which is None else UUID(definitions[which]), *SPANS[span],
        )  # fmt: skip
        world.grants[organization_id, None if which is None else definitions[which]] = span
    return world


def shown(world: World, gyms: Sequence[Place]) -> set[str]:
    return {value.id for gym in gyms for value in world.visible(gym.organization_id, own=False)}


async def seen(tx: Connection, viewer: Someone | None) -> set[str]:
    """By a statement that forgot to ask who may."""
    async with tx.transaction():
        await tx.execute("select set_config('app.user_id', $1, true)", viewer.user_id if viewer else "")
        return {str(row["id"]) for row in await tx.fetch("select id from member_metrics")}


async def test_without_a_person_there_is_nothing(
    gym: Place, database: Connection, tx: Connection, squat: str
) -> None:
    await recorded(database, gym.member, squat)
    for table in ABOUT_VALUES:
        assert await tx.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - a constant


async def test_whom_a_statement_was_for_the_next_one_does_not_know(
    gym: Place, database: Connection, database_url: str, squat: str
) -> None:
    await recorded(database, gym.member, squat)
    pool = Database(database_url, SERVER)
    await pool.open()
    try:
        async with pool.connection() as tx:
            who = gym.coach.user_id, gym.organization_id, gym.member.membership_id
            assert len(await HISTORY.rows(tx, *who, *[None] * 5, 10)) == 1
            assert not await tx.fetchval("select current_setting('app.user_id', true)")
            assert await tx.fetchval("select count(*) from member_metrics") == 0
    finally:
        await pool.close()
