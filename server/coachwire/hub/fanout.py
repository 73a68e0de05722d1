"""From commit to everybody who is connected: the hub here, the bus to the other instances.

What goes over the bus is a hint (see `Bus`): an event at its position, a signal, word of a device's newer socket or
sign-out, or of a topic that not everybody may see any more."""

from collections.abc import Callable, Iterable

import structlog
from coachwire_protocol.frames import skipped_frame
from coachwire_protocol.schema import EventKind

from coachwire.bus import Bus, Message
from coachwire.hub import Hub
from coachwire.hub.inboxes import Rider
from coachwire.hub.views import Views
from coachwire.operation import Actor, Again, Answer, Outcome, Signal, TopicSignal
from coachwire.streams import Frame
from coachwire.topics import topic_channel, topic_of, user_channel, user_of

log = structlog.get_logger()

EVENT, SIGNAL, DEVICE, SIGN_OUT = b"E", b"S", b"D", b"O"
BACKGROUND = b"B"  # a signal, also to clients in the background
RECOUNT = b"U"  # what a user has not read has changed otherwise than by an event of theirs
REVOKING, GONE = b"R", b"G"  # an event that ends what was allowed before it; a person's end
DOUBT = b"L"  # somebody's rights may have changed: what they have open is looked at
# On a topic's channel `REVOKING` has no event: who has it open is looked at.


