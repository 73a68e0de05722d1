"""From hello to live: the welcome, what was missed, and the step in which a connection joins its user's inbox."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import Unavailable
from coachwire_protocol.frames import encode
from coachwire_protocol.session import Hello, Limits, Live, Welcome
from coachwire_protocol.times import wire_time
from msgspec import UNSET

from coachwire.database import Database
from coachwire.hub import Hub
from coachwire.hub.fanout import Fanout
from coachwire.measures import WELCOMED
from coachwire.operations.session import Arrival, arrive
from coachwire.settings import RateLimit
from coachwire.socket.closing import closing_edge
from coachwire.socket.connection import Connection
from coachwire.socket.outgoing import Outgoing
from coachwire.socket.presence import PresenceDoor
from coachwire.socket.topics import TopicDoor
from coachwire.streams import THROUGH_ALL, Head, Streams


class Arrivals:
    """Answers hellos. Owns the replays."""

    def __init__(
        self,
        database: Database,
        streams: Streams,
        hub: Hub,
        fanout: Fanout,
        presence: PresenceDoor,
        topics: TopicDoor,
        rate_limit: RateLimit | None,
    ) -> None:
        self.waiting = 0  # connections that are being welcomed at this moment
        self._database = database
        self._streams = streams
        self._hub = hub
        self._fanout = fanout
        self._presence = presence
        self._topics = topics
        self._tasks: set[asyncio.Task[None]] = set()
        per_minute = None if rate_limit is None else round(rate_limit.messages * 60 / rate_limit.seconds)
        self._limits = Limits(messages_per_minute=per_minute)

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def welcome(self, connection: Connection, outgoing: Outgoing, hello: Hello) -> None:
        """Answer the hello: welcome, what was missed, live."""
        try:
            async with self._database.connection() as tx:
                arrival = await arrive(
                    tx,
                    connection.user_id,
                    connection.device,
                    connection.identity.issued_at,
                    foreground=hello.state == "foreground",
                )
            if arrival is None:
                raise Closed(CloseCode.ACCOUNT_GONE)
            if arrival.signed_out:
                raise Closed(CloseCode.SIGNED_OUT)
            self._hub.note(connection.user_id, arrival.head)
            connection.session = arrival.session
            connection.organization_ids = tuple(one.organization_id for one in arrival.memberships)
            connection.foreground = hello.state == "foreground"
            welcome = await self._welcome_frame(connection, hello, arrival)
        except Unavailable:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "the database is away") from None
        if arrival.session > 1:
            self._fanout.replaced(connection.user_id, connection.device, arrival.session)
        connection.send(encode(welcome))
        WELCOMED[welcome.reason or welcome.resume].inc()
        connection.welcomed = True
        self._presence.enter(connection, arrival.memberships)
        resumed = welcome.resume == "resumed"
        connection.position = welcome.position - welcome.events  # the client's own, where it resumes
        if not resumed:  # live from the welcome's position, whatever has come since
            connection.send(encode(Live(position=connection.position)))
        if self._hub.join(connection.user_id, connection):
            self._live(connection, hello, tell=resumed)
        else:
            self._start(self._replay(connection, outgoing, hello, tell=resumed))

    async def _welcome_frame(self, connection: Connection, hello: Hello, arrival: Arrival) -> Welcome:
        reason = None
        if hello.resume:
            reason = await self._streams.reason_to_reset(
                connection.user_id, hello.resume, Head(arrival.epoch, arrival.head)
            )
        resumed = bool(hello.resume) and reason is None
        return Welcome(
            user_id=connection.user_id,
            session=str(arrival.session),
            resume="resumed" if resumed else "reset" if hello.resume else "fresh",
            reason=reason or UNSET,
            epoch=arrival.epoch,
            position=arrival.head,
            events=arrival.head - hello.resume.position if resumed and hello.resume else 0,
            memberships=arrival.memberships,
            unread=arrival.unread,
            token_expires_at=wire_time(connection.token_expires_at),
            server_time=wire_time(datetime.now(UTC)),
            limits=self._limits,
        )

    async def _replay(self, connection: Connection, outgoing: Outgoing, hello: Hello, *, tell: bool) -> None:
        """Page after page until the head is reached; then the connection joins live in the same step."""
        try:
            with closing_edge(user_id=connection.user_id, session=connection.session):
                await self._catch_up(connection, outgoing, hello, tell=tell)
        except Closed as closed:
            connection.close(closed.code)

    async def _catch_up(
        self, connection: Connection, outgoing: Outgoing, hello: Hello, *, tell: bool
    ) -> None:
        user_id = connection.user_id
        while connection.closing is None:
            try:
                page = (await self._streams.read([(user_id, connection.position, THROUGH_ALL)])).get(user_id)
            except Unavailable:
                raise Closed(CloseCode.TRY_AGAIN_LATER) from None
            if not page or page[0].position != connection.position + 1:
                raise Closed(CloseCode.DRAINING, "a head without its events: this stream is no more")
            self._topics.doubt(user_id)  # what follows may be the end of a right, of which nobody told us
            await outgoing.replay(frame.frame for frame in page)
            connection.position = page[-1].through
            if self._hub.join(user_id, connection):
                self._live(connection, hello, tell=tell)
                self._fanout.changed(user_id)  # since the welcome, perhaps
                return

    def _live(self, connection: Connection, hello: Hello, *, tell: bool) -> None:
        if tell:
            connection.send(encode(Live(position=connection.position)))
        self._topics.greet(connection, hello.topics)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
