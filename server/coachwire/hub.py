"""Who is connected here, by user, and in which order they are told. Bytes in, bytes out; no waiting, no I/O.

A connected user has an `Inbox`: the last position handed on, and the connections. A position that is next is
handed on; one that was there already is dropped; one further on is held until what is missing was read (`gaps`)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from coachwire_protocol.close import CloseCode
from coachwire_protocol.frames import skipped_frame

HELD = 256  # events a user may have waiting behind a gap; beyond that they are dropped here and read from the database
CONNECTIONS = 10  # a user and instance; one more closes the oldest


class Member(Protocol):
    """A connection as the hub sees it."""

    @property
    def device(self) -> str: ...

    @property
    def session(self) -> int:
        """Of the device; a hello takes the next one. 0 until the database gave it."""

    position: int  # the last one handed to this connection

    def send(self, frame: bytes) -> None:
        """Queue a frame. Never waits; a connection that cannot take it closes itself."""

    def signal(self, frame: bytes) -> None:
        """Queue a frame that may be lost, unless the client is in the background."""

    def close(self, code: CloseCode) -> None: ...


@dataclass(slots=True)
class Held:
    """An event that waits for those before it. Its caller was answered: nothing rides on it any more."""

    through: int
    frame: bytes


@dataclass(slots=True)
class Inbox:
    """One user's place in their stream, here. `position` is None until the first connection has joined."""

    position: int | None = None
    head: int = 0  # the highest position heard of
    members: list[Member] = field(default_factory=list)  # all, oldest first
    live: list[Member] = field(default_factory=list)  # those that have reached the inbox's position
    held: dict[int, Held] = field(default_factory=dict)
    revoked: int = 0  # hints from before this position are not believed: what they tell is read instead
    watchers: list[Callable[[], None]] = field(default_factory=list)  # called when there may be something new

    @property
    def behind(self) -> bool:
        return self.position is not None and self.position < self.head

    def hear_of(self, head: int) -> None:
        if head > self.head:
            self.head = head
            self.call_watchers()

    def call_watchers(self) -> None:
        for call in self.watchers:
            call()

    def hand_on(self, position: int, through: int, frame: bytes, rider: "Rider | None" = None) -> bool:
        """Tell the live connections what is next. True if the rider's `ok` stood for it."""
        carried = False
        self.position = through
        for member in self.live:
            if through <= member.position:
                continue  # it read further than the inbox before it joined
            next_position = member.position + 1
            member.position = through
            if rider is not None and member is rider.member:
                member.send(rider.frame)
                carried = True
            elif position == next_position:
                member.send(frame)
            else:  # only ranges overlap, and ranges are skipped
                member.send(skipped_frame(next_position, through))
        return carried


@dataclass(frozen=True, slots=True)
class Rider:
    """The `ok` that stands for an event on the connection that caused it."""

    member: Member
    frame: bytes


