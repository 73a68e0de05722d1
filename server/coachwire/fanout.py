"""From commit to everybody who is connected: the hub here, the bus to the other instances.

What goes over the bus is a hint (see `Bus`): an event at its position, a signal, or word of a device's newer socket or
sign-out."""

from collections.abc import Callable, Iterable

import structlog
from coachwire_protocol.frames import skipped_frame
from coachwire_protocol.schema import EventKind

from coachwire.bus import Bus, Message
from coachwire.hub import Hub, Rider
from coachwire.operation import Actor, Again, Answer, Outcome, Signal
from coachwire.streams import Frame
from coachwire.topics import user_channel, user_of

log = structlog.get_logger()

EVENT, SIGNAL, DEVICE, SIGN_OUT = b"E", b"S", b"D", b"O"
BACKGROUND = b"B"  # a signal, also to clients in the background
RECOUNT = b"U"  # what a user has not read has changed otherwise than by an event of theirs
REVOKING, GONE = b"R", b"G"  # an event that ends what was allowed before it; a person's end


class Fanout:
    """Hands on what operations brought. Nothing here waits: a slow socket or a lost bus delays nobody's answer."""

    def __init__(
        self,
        hub: Hub,
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
        self._bus = bus
        self._revoked = revoked
        self._outgoing: list[Message] = []

    def deliver(self, actor: Actor, result: Outcome | Again, answer: Answer) -> None:
        own = result.position if isinstance(result, Outcome) else None
        carried = False
        for delivery in result.deliveries:
            user_id, position = delivery.user_id, delivery.position
            frame = delivery.event.frame(position) if delivery.event else skipped_frame(position, position)
            rider = None
            if own == position and user_id == actor.user_id and answer.member is not None:
                assert isinstance(result, Outcome)  # noqa: S101 - only an outcome has a position of its own
                rider = Rider(answer.member, answer.ok(result, position))
            if self._hub.deliver(user_id, position, position, frame, rider):
                carried = True
            if user_id != actor.user_id or (
                delivery.event and delivery.event.kind != EventKind.MESSAGE_CREATED
            ):
                self.changed(user_id)  # one's own sends are nothing to read
            self._outgoing.append((user_channel(user_id), b"%b%d %d %b" % (EVENT, position, position, frame)))
        if isinstance(result, Outcome):
            for signal in result.signals:
                self.signal(signal)
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

    def recount(self, user_id: str) -> None:
        """What this user has not read has changed, though nothing is told of it; leaves with the next flush."""
        self.changed(user_id)
        self._outgoing.append((user_channel(user_id), RECOUNT))

    def gone(self, user_id: str) -> None:
        """Close the sockets of somebody who was deleted, here and elsewhere; leaves with the next flush."""
        self._hub.gone(user_id)
        self._outgoing.append((user_channel(user_id), GONE))

    def flush(self) -> None:
        if self._outgoing:
            self._bus.publish(self._outgoing)
            self._outgoing = []

    def signal(self, signal: Signal) -> None:
        """To one user's connections, here and elsewhere; leaves with the next flush."""
        self._hub.signal(signal.user_id, signal.frame, background=signal.background)
        kind = BACKGROUND if signal.background else SIGNAL
        self._outgoing.append((user_channel(signal.user_id), kind + signal.frame))

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
        user_id = user_of(channel)
        if user_id is None:
            return
        kind, rest = payload[:1], payload[1:]
        try:
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
        except ValueError:
            log.warning("hint_unreadable", channel=channel, bytes=len(payload))
