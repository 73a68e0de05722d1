"""What sockets do with topics: open one, be told what was missed of it, close it."""

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import BadRequest, NotFound, ProtocolError, Unavailable
from coachwire_protocol.frames import encode
from coachwire_protocol.topics import (
    CloseTopic,
    OpenTopic,
    ResetReason,
    Resume,
    TopicAsk,
    TopicOpened,
    TopicState,
    is_topic,
)
from msgspec import UNSET, UnsetType

from coachwire.bus import Bus
from coachwire.database import Database
from coachwire.hub.views import View, Views, closed_frame
from coachwire.socket.closing import closing_edge
from coachwire.socket.connection import Connection
from coachwire.socket.topic_kinds import Standing, note_watching, standings
from coachwire.streams import THROUGH_ALL, Frame, Head
from coachwire.streams.topics import TopicStreams
from coachwire.topics import topic_channel

LOOKS = 5  # times that rights are read that change all the while; then the topic is `unavailable`

Asked: TypeAlias = tuple[View, Resume | UnsetType]


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a view begins."""

    view: View
    head: Head
    resumed: bool
    reason: ResetReason | None

    @property
    def state(self) -> dict[str, Any]:
        """The fields of the answer."""
        return {
            "topic": self.view.topic,
            "resume": "resumed" if self.resumed else "reset" if self.reason else "fresh",
            "reason": self.reason or UNSET,
            "epoch": self.head.epoch,
            "position": self.head.position,
        }


class TopicDoor:
    """Answers `topic.open`, `topic.close` and the topics of a hello. Owns the replays."""

    def __init__(self, views: Views, streams: TopicStreams, database: Database, bus: Bus) -> None:
        self._views = views
        self._streams = streams
        self._database = database
        self._bus = bus
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, connection: Connection, request: OpenTopic) -> None:
        """Answer, then tell what was missed, then what happens. Open already, it begins anew."""
        try:
            view = self._admit(connection, request.topic)
        except BadRequest as error:
            connection.refuse(request.ref, error)
            return
        connection.begin()
        self._start(connection, self._open(connection, request, view))

    def close(self, connection: Connection, request: CloseTopic) -> None:
        """Tell nothing more of it; harmless for what is not open."""
        if view := connection.views.get(request.topic):
            self.end(view)
        connection.answer(request.ref)

    def greet(self, connection: Connection, asks: Sequence[TopicAsk]) -> None:
        """Answer the topics of a hello, each by a frame of its own."""
        if connection.ended:  # while it was told what it had missed
            return
        asked: list[Asked] = []
        for ask in {ask.topic: ask for ask in asks}.values():
            try:
                asked.append((self._admit(connection, ask.topic), ask.resume))
            except BadRequest:  # an unknown kind, or one beyond the limit beside those opened meanwhile
                connection.send(closed_frame(ask.topic, "forbidden"))
        if asked:
            self._start(connection, self._greet(connection, asked))

    def doubt(self, user_id: str) -> None:
        """This user's rights may have ended."""
        self._views.doubt_user(user_id)

    def leave(self, connection: Connection) -> None:
        """The connection has ended: nothing is opened on it any more."""
        connection.ended = True
        for view in list(connection.views.values()):
            self.end(view)

    def end(self, view: View) -> None:
        if self._views.close(view):
            self._bus.unsubscribe(topic_channel(view.topic))

    def follow(self, view: View) -> None:
        """Tell what comes after its position: live, in this step, when that is the head, else from the stream first."""
        if view.closed or _connection(view).closing is not None:
            return
        if not self._views.join(view.topic, view):
            self._start(_connection(view), self._catch_up(view, view.doubts))

    async def shut(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _admit(self, connection: Connection, topic: str) -> View:
        if not is_topic(topic):  # in a hello it may be any text
            raise BadRequest.at("topic", "Expected a topic of a kind that there is.")
        return self._views.open(connection, topic)

    async def _open(self, connection: Connection, request: OpenTopic, view: View) -> None:
        try:
            opening = (await self._begin([(view, request.resume)]))[0]
            if isinstance(opening, Standing):
                raise NotFound
            connection.answer(request.ref, TopicState(**opening.state))
            self._opened(opening)
        except ProtocolError as error:
            self.end(view)
            connection.refuse(request.ref, error)
        finally:
            connection.settled(durable=False)

    async def _greet(self, connection: Connection, asked: Sequence[Asked]) -> None:
        try:
            openings = await self._begin(asked)
        except Unavailable:
            raise Closed(CloseCode.TRY_AGAIN_LATER) from None
        for (view, _), opening in zip(asked, openings, strict=True):
            if isinstance(opening, Standing):
                self.end(view)
                connection.send(closed_frame(view.topic, "gone" if opening.may else "forbidden"))
            else:
                connection.send(encode(TopicOpened(**opening.state)))
                self._opened(opening)

    async def _begin(self, asked: Sequence[tuple[View, Resume | UnsetType]]) -> list[Opening | Standing]:
        """Where these begin, in order; for what may not be opened, how the user stands to it. What this says holds in
        the step in which it returns. Raises `Unavailable`."""
        views = [view for view, _ in asked]
        await self._subscribe({view.topic for view in views if not view.closed})
        noted: set[str] = set()
        for _ in range(LOOKS):
            doubts = [view.doubts for view in views]
            async with self._database.connection() as tx:
                users = [(view.screen.user_id, view.topic) for view in views]
                found = await standings(tx, users)
                looks = [
                    (user, topic)
                    for (user, topic), standing in zip(users, found, strict=True)
                    if standing.ended is None and topic not in noted
                ]
                await note_watching(tx, looks)  # once, however often rights are read
                noted.update(topic for _, topic in looks)
            heads = await self._streams.heads([view.topic for view in views])
            openings = [
                await self._opening(view, resume, head) if standing.ended is None else standing
                for (view, resume), standing, head in zip(asked, found, heads, strict=True)
            ]
            if doubts == [view.doubts for view in views]:
                return openings
        raise Unavailable

    async def _subscribe(self, topics: Collection[str]) -> None:
        await asyncio.gather(*(self._bus.subscribe(topic_channel(topic)) for topic in topics))
        for topic in topics:
            if topic not in self._views.inboxes:  # closed meanwhile, by whoever was the last to have it
                self._bus.unsubscribe(topic_channel(topic))

    async def _opening(self, view: View, resume: Resume | UnsetType, head: Head) -> Opening:
        if isinstance(resume, UnsetType):
            return Opening(view, head, resumed=False, reason=None)
        reason = await self._streams.reason_to_reset(view.topic, resume, head)
        view.position = resume.position
        return Opening(view, head, resumed=reason is None, reason=reason)

    def _opened(self, opening: Opening) -> None:
        """The client knows; from here on it is told."""
        view = opening.view
        if not opening.resumed:
            view.position = opening.head.position
        view.opened = True
        self._views.note(view.topic, opening.head.position)
        self.follow(view)

    async def _catch_up(self, view: View, doubts: int) -> None:
        """Page after page until the head is reached; then the view joins live in the same step. Ends where the right is
        doubted: whoever looks at it begins anew."""
        connection = _connection(view)
        while not view.closed and view.doubts == doubts and connection.closing is None:
            if self._views.join(view.topic, view):
                return
            await connection.replay(_told(view, doubts, await self._page(view)))

    async def _page(self, view: View) -> list[Frame]:
        try:
            page = (await self._streams.read([(view.topic, view.position, THROUGH_ALL)])).get(view.topic)
        except Unavailable:
            raise Closed(CloseCode.TRY_AGAIN_LATER) from None
        if not page or page[0].position != view.position + 1:
            raise Closed(CloseCode.DRAINING, "a head without its events: this stream is no more")
        return page

    def _start(self, connection: Connection, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_for(connection, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _for(connection: Connection, work: Coroutine[Any, Any, None]) -> None:
    """What cannot go on, closes the connection."""
    try:
        with closing_edge(user_id=connection.user_id, session=connection.session):
            await work
    except Closed as closed:
        connection.close(closed.code)


def _told(view: View, doubts: int, page: Sequence[Frame]) -> Iterator[bytes]:
    """The frames of a page, as long as they may be told: writing them may take a while."""
    for frame in page:
        if view.closed or view.doubts != doubts:
            return
        view.position = frame.through
        yield frame.frame


def _connection(view: View) -> Connection:
    return cast("Connection", view.screen)
