"""What devices say they have stored, and what of it before somebody's eyes: gathered, written set-wise at most once in
2 s, and told to the senders."""

import asyncio
from dataclasses import dataclass

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.hub.fanout import Fanout
from coachwire.operations.session import acknowledge

log = structlog.get_logger()

EVERY = 2.0  # s
MOST = 10_000  # devices that may wait; one more is dropped, its next ack makes it good
DEVICES = 100  # a statement
EVENTS = 4_000  # a statement looks at, each user's newest; of older ones their `delivered` tells


@dataclass(slots=True)
class Ack:
    """What a device said since it was last written down."""

    position: int = 0
    foreground: int = 0  # the part of it that it said in the foreground
    opened: bool = False  # came to the foreground: all that is written of it counts as said there


class Acks:
    """Positions on their way to the devices' rows. Losing some is harmless: the next one says more, and a notification
    goes out that was not needed."""

    def __init__(self, database: Database, fanout: Fanout) -> None:
        self._database = database
        self._fanout = fanout
        self._waiting: dict[tuple[str, str], Ack] = {}

    def note(self, user_id: str, device: str, position: int, *, foreground: bool) -> None:
        """A device has stored everything up to here; `foreground`: its app is before somebody's eyes."""
        if ack := self._of(user_id, device):
            ack.position = max(ack.position, position)
            if foreground:
                ack.foreground = max(ack.foreground, position)

    def opened(self, user_id: str, device: str) -> None:
        """A device came to the foreground, with all that it has stored."""
        if ack := self._of(user_id, device):
            ack.foreground, ack.opened = ack.position, True

    async def run(self) -> None:
        """Write for ever; the owner cancels it, and calls `write` for what is left."""
        while True:
            await asyncio.sleep(EVERY)
            await self.write()

    async def write(self) -> None:
        """Move the positions, and tell whose messages were delivered by that."""
        acks, self._waiting = self._waiting, {}
        rows = sorted((*key, ack.position, ack.foreground, ack.opened) for key, ack in acks.items())
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

    def _of(self, user_id: str, device: str) -> Ack | None:
        """None: too many wait."""
        key = (user_id, device)
        if key not in self._waiting and len(self._waiting) < MOST:
            self._waiting[key] = Ack()
        return self._waiting.get(key)
