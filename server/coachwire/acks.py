"""What devices say they have stored: gathered, written set-wise at most once in 2 s, and told to the senders."""

import asyncio

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.fanout import Fanout
from coachwire.operations.session import acknowledge

log = structlog.get_logger()

EVERY = 2.0  # s
MOST = 10_000  # devices that may wait; one more is dropped, its next ack makes it good
DEVICES = 100  # a statement
EVENTS = 4_000  # a statement looks at, each user's newest; of older ones their `delivered` tells


class Acks:
    """Positions on their way to the devices' rows. Losing some is harmless: the next one says more."""

    def __init__(self, database: Database, fanout: Fanout) -> None:
        self._database = database
        self._fanout = fanout
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
        """Move the positions, and tell whose messages were delivered by that."""
        acks, self._waiting = self._waiting, {}
        rows = sorted((*key, position) for key, position in acks.items())
        try:
            for start in range(0, len(rows), DEVICES):
                part = rows[start : start + DEVICES]
                async with self._database.connection() as tx:
                    signals = await acknowledge(tx, part, EVENTS // len(part))
                for signal in signals:
                    self._fanout.signal(signal)
                self._fanout.flush()
        except Unavailable:
            log.warning("acks_lost", devices=len(rows))
