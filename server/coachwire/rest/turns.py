"""How many requests of one person are worked on at a time: the connections to the database are everybody's."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from coachwire_protocol.errors import RateLimited

AT_ONCE = 6  # of a person and instance: of the database's 10 connections some are left for others
MOST = 64  # with those that wait for their turn, as on a socket; one more is `rate_limited`
WAIT = 10.0  # s for a turn; then it is `rate_limited`
RETRY = 1_000  # ms

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class _Person:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    here: int = 0


class Turns:
    """Of all people who ask for something at this moment."""

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}

    async def take(self, user_id: str) -> None:
        """Wait for a turn. Raises `RateLimited` when too many wait already, or it does not come in time."""
        person = self._people.setdefault(user_id, _Person())
        if person.here >= MOST:
            raise RateLimited("Too many requests at a time.", retry_after_ms=RETRY)
        person.here += 1
        try:
            async with asyncio.timeout(WAIT):
                await person.free.acquire()
        except TimeoutError:
            self._leave(user_id, person)
            raise RateLimited("Too many requests at a time.", retry_after_ms=RETRY) from None
        except asyncio.CancelledError:
            self._leave(user_id, person)
            raise

    def give_back(self, user_id: str) -> None:
        person = self._people[user_id]
        person.free.release()
        self._leave(user_id, person)

    def _leave(self, user_id: str, person: _Person) -> None:
        person.here -= 1
        if not person.here:
            del self._people[user_id]


TURNS = web.AppKey("turns", Turns)
HOLDER = web.RequestKey("turn_of", str)


async def take_turn(request: web.Request, user_id: str) -> None:
    """Held until the request is answered, or `give_turn_back`. Raises `RateLimited`."""
    await request.app[TURNS].take(user_id)
    request[HOLDER] = user_id


def give_turn_back(request: web.Request) -> None:
    """For who waits long and needs nothing meanwhile; harmless when repeated."""
    if HOLDER in request:
        request.app[TURNS].give_back(request[HOLDER])
        del request[HOLDER]


@web.middleware
async def end_turns(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever became of it."""
    try:
        return await handler(request)
    finally:
        give_turn_back(request)
