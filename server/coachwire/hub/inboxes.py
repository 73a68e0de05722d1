"""Who listens here to which stream, and in which order they are told. Bytes in, bytes out; no waiting, no I/O.

What is listened to has an `Inbox`: the last position handed on, and the members. A position that is next is handed on;
one that was there already is dropped; one further on is held until what is missing was read (hub/gaps.py)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from coachwire_protocol.close import CloseCode
from coachwire_protocol.frames import skipped_frame

HELD = 256  # events a stream may have waiting behind a gap; beyond that they are dropped and read from the database


class Member(Protocol):
    """Who is told of one stream."""

    position: int  # the last one handed to this member

    @property
    def send(self) -> Callable[[bytes], None]:
        """Queue a frame. Never waits; a connection that cannot take it closes itself."""

    def close(self, code: CloseCode) -> None: ...


M = TypeVar("M", bound=Member)


@dataclass(slots=True)
class Held:
    """An event that waits for those before it. Its caller was answered: nothing rides on it any more."""

    through: int
    frame: bytes


@dataclass(slots=True)
class Inbox(Generic[M]):
    """One stream's place, here. `position` is None until the first member has joined."""

    topic: str | None = None  # named in the frames of skipped ranges; None: a user's stream
    position: int | None = None
    head: int = 0  # the highest position heard of
    members: dict[M, None] = field(default_factory=dict)  # all, oldest first
    live: dict[M, None] = field(default_factory=dict)  # those that have reached the inbox's position
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
        """Tell the live members what is next. True if the rider's `ok` stood for it."""
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
                member.send(skipped_frame(next_position, through, self.topic))
        return carried


@dataclass(frozen=True, slots=True)
class Rider:
    """The `ok` that stands for an event on the connection that caused it."""

    member: Member
    frame: bytes


@dataclass(slots=True)
class Inboxes(Generic[M]):
    """Everything that is listened to here. `gaps` names the streams whose inbox is behind, `wake` tells whoever repairs
    them."""

    inboxes: dict[str, Inbox[M]] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    wake: Callable[[], None] = lambda: None
    deliveries: int = 0  # to members; only ever grows

    def register(self, key: str, member: M) -> None:
        """Make room for a member; from now on the head is noted for it."""
        self._inbox(key).members[member] = None

    def unregister(self, key: str, member: M) -> bool:
        """Forget a member; True if it was the last one here. Harmless when repeated."""
        inbox = self.inboxes.get(key)
        if inbox is None:
            return False
        inbox.members.pop(member, None)
        inbox.live.pop(member, None)
        if inbox.members:
            return False
        inbox.position = None
        inbox.held.clear()
        self.gaps.discard(key)
        return self._forget(key, inbox)

    def join(self, key: str, member: M) -> bool:
        """The member has been told everything up to its position: live from here, in one step, if that is the head.
        False: there is more to read first."""
        inbox = self.inboxes.get(key)
        if inbox is None or member not in inbox.members:
            return True  # it was closed meanwhile
        if member.position < max(inbox.head, inbox.position or 0):
            return False
        inbox.live[member] = None
        if inbox.position is None:
            inbox.position = member.position
        self.note(key, member.position)
        return True

    def withhold(self, key: str, member: M) -> None:
        """Tell this member nothing more until it has read what it missed and joins again."""
        inbox = self.inboxes.get(key)
        if inbox is not None:
            inbox.live.pop(member, None)

    def deliver(
        self, key: str, position: int, through: int, frame: bytes, rider: Rider | None = None
    ) -> bool:
        """Take an event (or a skipped range) in whatever order it comes. True if the rider's `ok` stood for it."""
        inbox = self.inboxes.get(key)
        if inbox is not None and position < inbox.revoked:
            self.note(key, through)
            return False
        return self.deliver_read(key, position, through, frame, rider)

    def revoke(self, key: str, position: int, through: int, frame: bytes) -> None:
        """Take an event that may have ended a right. Of what lies before it only what is read from now on is handed on:
        a hint, held here or still under way, tells what was allowed when it was written."""
        inbox = self.inboxes.get(key)
        if inbox is not None and position > (inbox.position or 0):
            inbox.revoked = max(inbox.revoked, position)
            for early in [p for p in inbox.held if p < position]:
                del inbox.held[early]
        self.deliver(key, position, through, frame)

    def deliver_read(
        self, key: str, position: int, through: int, frame: bytes, rider: Rider | None = None
    ) -> bool:
        """As `deliver`, for what was read from the stream just now."""
        inbox = self.inboxes.get(key)
        if inbox is None:
            return False
        inbox.hear_of(through)
        if inbox.position is None or through <= inbox.position:
            return False
        if position > inbox.position + 1:
            if len(inbox.held) < HELD:
                inbox.held[position] = Held(through, frame)
            self._miss(key)
            return False
        if position <= inbox.position:  # a range that begins before: only skipped ones have a range
            frame, position = skipped_frame(inbox.position + 1, through, inbox.topic), inbox.position + 1
        carried = inbox.hand_on(position, through, frame, rider)
        self.deliveries += len(inbox.live)
        self._release_held(key, inbox)
        return carried

    def note(self, key: str, head: int) -> None:
        """Hear of a head without its event."""
        inbox = self.inboxes.get(key)
        if inbox is None:
            return
        inbox.hear_of(head)
        if inbox.behind:
            self._miss(key)

    def reset(self, keys: Iterable[str]) -> None:
        """Close these streams' members: their positions mean nothing any more, or cannot be repaired. Who comes back
        begins anew, also while the closed ones still linger."""
        for key in list(keys):
            self.gaps.discard(key)
            inbox = self.inboxes.get(key)
            if inbox is None:
                continue
            inbox.position, inbox.head, inbox.revoked = None, 0, 0
            inbox.held.clear()
            for member in list(inbox.members):
                self._drop(key, member, CloseCode.DRAINING)
            inbox.call_watchers()

    def _inbox(self, key: str) -> Inbox[M]:
        return self.inboxes.setdefault(key, Inbox())

    def _forget(self, key: str, inbox: Inbox[M]) -> bool:
        if inbox.members or inbox.watchers:
            return False
        del self.inboxes[key]
        return True

    def _miss(self, key: str) -> None:
        self.gaps.add(key)
        self.wake()

    def _release_held(self, key: str, inbox: Inbox[M]) -> None:
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
            self.gaps.discard(key)

    def _drop(self, key: str, member: M, code: CloseCode) -> None:
        if inbox := self.inboxes.get(key):
            inbox.live.pop(member, None)
            inbox.members.pop(member, None)
        member.close(code)
