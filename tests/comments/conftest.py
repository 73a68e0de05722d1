"""The server, gyms and phones of tests/server; and an exercise on which they talk."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, Someone
from ..model import conftest as profiles
from ..server.caller import Answer, Caller
from ..server.conftest import database, gym, http, log, one_database_url, other_gym, phone, server, url
from ..server.conftest import database_url as database_url
from ..server.platform import Tables

__all__ = ["database", "gym", "http", "log", "one_database_url", "other_gym", "phone", "server", "url"]

assert profiles  # its import makes known how far a model is explored

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Exercise:
    """One of a workout; `path` is that of its comments, below the organization."""

    organization_id: str
    workout_id: str
    id: str

    @property
    def path(self) -> str:
        return f"workouts/{self.workout_id}/movements/{self.id}/comments"

    @property
    def topic(self) -> str:
        return f"exercise:{self.id}"

    def fields(self, body: str = "well done", parent: str | None = None, **others: Any) -> dict[str, Any]:
        """Of a `comment.create`, with an id of its own."""
        told = {
            "organizationId": self.organization_id,
            "id": str(uuid4()),
            "workoutMovementId": self.id,
            "body": body,
        }
        return told | ({} if parent is None else {"parentCommentId": parent}) | others


class Talker(Caller):
    """Somebody who comments on an exercise over REST."""

    def __init__(self, http: ClientSession, who: Someone, exercise: Exercise) -> None:
        super().__init__(http, who)
        self.exercise = exercise

    async def comment(self, body: str = "well done", parent: str | None = None, **fields: Any) -> Answer:
        told = {"body": body} | fields | ({} if parent is None else {"parentCommentId": parent})
        return await self.post(self.exercise.path, told)

    async def said(self, body: str = "well done", parent: str | None = None) -> str:
        """The id of a new comment."""
        return str((await self.comment(body, parent)).data["id"])

    async def edited(self, comment_id: str, body: str) -> Answer:
        return await self.patch(f"{self.exercise.path}/{comment_id}", {"body": body})

    async def deleted(self, comment_id: str) -> Answer:
        return await self.delete(f"{self.exercise.path}/{comment_id}")

    async def bodies(self) -> list[str | None]:
        """What is listed, all pages."""
        items: list[str | None] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = (await self.get(self.exercise.path, **query)).data
            items += [item["body"] for item in page["items"]]
            if page["nextCursor"] is None:
                return items
            query["cursor"] = page["nextCursor"]


async def add_exercise(
    tables: Tables, place: Place, *assigned: Someone, by: Someone | None = None
) -> Exercise:
    """A workout with one exercise, assigned and published to these people."""
    workout_id, movement_id = str(uuid4()), str(uuid4())
    await tables.execute(
        "insert into workouts (id, organization_id, title) values ($1, $2, 'Legs')",
        workout_id,
        place.organization_id,
    )
    await tables.execute(
        "insert into workout_movements (id, workout_id, name) values ($1, $2, 'Squat')",
        movement_id,
        workout_id,
    )
    await tables.executemany(
        "insert into workout_assignments (organization_id, user_id, workout_id, date, published, assigned_by)"
        " values ($1, $2, $3, '2026-03-01', true, $4)",
        [
            (place.organization_id, someone.user_id, workout_id, by.user_id if by else None)
            for someone in assigned
        ],
    )
    return Exercise(place.organization_id, workout_id, movement_id)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


@pytest.fixture
async def exercise(gym: Place, database: Tables) -> Exercise:
    """Of a workout that the coach assigned to one of the two members."""
    return await add_exercise(database, gym, gym.member, by=gym.coach)


@pytest.fixture
def coach(http: ClientSession, gym: Place, exercise: Exercise) -> Talker:
    return Talker(http, gym.coach, exercise)


@pytest.fixture
def member(http: ClientSession, gym: Place, exercise: Exercise) -> Talker:
    return Talker(http, gym.member, exercise)