class Fanout:
    """Hands on what operations brought. Nothing here waits: a slow socket or a lost bus delays nobody's answer."""

    def __init__(
        self,
        hub: Hub,
        views: Views,
        bus: Bus,
        *,
        doubt: Callable[[], None],
        changed: Callable[[str], None],
        revoked: Callable[[str], None],
    ) -> None:
        """`doubt` is called when something may have been lost, `changed` with each user who was told something new,
        `revoked` with each whose rights may have changed."""
        self.doubt = doubt
        self.changed = changed
        self._hub = hub
        self._views = views
        self._bus = bus
        self._revoked = revoked
        self._outgoing: list[Message] = []

    def deliver(self, actor: Actor, result: Outcome | Again, answer: Answer) -> None:
        """Hand on what a call brought; to the other instances it leaves with the next flush. An outcome is answered in
        the same step: by an `ok` in the place of the caller's own event, so that it comes in order, or behind all."""
        own_position = result.position if isinstance(result, Outcome) else None
        carried = False
        for delivery in result.deliveries:
            user_id, position = delivery.user_id, delivery.position
            frame = delivery.event.frame(position) if delivery.event else skipped_frame(position, position)
            rider = None
            if position == own_position and user_id == actor.user_id and answer.member is not None:
                assert isinstance(result, Outcome)  # noqa: S101 - only an outcome has a position of its own
                rider = Rider(answer.member, answer.ok(result, position))
            if self._hub.deliver(user_id, position, position, frame, rider):
                carried = True
            if user_id != actor.user_id or (
                delivery.event and delivery.event.kind != EventKind.MESSAGE_CREATED
            ):
                self.changed(user_id)  # one's own sends are nothing to read
            self._outgoing.append((user_channel(user_id), b"%b%d %d %b" % (EVENT, position, position, frame)))
        for told in result.topics:
            assert told.event.topic is not None  # noqa: S101 - an event of a topic names it
            self.tell_topic(
                told.event.topic, [Frame(told.position, told.position, told.event.frame(told.position))]
            )
        if isinstance(result, Outcome):
            for topic in result.revoked_topics:
                self.revoke_topic(topic)
            for signal in result.signals:
                self.signal(signal)
            for topic_signal in result.topic_signals:
                self.signal_topic(topic_signal)
            answer.settle(result, carried=carried)

    def tell(self, user_id: str, frames: Iterable[Frame]) -> None:
        """Hand on events that no call brought, read from the stream just now: of changes by the platform, which may
        have ended what hints from before them still allow. They leave with the next flush."""
        for position, through, frame in frames:
            self._hub.revoke(user_id, position, through, frame)
            self._outgoing.append(
                (user_channel(user_id), b"%b%d %d %b" % (REVOKING, position, through, frame))
            )
        self.changed(user_id)
        self._revoked(user_id)

    def tell_topic(self, topic: str, frames: Iterable[Frame]) -> None:
        """Hand on events of a topic, in order. They leave with the next flush."""
        channel = topic_channel(topic)
        for position, through, frame in frames:
            self._views.deliver(topic, position, through, frame)
            self._outgoing.append((channel, b"%b%d %d %b" % (EVENT, position, through, frame)))

    def revoke_topic(self, topic: str) -> None:
        """Who may see this topic may have changed, here and elsewhere; leaves with the next flush."""
        self._views.doubt_topic(topic)
        self._outgoing.append((topic_channel(topic), REVOKING))

    def doubt_user(self, user_id: str) -> None:
        """This user's rights may have changed without an event of theirs; leaves with the next flush."""
        self._revoked(user_id)
        self._outgoing.append((user_channel(user_id), DOUBT))

    def recount(self, user_id: str) -> None:
        """What this user has not read has changed, though nothing is told of it; leaves with the next flush."""
        self.changed(user_id)
        self._outgoing.append((user_channel(user_id), RECOUNT))

    def gone(self, user_id: str) -> None:
        """Close the sockets of somebody who was deleted, here and elsewhere; leaves with the next flush."""
        self._hub.gone(user_id)
        self._outgoing.append((user_channel(user_id), GONE))

    def flush(self) -> None:
        """Publish what has gathered."""
        if self._outgoing:
            self._bus.publish(self._outgoing)
            self._outgoing = []

    def signal(self, signal: Signal) -> None:
        """To one user's connections, here and elsewhere; leaves with the next flush."""
        self._hub.signal(signal.user_id, signal.frame, background=signal.background)
        kind = BACKGROUND if signal.background else SIGNAL
        self._outgoing.append((user_channel(signal.user_id), kind + signal.frame))

    def signal_topic(self, signal: TopicSignal) -> None:
        """To whoever has the topic open, here and elsewhere; leaves with the next flush."""
        self._views.signal(signal.topic, signal.frame, signal.not_to)
        not_to = ",".join(signal.not_to).encode()
        self._outgoing.append((topic_channel(signal.topic), b"%b%b %b" % (SIGNAL, not_to, signal.frame)))

    def replaced(self, user_id: str, device: str, session: int) -> None:
        """Tell all instances that this device has a newer socket."""
        self._hub.replaced(user_id, device, session)
        self._bus.publish([(user_channel(user_id), b"%b%b %d" % (DEVICE, device.encode(), session))])

    def signed_out(self, user_id: str, device: str, session: int) -> None:
        """Tell all instances that this device has signed out, with its sockets through this session."""
        self._hub.signed_out(user_id, device, session)
        self._bus.publish([(user_channel(user_id), b"%b%b %d" % (SIGN_OUT, device.encode(), session))])

    def receive(self, channel: str, payload: bytes) -> None:
        """A hint from another instance. What cannot be read is dropped: the stream's position reveals what was lost."""
        try:
            if (user_id := user_of(channel)) is not None:
                self._receive(user_id, payload[:1], payload[1:])
            elif (topic := topic_of(channel)) is not None:
                self._receive_of_topic(topic, payload[:1], payload[1:])
        except ValueError:
            log.warning("hint_unreadable", channel=channel, bytes=len(payload))

    def _receive(self, user_id: str, kind: bytes, rest: bytes) -> None:
        if kind == EVENT:
            position, through, frame = rest.split(b" ", 2)
            self._hub.deliver(user_id, int(position), int(through), frame)
            self.changed(user_id)
        elif kind == REVOKING:
            position, through, frame = rest.split(b" ", 2)
            self._hub.revoke(user_id, int(position), int(through), frame)
            self.changed(user_id)
            self._revoked(user_id)
        elif kind == RECOUNT:
            self.changed(user_id)
        elif kind == DOUBT:
            self._revoked(user_id)
        elif kind == GONE:
            self._hub.gone(user_id)
        elif kind in (SIGNAL, BACKGROUND):
            self._hub.signal(user_id, rest, background=kind == BACKGROUND)
        elif kind == DEVICE:
            device, session = rest.split(b" ")
            self._hub.replaced(user_id, device.decode(), int(session))
        elif kind == SIGN_OUT:
            device, session = rest.split(b" ")
            self._hub.signed_out(user_id, device.decode(), int(session))

    def _receive_of_topic(self, topic: str, kind: bytes, rest: bytes) -> None:
        if kind == EVENT:
            position, through, frame = rest.split(b" ", 2)
            self._views.deliver(topic, int(position), int(through), frame)
        elif kind == REVOKING:
            self._views.doubt_topic(topic)
        elif kind == SIGNAL:
            not_to, frame = rest.split(b" ", 1)
            self._views.signal(topic, frame, not_to.decode().split(","))