@dataclass(slots=True)
class Hub:
    """All inboxes of this instance. `gaps` names the users whose inbox is behind, `wake` tells whoever repairs them."""

    inboxes: dict[str, Inbox] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    wake: Callable[[], None] = lambda: None
    deliveries: int = 0  # to connections; only ever grows

    def register(self, user_id: str, member: Member) -> bool:
        """Make room for a connection; from now on the head is noted for it. True if it is the user's first. Closes
        an older connection of the same device, and the oldest one beyond the limit."""
        first = user_id not in self.inboxes
        inbox = self.inboxes.setdefault(user_id, Inbox())
        for other in list(inbox.members):
            if other.device == member.device:
                self._drop(user_id, inbox, other, CloseCode.REPLACED)
        if len(inbox.members) >= CONNECTIONS:
            self._drop(user_id, inbox, inbox.members[0], CloseCode.TOO_MANY_CONNECTIONS)
        inbox.members.append(member)
        return first

    def unregister(self, user_id: str, member: Member) -> bool:
        """Forget a connection; True if it was this user's last one here. Harmless when repeated."""
        inbox = self.inboxes.get(user_id)
        if inbox is None:
            return False
        if member in inbox.members:
            inbox.members.remove(member)
        if member in inbox.live:
            inbox.live.remove(member)
        if inbox.members:
            return False
        inbox.position = None
        inbox.held.clear()
        self.gaps.discard(user_id)
        return self._forget(user_id, inbox)

    def watch(self, user_id: str, call: Callable[[], None]) -> None:
        """Have this called, until `unwatch`, whenever the user's stream may have moved on. Must not raise or wait."""
        self.inboxes.setdefault(user_id, Inbox()).watchers.append(call)

    def unwatch(self, user_id: str, call: Callable[[], None]) -> bool:
        """True if nobody else is here for this user."""
        inbox = self.inboxes[user_id]
        inbox.watchers.remove(call)
        return self._forget(user_id, inbox)

    def join(self, user_id: str, member: Member) -> bool:
        """The connection has been told everything up to its position: live from here, in one step, if that is the head.
        False: there is more to read first."""
        inbox = self.inboxes.get(user_id)
        if inbox is None or member not in inbox.members:
            return True  # it was closed meanwhile
        if member.position < max(inbox.head, inbox.position or 0):
            return False
        inbox.live.append(member)
        if inbox.position is None:
            inbox.position = member.position
        self.note(user_id, member.position)
        return True

    def deliver(
        self, user_id: str, position: int, through: int, frame: bytes, rider: Rider | None = None
    ) -> bool:
        """Take an event (or a skipped range) in whatever order it comes. True if the rider's `ok` stood for it."""
        inbox = self.inboxes.get(user_id)
        if inbox is not None and position < inbox.revoked:
            self.note(user_id, through)
            return False
        return self.deliver_read(user_id, position, through, frame, rider)

    def revoke(self, user_id: str, position: int, through: int, frame: bytes) -> None:
        """Take an event that may have ended a right. Of what lies before it only what is read from now on is handed on:
        a hint, held here or still under way, tells what was allowed when it was written."""
        inbox = self.inboxes.get(user_id)
        if inbox is not None and position > (inbox.position or 0):
            inbox.revoked = max(inbox.revoked, position)
            for early in [p for p in inbox.held if p < position]:
                del inbox.held[early]
        self.deliver(user_id, position, through, frame)

    def deliver_read(
        self, user_id: str, position: int, through: int, frame: bytes, rider: Rider | None = None
    ) -> bool:
        """As `deliver`, for what was read from the stream just now."""
        inbox = self.inboxes.get(user_id)
        if inbox is None:
            return False
        inbox.hear_of(through)
        if inbox.position is None or through <= inbox.position:
            return False
        if position > inbox.position + 1:
            if len(inbox.held) < HELD:
                inbox.held[position] = Held(through, frame)
            self._miss(user_id)
            return False
        if position <= inbox.position:  # a range that begins before: only skipped ones have a range
            frame, position = skipped_frame(inbox.position + 1, through), inbox.position + 1
        carried = inbox.hand_on(position, through, frame, rider)
        self.deliveries += len(inbox.live)
        self._release_held(user_id, inbox)
        return carried

    def note(self, user_id: str, head: int) -> None:
        """Hear of a head without its event."""
        inbox = self.inboxes.get(user_id)
        if inbox is None:
            return
        inbox.hear_of(head)
        if inbox.behind:
            self._miss(user_id)

    def signal(self, user_id: str, frame: bytes, *, background: bool = False) -> None:
        """Pass on what may be lost; `background`: also to clients in the background."""
        inbox = self.inboxes.get(user_id)
        for member in inbox.live if inbox else ():
            if background:
                member.send(frame)
            else:
                member.signal(frame)

    def replaced(self, user_id: str, device: str, session: int) -> None:
        """A newer socket of this device exists somewhere: close the older ones here."""
        inbox = self.inboxes.get(user_id)
        for member in list(inbox.members) if inbox else ():
            if member.device == device and 0 < member.session < session:
                self._drop(user_id, inbox, member, CloseCode.REPLACED)

    def signed_out(self, user_id: str, device: str, session: int) -> None:
        """This device has signed out: close its sockets here, those of a later sign-in excepted."""
        inbox = self.inboxes.get(user_id)
        for member in list(inbox.members) if inbox else ():
            if member.device == device and 0 < member.session <= session:
                self._drop(user_id, inbox, member, CloseCode.SIGNED_OUT)

    def gone(self, user_id: str) -> None:
        """The person was deleted: close their connections, also those that are only beginning."""
        inbox = self.inboxes.get(user_id)
        for member in list(inbox.members) if inbox else ():
            self._drop(user_id, inbox, member, CloseCode.ACCOUNT_GONE)

    def reset(self, user_ids: Iterable[str]) -> None:
        """Close these users' connections: their positions mean nothing any more, or cannot be repaired. Those who come
        back begin anew, also while the closed ones still linger."""
        for user_id in list(user_ids):
            self.gaps.discard(user_id)
            inbox = self.inboxes.get(user_id)
            if inbox is None:
                continue
            inbox.position, inbox.head, inbox.revoked = None, 0, 0
            inbox.held.clear()
            for member in list(inbox.members):
                self._drop(user_id, inbox, member, CloseCode.DRAINING)
            inbox.call_watchers()

    def _forget(self, user_id: str, inbox: Inbox) -> bool:
        if inbox.members or inbox.watchers:
            return False
        del self.inboxes[user_id]
        return True

    def _miss(self, user_id: str) -> None:
        self.gaps.add(user_id)
        self.wake()

    def _release_held(self, user_id: str, inbox: Inbox) -> None:
        """Hand on what the newest position was waited for by."""
        assert inbox.position is not None  # noqa: S101 - only called after it was handed on
        while inbox.held:
            held = inbox.held.pop(inbox.position + 1, None)
            if held is None:
                break
            inbox.hand_on(inbox.position + 1, held.through, held.frame)
            self.deliveries += len(inbox.live)
        for position in [p for p in inbox.held if p <= inbox.position]:
            del inbox.held[position]
        if not inbox.behind:
            self.gaps.discard(user_id)

    def _drop(self, user_id: str, inbox: Inbox | None, member: Member, code: CloseCode) -> None:
        if inbox is not None and member in inbox.live:
            inbox.live.remove(member)
        if inbox is not None and member in inbox.members:
            inbox.members.remove(member)
        member.close(code)
