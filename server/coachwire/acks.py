"""What devices say they have stored: gathered, and written set-wise at most once in 2 s."""

import asyncio

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.operations.session import acknowledge

log = structlog.get_logger()

EVERY = 2.0  # s
MOST = 10_000  # devices that may wait; one more is dropped, its next ack makes it good


class Acks:
    """Positions on their way to the devices' rows. Losing some is harmless: the next one says more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[str, str], int] = {}

    def note(self, user_id: str, device: str, position: int) -> None:
        key = (user_id, device)
        if key in self._waiting or len(self._waiting) < MOST:
            self._waiting[key] = max(position, self._waiting.get(key, 0))

    async def run(self) -> None:
        """Write for ever; the owner cancels it, and calls `write` for what is left."""
        while True:
            await asyncio.sleep(EVERY)
            await self.write()

    async def write(self) -> None:
        if not self._waiting:
            return
        acks, self._waiting = self._waiting, {}
        try:
            async with self._database.connection() as tx:
                await acknowledge(tx, sorted((*key, position) for key, position in acks.items()))
        except Unavailable:
            log.warning("acks_lost", devices=len(acks))
