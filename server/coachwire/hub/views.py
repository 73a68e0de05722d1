"""Which topics are open on the connections of this instance. No waiting, no I/O.

A `View` is one connection's open topic, and a member of the topic's stream. Whose rights may have ended is `withheld`:
told nothing from that moment until the tables were read again."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from coachwire_protocol.close import CloseCode
from coachwire_protocol.errors import BadRequest
from coachwire_protocol.frames import encode
from coachwire_protocol.topics import MAX_TOPICS, TopicClosed

from coachwire.hub.inboxes import Inbox, Inboxes


class Screen(Protocol):
    """A connection as it is seen here."""

    @property
    def user_id(self) -> str: ...

    views: dict[str, "View"]  # what is open on it, or about to be, by topic

    @property
    def send(self) -> Callable[[bytes], None]: ...

    def signal(self, frame: bytes) -> None:
        """Queue a frame that may be lost, unless the client is in the background."""

    def close(self, code: CloseCode) -> None: ...


class View:
    """A topic on a connection."""

    __slots__ = ("closed", "doubts", "opened", "position", "screen", "send", "topic")

    def __init__(self, screen: Screen, topic: str) -> None:
        self.screen = screen
        self.topic = topic
        self.position = 0  # the last one handed to the connection
        self.opened = False  # the client was told so
        self.closed = False  # nothing is told any more
        self.doubts = 0  # times that the right may have ended: what was read before the last does not count
        self.send = screen.send

    def close(self, code: CloseCode) -> None:
        """The topic's stream is no more: as of the user's own, the whole connection begins anew."""
        self.screen.close(code)


@dataclass(slots=True)
class Views(Inboxes[View]):
    """The inboxes of all topics that are open here."""

    doubted: set[View] = field(default_factory=set)  # withheld, and to be looked at
    look: Callable[[], None] = lambda: None  # tells whoever looks
    _by_user: dict[str, set[View]] = field(default_factory=dict)

    def open(self, screen: Screen, topic: str) -> View:
        """Make room for a topic; what is open of it already is closed. Raises `BadRequest` beyond the limit."""
        if topic in screen.views:
            self.close(screen.views[topic])
        elif len(screen.views) >= MAX_TOPICS:
            raise BadRequest.at("topic", f"Expected at most {MAX_TOPICS} topics on a connection.")
        view = screen.views[topic] = View(screen, topic)
        self._by_user.setdefault(screen.user_id, set()).add(view)
        self.register(topic, view)
        return view

    def close(self, view: View) -> bool:
        """Tell nothing more of it. True if nobody else here has the topic open. Harmless when repeated."""
        if view.closed:
            return False
        view.closed = True
        self.doubted.discard(view)
        if view.screen.views.get(view.topic) is view:
            del view.screen.views[view.topic]
        mine = self._by_user[view.screen.user_id]
        mine.discard(view)
        if not mine:
            del self._by_user[view.screen.user_id]
        return self.unregister(view.topic, view)

    def doubt_user(self, user_id: str) -> None:
        """This user's rights may have ended: nothing of any topic is told them until they were read."""
        self._doubt(self._by_user.get(user_id, ()))

    def doubt_topic(self, topic: str) -> None:
        """What this topic is about, or who may see it, may have changed."""
        inbox = self.inboxes.get(topic)
        self._doubt(inbox.members if inbox else ())

    def signal(self, topic: str, frame: bytes, not_to: Collection[str]) -> None:
        """Pass on what may be lost, to all who have the topic open but these users."""
        inbox = self.inboxes.get(topic)
        for view in inbox.live if inbox else ():
            if view.screen.user_id not in not_to:
                view.screen.signal(frame)

    @property
    def all(self) -> list[View]:
        """Those that are open, and not only about to be."""
        return [view for views in self._by_user.values() for view in views if view.opened]

    def _doubt(self, views: Iterable[View]) -> None:
        for view in views:
            view.doubts += 1
            self.withhold(view.topic, view)
            if view.opened:
                self.doubted.add(view)
        if self.doubted:
            self.look()

    def _inbox(self, key: str) -> Inbox[View]:
        return self.inboxes.setdefault(key, Inbox(topic=key))


def closed_frame(topic: str, reason: Literal["forbidden", "gone"]) -> bytes:
    """What a client is told instead of a topic, or as its end."""
    return encode(TopicClosed(topic=topic, reason=reason))
