"""The outbox as a test looks at it: rows put down and made due by hand, and waited for."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from ..gym import Someone
from ..phone import Phone
from .receiver import PATIENCE

if TYPE_CHECKING:
    Tables: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Tables = asyncpg.Connection


@dataclass(frozen=True)
class Outbox:
    tables: Tables

    async def message(
        self,
        sender: Phone,
        recipient: Someone,
        content: str = "hello",
        *,
        due: bool = True,
        thread: str | None = None,
    ) -> str:
        """Have a message sent; it is to be told of, now if `due`. Its id."""
        id_ = str(uuid4())
        to = {"workoutAssignmentId": thread} if thread else {"membershipId": recipient.membership_id}
        asked: dict[str, Any] = {"to": to, "content": content}
        sent = await sender.ask("message.send", organizationId=recipient.organization_id, id=id_, **asked)
        assert sent["type"] == "ok", sent
        if due:
            await self.due(id_)
        return id_

    async def due(self, subject: str) -> None:
        """What waits to be told of this, waits no longer."""
        await self.tables.execute(
            "update outbox set due_at = now() where subject_id = $1 and state = 'waiting'", UUID(subject)
        )

    async def rows(self, subject: str) -> list[tuple[str, str, int, str | None]]:
        """Kind, state, attempts and problem of each row about this, oldest first."""
        rows = await self.tables.fetch(
            "select kind::text, state::text, attempts, problem from outbox where subject_id = $1 order by id",
            UUID(subject),
        )
        return [tuple(row) for row in rows]

    async def settled(self, subject: str, state: str) -> list[tuple[str, str, int, str | None]]:
        """The rows about this, as soon as the last one is in that state."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = await self.rows(subject)
                if rows and rows[-1][1] == state:
                    return rows
                await asyncio.sleep(0.01)  # the database tells nobody
