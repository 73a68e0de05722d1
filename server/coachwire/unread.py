"""Tells users how much they have not read, after what changed it: exact when sent, and rarely enough to cost little."""

import asyncio

from coachwire_protocol.errors import Unavailable
from coachwire_protocol.frames import encode
from coachwire_protocol.session import UnreadFrame

from coachwire.database import Database
from coachwire.hub import Hub
from coachwire.operations.session import unread_of

EVERY = 0.2  # s; a user is told at most once in this time
SHARE = 20  # counting takes at most one part in this many of the time
MOST = 2.0  # s between two counts all the same, however long the database took, or did not answer


class UnreadCounts:
    """Users whose count has changed, until they are told. What is lost here, the next change or welcome makes good."""

    def __init__(self, hub: Hub, database: Database) -> None:
        self._hub = hub
        self._database = database
        self._changed: set[str] = set()
        self._put_off: set[str] = set()  # once: who is written to all the time is told all the same
        self._waiting = asyncio.Event()

    def changed(self, user_id: str) -> None:
        if user_id in self._hub.inboxes:
            self._changed.add(user_id)
            self._waiting.set()

    async def run(self) -> None:
        """Tell for ever; the owner cancels it."""
        loop = asyncio.get_running_loop()
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            began = loop.time()
            users, self._changed = sorted(self._changed), set()
            try:
                await self._tell(users)
            except Unavailable:
                for user_id in users:
                    self.changed(user_id)
            await asyncio.sleep(min(MOST, max(EVERY, SHARE * (loop.time() - began))))

    async def _tell(self, users: list[str]) -> None:
        async with self._database.connection() as tx:
            counts = await unread_of(tx, users)
        put_off = (self._changed & counts.keys()) - self._put_off  # counted too early: the next count tells
        self._put_off = put_off
        for user_id, unread in counts.items():
            if user_id in put_off:
                continue
            frame = encode(UnreadFrame(total=unread.total, organizations=unread.organizations))
            inbox = self._hub.inboxes.get(user_id)
            for member in inbox.live if inbox else ():
                member.send(frame)
