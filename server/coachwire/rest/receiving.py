"""Which bodies come into the local store at a time: none that does not come on, and none at others' expense."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from coachwire_protocol.errors import Unavailable

AT_ONCE = 64  # of all people
OF_ONE = 6  # of one, in all organizations; one more is `unavailable`
GRACE = 20.0  # s in which nothing need have come, and from then on, on the average,
PACE = 16_384  # bytes a second: a picture of 10 MB needs as much to come while its link lives
WHOLE = 600.0  # s for all of it
RETRY = 1_000  # ms


class TooSlow(Exception):
    """Less came than must have come by then."""


class Body:
    """One on its way."""

    def __init__(self, account: str, timeout: asyncio.Timeout) -> None:
        self.account = account
        self.gives_way = False
        self.received = 0  # bytes
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()

    @property
    def due(self) -> float:
        """By the loop's clock: until when more must have come."""
        return self._started + GRACE + self.received / PACE

    @property
    def pace(self) -> float:
        return self.received / max(self._loop.time() - self._started, 0.001)

    def give_way(self) -> None:
        self.gives_way = True
        self._timeout.reschedule(self._loop.time())


class Receiving:
    """All bodies that come in here."""

    def __init__(self) -> None:
        self._bodies: dict[Body, None] = {}

    def __len__(self) -> int:
        return sum(not body.gives_way for body in self._bodies)

    @asynccontextmanager
    async def body(self, account: str, seconds: float) -> AsyncIterator[Body]:
        """For so long at most. Raises `Unavailable` when there is no room, or it has to give way to somebody who has
        less; `TooSlow`."""
        have = sum(body.account == account for body in self._bodies)
        if have >= OF_ONE or (len(self) >= AT_ONCE and not self._make_room(have)):
            raise Unavailable(retry_after_ms=RETRY)
        body = None
        try:
            async with asyncio.timeout(min(WHOLE, seconds)) as timeout:
                body = Body(account, timeout)
                self._bodies[body] = None
                yield body
        except TimeoutError:
            if body is not None and body.gives_way:
                raise Unavailable(retry_after_ms=RETRY) from None
            raise TooSlow from None
        finally:
            if body is not None:
                del self._bodies[body]

    def _make_room(self, have: int) -> bool:
        """The slowest body of who has most gives way, to somebody who would still have less. False: there is none."""
        accounts = Counter(body.account for body in self._bodies if not body.gives_way)
        account, most = accounts.most_common(1)[0]
        if most <= have + 1:
            return False
        theirs = (body for body in self._bodies if body.account == account and not body.gives_way)
        min(theirs, key=lambda body: body.pace).give_way()
        return True


RECEIVING = web.AppKey("receiving", Receiving)
