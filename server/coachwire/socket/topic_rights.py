"""Keeps topics to who may see them: rights are read again when they may have ended, and all by and by."""

import asyncio
from contextlib import suppress

from coachwire_protocol.errors import Unavailable

from coachwire.database import Database
from coachwire.hub.views import View, Views, closed_frame
from coachwire.socket.topic_kinds import standings
from coachwire.socket.topics import TopicDoor

EVERY = 10.0  # s between looks at all that is open: a hint may be lost
PAUSE = 0.05  # s after reading, in which doubts gather
RETRY = 0.5  # s, while the database is away
MOST = 500  # views a statement


class TopicRights:
    """Who was withheld is told `topic.closed`, or goes on from the stream without a gap."""

    def __init__(self, views: Views, database: Database, door: TopicDoor) -> None:
        self._views = views
        self._database = database
        self._door = door
        self._waiting = asyncio.Event()
        views.look = self._waiting.set

    async def run(self) -> None:
        """Read for ever; the owner cancels it."""
        loop = asyncio.get_running_loop()
        everything = loop.time() + EVERY
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(everything):
                    await self._waiting.wait()
            if loop.time() >= everything:  # also where doubts never cease, and no wait runs out
                everything = loop.time() + EVERY
                await self._look(self._views.all)
            self._waiting.clear()
            await self._look(list(self._views.doubted))
            await asyncio.sleep(PAUSE)

    async def _look(self, views: list[View]) -> None:
        try:
            for start in range(0, len(views), MOST):
                await self._look_at(views[start : start + MOST])
        except Unavailable:  # who is withheld, stays so
            self._waiting.set()
            await asyncio.sleep(RETRY)

    async def _look_at(self, views: list[View]) -> None:
        doubts = [view.doubts for view in views]
        async with self._database.connection() as tx:
            found = await standings(tx, [(view.screen.user_id, view.topic) for view in views])
        for view, before, standing in zip(views, doubts, found, strict=True):
            if view.closed or view.doubts != before:
                continue  # what was read does not count any more
            if (reason := standing.ended) is not None:
                view.send(closed_frame(view.topic, reason))
                self._door.end(view)
            elif view in self._views.doubted:
                self._views.doubted.discard(view)
                self._door.follow(view)
