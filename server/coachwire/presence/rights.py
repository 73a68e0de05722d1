"""Keeps presence to who belongs where: memberships are read again when they may have changed, and all by and by."""

import asyncio
from contextlib import suppress

from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.operations.presence import memberships_of
from coachwire.presence import Presence

EVERY = 10.0  # s between looks at everybody's memberships: a hint may be lost
PAUSE = 0.2  # s after reading, in which doubts gather
MOST = 500  # users a statement


class PresenceRights:
    """Whose membership has ended, is offline there and sees nothing, as soon as word of it comes (`doubt`)."""

    def __init__(self, presence: Presence, database: Database) -> None:
        self._presence = presence
        self._database = database
        self._doubted: set[str] = set()
        self._waiting = asyncio.Event()

    def doubt(self, user_id: str) -> None:
        """This user's memberships may have changed."""
        self._doubted.add(user_id)
        self._waiting.set()

    async def run(self) -> None:
        """Read for ever; the owner cancels it."""
        loop = asyncio.get_running_loop()
        everybody = loop.time() + EVERY
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(everybody):
                    await self._waiting.wait()
            if loop.time() >= everybody:  # also where doubts never cease, and no wait runs out
                everybody = loop.time() + EVERY
                self._doubted.update(self._presence.people)
            self._waiting.clear()
            users, self._doubted = sorted(self._doubted.intersection(self._presence.people)), set()
            try:
                await self._read(users)
            except Unavailable:
                self._doubted.update(users)
                self._waiting.set()
            await asyncio.sleep(PAUSE)

    async def _read(self, users: list[str]) -> None:
        for start in range(0, len(users), MOST):
            async with self._database.connection() as tx:
                found = await memberships_of(tx, users[start : start + MOST])
            for user_id, memberships in found.items():
                self._presence.stand(user_id, memberships)
