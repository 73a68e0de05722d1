"""What sockets and routes do with presence: come and go, watch, and ask once."""

import asyncio

from coachwire_protocol.errors import ProtocolError
from coachwire_protocol.memberships import MembershipView
from coachwire_protocol.session import Online as OnlineNow
from coachwire_protocol.session import WatchPresence

from coachwire.operations.presence import MayWatch
from coachwire.presence import Belonging, Online, Presence
from coachwire.presence.redis import PresenceExchange
from coachwire.runner import Runner
from coachwire.socket.connection import Connection

TURN = 0.15  # s; changes are told once in this time


class PresenceDoor:
    """Without an exchange, this process is all there is. Owns the tasks that answer `presence.watch`."""

    def __init__(self, presence: Presence, exchange: PresenceExchange | None, runner: Runner) -> None:
        self._presence = presence
        self._exchange = exchange
        self._runner = runner
        self._loop = asyncio.get_running_loop()
        self._last: dict[Connection, asyncio.Task[None]] = {}  # that watches, of each connection
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, connection: Connection, memberships: tuple[MembershipView, ...]) -> None:
        """A connection was welcomed, with these active memberships."""
        self._presence.enter(
            connection,
            [Belonging(one.organization_id, one.membership_id, one.role != "member") for one in memberships],
        )

    def leave(self, connection: Connection) -> None:
        """A connection has ended."""
        self._presence.leave(connection, self._loop.time())

    def set_foreground(self, connection: Connection, foreground: bool) -> None:
        """Told of the watched is only who is in the foreground; what has changed meanwhile, on the return to it."""
        connection.foreground = foreground
        if foreground:
            self._presence.wake(connection)

    def watch(self, connection: Connection, request: WatchPresence) -> None:
        """Answer, and from then on tell of changes."""
        connection.begin()
        before = self._last.get(connection)
        task = self._last[connection] = self._loop.create_task(self._watch(connection, request, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def online(self, organization_id: str) -> Online:
        """Who is online there now, on all instances as far as they can be asked."""
        if self._exchange is not None:
            return await self._exchange.look(organization_id)
        return self._presence.online(organization_id)

    async def run(self) -> None:
        """Tell of changes for ever; the owner cancels it."""
        while True:
            await asyncio.sleep(TURN)
            self._presence.turn(self._loop.time())

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(
        self, connection: Connection, request: WatchPresence, before: asyncio.Task[None] | None
    ) -> None:
        try:
            outcome = await self._runner.run(connection.actor, request)
            assert isinstance(outcome.data, MayWatch)  # noqa: S101 - that is what this operation returns
            self._presence.admit(connection.user_id, outcome.data.own)
            if self._exchange is not None:
                await self._exchange.follow(request.organization_id)
            if before is not None:
                await asyncio.wait((before,))  # the last request is the one that stands
            online = self._presence.watch(connection, request.organization_id, request.membership_ids)
            connection.answer(request.ref, OnlineNow(online=online))
        except ProtocolError as error:
            connection.refuse(request.ref, error)
        finally:
            if self._last.get(connection) is asyncio.current_task():
                del self._last[connection]
            connection.settled(durable=False)
