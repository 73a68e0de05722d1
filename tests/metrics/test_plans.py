"""A value is found by an index of the data model, however many there are, through the server's policies."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from coachwire.database import QUERIES
from coachwire.roles import SERVER

from ..gym import Place
from ..server.platform import Tables
from ..sql.test_plans import explained
from .conftest import UNKNOWN

SCANS = {
    "member_metrics": {"member_metrics_member_def_recorded_idx"},
    "metric_origins": {"metric_origins_pkey"},
}


@pytest.fixture
def database_url(own_database_url: str) -> str:
    """Statistics of former tests would decide here."""
    return own_database_url


@pytest.fixture
async def _many(gym: Place, database: Tables) -> None:
    """30,000 values of six people, a third of which were recorded elsewhere."""
    await database.execute(
        "with v as (insert into member_metrics (id, member_id, definition_id, value, unit, recorded_at)"
        "  select gen_random_uuid(), m.user_id, d.id, n, d.unit, now() - n * interval '1 hour'"
        "  from generate_series(1, 500) n cross join (select * from metric_definitions order by slug limit 10) d"
        "  cross join memberships m returning id, member_id)"
        " insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
        " select id, member_id, case when random() < 0.67 then $1::uuid end, member_id, now() from v",
        gym.organization_id,
    )


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("name", ["metrics/resolve", "metrics/history", "metrics/prescription"])
@pytest.mark.usefixtures("_many")
async def test_values_are_read_by_person_and_definition(
    gym: Place, database: Tables, database_url: str, name: str, analyzed: bool
) -> None:
    if analyzed:
        await database.execute("analyze")
    set_id = uuid4()
    await database.execute(
        "insert into metric_sets (id, name, organization_id) values ($1, 'x', $2)",
        set_id,
        gym.organization_id,
    )
    await database.execute(
        "insert into metric_set_definitions (set_id, definition_id)"
        " select $1, id from metric_definitions order by slug limit 10",
        set_id,
    )
    who = [gym.coach.user_id, gym.organization_id, gym.member.membership_id]
    more: dict[str, list[str | int | None]] = {
        "metrics/resolve": [str(set_id)],
        "metrics/history": [None, None, None, None, None, 51],
        "metrics/prescription": [UNKNOWN],
    }
    async with explained(database_url) as one:
        await one.tx.execute(f"set role {SERVER}")
        await one.look()
        await one.tx.fetch(QUERIES[name].sql, *who, *more[name])
        tables = one.scans()
    found = {(table, index) for table in SCANS for index in tables.get(table, ())}
    if (
        not analyzed
    ):  # until a table is analyzed for the first time, the data model's other index looks as good
        found = {
            (
                table,
                "member_metrics_member_def_recorded_idx"
                if index == "member_metrics_definition_idx"
                else index,
            )
            for table, index in found
        }
    assert found == {(table, index) for table, indexes in SCANS.items() for index in indexes}


@pytest.mark.usefixtures("_many")
async def test_a_page_of_the_past_is_searched_by_its_time(
    gym: Place, database: Tables, database_url: str
) -> None:
    """Under row security an index is searched only by what cannot tell a value to anybody."""
    await database.execute("analyze")
    conditions: list[str] = []

    def keep(_: object, message: asyncpg.PostgresLogMessage) -> None:
        plan = str(message.message).partition("plan:")[2]
        conditions.extend(re.findall(r'"Index Cond": "([^"]*)"', plan) if "member_metrics" in plan else ())

    async with explained(database_url) as one:
        await one.tx.execute(f"set role {SERVER}")
        one.tx.add_log_listener(keep)
        past = datetime.now(UTC) - timedelta(hours=400)
        page = [
            gym.coach.user_id,
            gym.organization_id,
            gym.member.membership_id,
            None,
            None,
            None,
            past,
            UNKNOWN,
        ]
        assert len(await one.tx.fetch(QUERIES["metrics/history"].sql, *page, 51)) == 51
        one.tx.remove_log_listener(keep)
    of_values = [condition for condition in conditions if "definition_id" in condition]
    assert len(of_values) == 2  # where the page ends, and what is on it
    assert all(condition.count("recorded_at") == 2 for condition in of_values)
