"""A server in this process, phones that watch, and threads that others write in past it."""

from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp.test_utils import TestServer
from coachwire.keys import FANOUT
from coachwire.topics import exercise_topic, thread_topic

from ..access.conftest import Platform, database, platform
from ..gym import Place, Someone
from ..phone import Frame, Phone
from ..server.conftest import OpenPhone, gym, http, other_gym, phone, server, settings, url

__all__ = (
    "OpenPhone", "Platform", "database", "gym", "http", "other_gym", "phone", "platform", "server", "settings", "url",
)  # fmt: skip

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Board:
    """A workout of the member with an exercise and a thread, and what is written there past the server."""

    def __init__(self, database: Connection, gym: Place, assignment_id: str, movement_id: str) -> None:
        self.gym = gym
        self.assignment_id = assignment_id
        self.movement_id = movement_id
        self.thread = thread_topic(assignment_id)
        self.exercise = exercise_topic(movement_id)
        self._database = database

    async def write(
        self, content: str = "well done", *, times: int = 1, sender: Someone | None = None
    ) -> list[str]:
        """Messages to the member, each an event of the thread's topic and of nobody's stream. Returns their ids."""
        sender = sender or self.gym.coach
        ids = [uuid4() for _ in range(times)]
        async with self._database.transaction():
            await self._database.execute("set local coachwire.quiet = on")
            await self._database.execute(
                """
                with written as (
                  insert into messages
                    (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)
                  select id, $2, $3, 'coach', $4, $5, $6 from unnest($1::uuid[]) id
                  returning *)
                insert into message_ledger
                  (message_id, organization_id, sender_id, low_user_id, high_user_id,
                   workout_assignment_id, created_at)
                select id, organization_id, sender_id,
                  least(sender_id, recipient_id), greatest(sender_id, recipient_id),
                  workout_assignment_id, created_at
                from written
                """,
                ids, UUID(self.gym.organization_id), UUID(sender.user_id), UUID(self.gym.member.user_id),
                UUID(self.assignment_id), content,
            )  # fmt: skip
            await self.tell(self.thread, "message.created", *map(str, ids))
        return [str(id_) for id_ in ids]

    async def head(self) -> int:
        """How many events the thread's topic has had."""
        query = "select coalesce(max(position), 0) from topic_streams where topic = $1"
        return int(await self._database.fetchval(query, self.thread))

    async def tell(self, topic: str, kind: str, *subjects: str) -> None:
        """Events of this topic, one a subject."""
        await self._database.execute(
            "select tell_topics(array_fill($1::text, array[n]), array_fill($2::text::event_kind, array[n]),"
            " $3, array_fill($4::uuid, array[n]), now()) from cardinality($3::uuid[]) n",
            topic, kind, [UUID(one) for one in subjects], UUID(self.gym.organization_id),
        )  # fmt: skip


@pytest.fixture
async def board(database: Connection, gym: Place) -> Board:
    """Under a workout that is assigned to the member and published."""
    async with database.transaction():
        await database.execute("set local coachwire.quiet = on")
        row = await database.fetchrow(
            """
            with assigned as (
              insert into workout_assignments (organization_id, user_id, workout_id, date, published, assigned_by)
              select $1, $2, w.id, current_date, true, $3
              from workouts w where w.organization_id = $1 order by w.title limit 1
              returning id, workout_id)
            select a.id::text, (
              select v.id::text from workout_movements v
              where v.workout_id = a.workout_id order by v.sort_order limit 1)
            from assigned a
            """,
            UUID(gym.organization_id), UUID(gym.member.user_id), UUID(gym.coach.user_id),
        )  # fmt: skip
        assert row is not None
        # Of this workout the member has this assignment only.
        await database.execute(
            "delete from workout_assignments where user_id = $1 and id <> $2",
            UUID(gym.member.user_id), UUID(row[0]),
        )  # fmt: skip
    return Board(database, gym, row[0], row[1])


class Doubt:
    """Has the server compare its streams with the database now: nobody hinted at what was written past it."""

    def __init__(self, server: TestServer) -> None:
        self._server = server

    def __call__(self) -> None:
        self._server.app[FANOUT].doubt()


@pytest.fixture
def compare(server: TestServer) -> Doubt:
    return Doubt(server)


def opened(topic: str, phone: Phone, position: int, resume: str = "fresh", **more: Any) -> Frame:
    """The data of the `ok`; with its type, the frame that answers a hello."""
    return {"topic": topic, "resume": resume, "epoch": phone.epoch, "position": position} | more


def closed(topic: str, reason: str) -> Frame:
    return {"type": "topic.closed", "topic": topic, "reason": reason}


async def watching(phone: OpenPhone, who: Someone, *topics: str) -> Phone:
    """A phone that has these open."""
    watcher = await phone(who)
    for topic in topics:
        await watcher.open_topic(topic)
    return watcher
