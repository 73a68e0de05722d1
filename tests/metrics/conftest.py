"""The server, gyms and phones of tests/server; people whose values are recorded."""

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone
from ..server.caller import Answer, Caller
from ..server.conftest import database, gym, http, log, one_database_url, other_gym, phone, server, url
from ..server.conftest import database_url as database_url
from ..server.platform import Tables, join

__all__ = ["database", "gym", "http", "log", "one_database_url", "other_gym", "phone", "server", "url"]

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Trainer(Caller):
    """Somebody who records values and looks at them, over REST."""

    def __init__(self, http: ClientSession, who: Someone) -> None:
        super().__init__(http, who)
        self.who = who

    async def record(
        self, of: Someone, definition: str, value: str = "100", unit: str = "kg", **others: Any
    ) -> Answer:
        """One value of somebody in this organization."""
        told = {"id": str(uuid4()), "definitionId": definition, "value": value, "unit": unit} | others
        return await self.post(f"members/{of.membership_id}/metrics", told)

    async def recorded(self, of: Someone, definition: str, value: str = "100", **others: Any) -> str:
        """The id of a new value."""
        return str((await self.record(of, definition, value, **others)).data["id"])

    async def values_of(self, of: Someone) -> Answer:
        """The first page of what is listed of somebody, or why not."""
        return await self.get(f"members/{of.membership_id}/metrics")

    async def values(self, of: Someone, **query: Any) -> list[str]:
        """What is listed of somebody, all pages."""
        found: list[str] = []
        while True:
            page = (await self.get(f"members/{of.membership_id}/metrics", limit=2, **query)).data
            found += [item["value"] for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    async def make_set(self, *definitions: str, **owner: str) -> str:
        told = {"name": "Strength", "owner": owner, "definitions": definitions}
        return str((await self.post("metric-sets", told)).data["id"])

    async def grant(self, to: Place, **others: Any) -> Answer:
        told = {"organizationId": to.organization_id} | others
        return await self.put("/v1/me/metric-grants", told)

    async def withdraw(self, of: Place, **others: Any) -> Answer:
        query = {"organizationId": of.organization_id} | others
        return await self.call("DELETE", "/v1/me/metric-grants", query=query)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


@pytest.fixture
async def squat(database: Tables) -> str:
    return await definition(database, "back_squat_1rm")


@pytest.fixture
async def bench(database: Tables) -> str:
    return await definition(database, "bench_press_1rm")


@pytest.fixture
async def run(database: Tables) -> str:
    """A time: 5 km."""
    return await definition(database, "run_5km_time")


@pytest.fixture
async def abroad(gym: Place, other_gym: Place, database: Tables) -> Someone:
    """The gym's member as a member of the other gym."""
    return await join(database, gym.member, other_gym, "member")


async def definition(database: Tables, slug: str) -> str:
    return str(await database.fetchval("select id from metric_definitions where slug = $1", slug))
