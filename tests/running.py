"""A `Runner` on a real database, and who notes what it hands on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from coachwire import app
from coachwire.blobs.local import LocalBlobs
from coachwire.database import Database
from coachwire.operation import Actor, Again, Answer, Outcome
from coachwire.roles import SERVER
from coachwire.runner import Runner
from coachwire.settings import RateLimit

assert app  # its import enters all operations into the table


@dataclass
class Noted:
    """Stands where the hub and the bus do: settles, and keeps what is told."""

    told: list[tuple[str, int, str | None]] = field(default_factory=list)  # user, position, kind
    flushes: int = 0
    doubts: int = 0

    def deliver(self, actor: Actor, result: Outcome | Again, answer: Answer) -> None:
        for one in result.deliveries:
            self.told.append((one.user_id, one.position, str(one.event.kind) if one.event else None))
        if isinstance(result, Outcome):
            answer.settle(result)

    def flush(self) -> None:
        self.flushes += 1

    @property
    def doubt(self) -> Callable[[], None]:
        return self._doubt

    def _doubt(self) -> None:
        self.doubts += 1


@asynccontextmanager
async def running(dsn: str, *, rate_limit: RateLimit | None = None) -> AsyncIterator[tuple[Runner, Noted]]:
    """Operations against this database."""
    database, noted = Database(dsn, SERVER), Noted()
    await database.open()
    with TemporaryDirectory() as folder:
        blobs = LocalBlobs(Path(folder), lambda: "http://files.test")
        runner = Runner(database, noted, rate_limit, timedelta(minutes=15), blobs)
        try:
            yield runner, noted
        finally:
            await runner.close()
            await database.close()
