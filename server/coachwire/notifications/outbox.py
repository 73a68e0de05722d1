"""Posts what the outbox holds, as soon as it is due. Any instance works, all at once: a row is one worker's at a time.

At least once: a row is settled after it was posted, and comes back when its worker dies in between; the receiver knows
it by its id. In no promised order: what failed is tried again beside what came later."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.measures import NOTIFICATION_SECONDS, NOTIFICATIONS
from coachwire.notifications.contents import Due
from coachwire.notifications.posting import Ending
from coachwire.notifications.queries import CLAIM, FORGET, HASTEN, SETTLE, SWEEP
from coachwire.observe import place

log = structlog.get_logger()

POLL = 1.0  # s between two looks when nothing is due
AT_ONCE = 16  # posts of an instance to one kind of receiver; more wait in the table
POST = 10.0  # s for an answer
LEASE = timedelta(seconds=60)  # a row comes back after that; longer than post and settling may take
GATHER = 0.02  # s in which posts that ended are settled together
RETRY = 1.0  # s, while the database is away
ATTEMPTS = 24  # with these pauses, on average over a day
PAUSES = (5.0, 14_400.0)  # s before the second attempt at most, doubled each time, up to; full jitter
LONGEST_ASKED = 3_600.0  # s that a receiver may ask us to wait
GRACE = 2.0  # s at the end for posts under way
SWEEP_EVERY = 3_600.0  # s
SWEPT = 1_000  # rows a statement

Post = Callable[[Due], Awaitable[Ending]]


class Outbox:
    """The rows for one kind of receiver: the platform, or browsers. Owns the tasks that post."""

    def __init__(
        self, database: Database, receiver: str, post: Post | None, *, fans_out: bool = False
    ) -> None:
        """`receiver` is webhook or browser. Without `post` the platform's rows only make those of browsers, which
        `fans_out` asks for."""
        self._database = database
        self._receiver = receiver
        self._post = post
        self._fans_out = fans_out
        self._posting: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Due, Ending]] = []

    async def run(self) -> None:
        """Post for ever; the owner cancels it, and calls `close`."""
        while True:
            try:
                await self._settle()
                room = AT_ONCE - len(self._posting)
                more = room == 0 or await self._claim(room) == room
            except Unavailable:
                await asyncio.sleep(RETRY)
                continue
            if more and len(self._posting) < AT_ONCE:
                continue
            if self._posting:
                wait = None if more else POLL
                await asyncio.wait(self._posting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(GATHER)
            else:
                await asyncio.sleep(POLL)

    async def close(self) -> None:
        """Give posts under way a moment, cancel the rest: their rows come back when the lease ends."""
        if self._posting:
            await asyncio.wait(self._posting, timeout=GRACE)
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        with suppress(Unavailable):
            await self._settle()

    async def _claim(self, room: int) -> int:
        """Take what is due and start posting it; how many rows that were."""
        async with self._database.connection() as tx:
            rows = await CLAIM.rows(
                tx, self._receiver == "browser", room, LEASE, self._post is not None, self._fans_out
            )
        for due in rows:
            if due.act == "post":
                task = asyncio.create_task(self._attempt(due))
                self._posting.add(task)
                task.add_done_callback(self._posting.discard)
            elif due.act == "dropped":
                self._count("dropped")
        return len(rows)

    async def _attempt(self, due: Due) -> None:
        assert self._post is not None  # noqa: S101 - without it, nothing is to be posted
        began = time.monotonic()
        try:
            ending = await self._post(due)
        except Exception as error:  # the edge: what nobody foresaw is logged, and tried again
            log.error("notification_failed", id=due.id, error=type(error).__name__, place=place(error))
            ending = Ending("again", "internal")
        NOTIFICATION_SECONDS.labels(self._receiver).observe(time.monotonic() - began)
        if ending.state == "again" and due.attempt >= ATTEMPTS:
            ending = ending._replace(state="dead")
        self._ended.append((due, ending))

    async def _settle(self) -> None:
        """Write down how posts ended, together. Raises `Unavailable`; then they stay for the next time."""
        if not self._ended:
            return
        ended = sorted(self._ended, key=lambda one: one[0].id)
        async with self._database.connection() as tx:
            settled = await SETTLE.rows(
                tx,
                [due.id for due, _ in ended],
                [due.claim for due, _ in ended],
                ["waiting" if ending.state == "again" else ending.state for _, ending in ended],
                [pause(due.attempt, ending.wait) for due, ending in ended],
                [ending.problem for _, ending in ended],
            )
            if missed := {due.id for due, _ in ended} - {row.id for row in settled}:
                await HASTEN.run(tx, list(missed))
            forgotten = [due for due, ending in ended if ending.forget]
            if forgotten:
                await FORGET.run(
                    tx,
                    [due.user_id for due in forgotten],
                    [due.device_id for due in forgotten],
                    [due.push_endpoint for due in forgotten],
                )
        del self._ended[: len(ended)]  # what ended meanwhile stands behind them
        for due, ending in ended:
            self._count("failed" if ending.state == "again" else ending.state)
            if ending.state == "dead":
                say = log.error if self._receiver == "webhook" else log.warning  # browsers come and go
                say(
                    "notification_dead",
                    id=due.id,
                    receiver=self._receiver,
                    kind=due.kind,
                    attempts=due.attempt,
                    problem=ending.problem,
                )

    def _count(self, outcome: str) -> None:
        NOTIFICATIONS.labels(self._receiver, outcome).inc()


def pause(attempt: int, asked: float = 0.0) -> float:
    """Seconds after the attempt of this number: full jitter, what failed together does not come back together."""
    longest = min(PAUSES[0] * 2.0 ** (attempt - 1), PAUSES[1])
    return max(random.uniform(0.0, longest), min(asked, LONGEST_ASKED))  # noqa: S311 - spreads load, hides nothing


async def sweep_outbox(database: Database) -> None:
    """Take out what is settled and old, for ever; the owner cancels it."""
    while True:
        try:
            async with database.connection() as tx:
                swept = await SWEEP.one(tx, SWEPT)
        except Unavailable:
            await asyncio.sleep(RETRY)
            continue
        await asyncio.sleep(RETRY if swept.rows >= SWEPT else SWEEP_EVERY)
