"""A server in this process, phones for the people of two gyms, and the platform, which does everything in SQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from ..gym import Place, Someone
from ..phone import Frame, Phone
from ..server.conftest import OpenPhone, gym, http, other_gym, phone, server, settings, url

__all__ = ("OpenPhone", "gym", "http", "other_gym", "phone", "server", "settings", "url")

SOON = 1.0  # s from a commit until everybody concerned is told
LATE = 5.0  # s, without being notified

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Platform:
    """What others do with the tables."""

    def __init__(self, database: Connection, gym: Place) -> None:
        self._database = database
        self._gym = gym

    async def do(self, statement: str, *arguments: object) -> None:
        """One statement, one transaction."""
        await self._database.execute(statement, *arguments)

    async def set_status(self, someone: Someone, status: str) -> None:
        await self.do("update memberships set status = $2 where id = $1", UUID(someone.membership_id), status)

    async def assign(self, member: Someone, *, published: bool = True) -> str:
        """A workout for this member, without telling anybody."""
        async with self._database.transaction():
            await self.do("set local coachwire.quiet = on")
            assignment_id = await self._database.fetchval(
                """
                insert into workout_assignments (organization_id, user_id, date, published, assigned_by)
                values ($1, $2, current_date, $3, $4) returning id
                """,
                UUID(member.organization_id), UUID(member.user_id), published, UUID(self._gym.coach.user_id),
            )  # fmt: skip
        return str(assignment_id)

    async def write_in_thread(self, assignment_id: str, sender: Someone, recipient: Someone) -> str:
        """A message under a workout, past the server."""
        message_id = uuid4()
        await self.do(
            """
            insert into messages
              (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)
            values ($1, $2, $3, $4, $5, $6, 'well done')
            """,
            message_id, UUID(sender.organization_id), UUID(sender.user_id), sender.role,
            UUID(recipient.user_id), UUID(assignment_id),
        )  # fmt: skip
        return str(message_id)

    async def positions(self, someone: Someone) -> list[int]:
        """All positions of this person's stream, in order."""
        return [
            row["position"]
            for row in await self._database.fetch(
                "select position from stream_events where user_id = $1 order by position",
                UUID(someone.user_id),
            )
        ]

    async def streams(self) -> dict[int, int]:
        """How many streams have come to which position, those at 0 left out."""
        return {
            row["position"]: row["count"]
            for row in await self._database.fetch(
                "select position, count(*) from user_streams where position > 0 group by 1"
            )
        }

    async def settled(self) -> None:
        """Wait until nothing is pending, except what was set aside."""
        async with asyncio.timeout(10):
            while True:
                if not await self._database.fetchval(
                    "select exists (select from stream_pending where attempts = 0)"
                ):
                    return
                await asyncio.sleep(0.01)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def platform(database: Connection, gym: Place) -> Platform:
    return Platform(database, gym)


@asynccontextmanager
async def open_transaction(database_url: str, *statements: str) -> AsyncIterator[None]:
    """The platform has done this and does not commit; at the end it takes it back."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for statement in statements:
            await connection.execute(statement)
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def told(phone: Phone, kind: str, within: float = SOON) -> Frame:
    """The next event of this kind, in time."""
    async with asyncio.timeout(within):
        return await phone.event(kind)


def event(kind: str, organization_id: str, position: int, **data: Any) -> Frame:
    """As the wire has it."""
    return {
        "type": "event",
        "kind": kind,
        "organizationId": organization_id,
        "data": data,
        "position": position,
    }
