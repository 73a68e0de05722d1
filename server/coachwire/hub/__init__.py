"""Who is connected here, by user: an inbox each, and what holds for a person's devices. No waiting, no I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from coachwire_protocol.close import CloseCode

from coachwire.hub.inboxes import Inboxes

CONNECTIONS = 10  # a user and instance; one more closes the oldest


class Connected(Protocol):
    """A connection as the hub sees it: a `Member` of its user's stream."""

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
class Hub(Inboxes[Connected]):
    """The inboxes of all users who are here."""

    def register(self, key: str, member: Connected) -> None:
        """As of every member; closes an older connection of the same device, and the oldest one beyond the limit."""
        if inbox := self.inboxes.get(key):
            for other in list(inbox.members):
                if other.device == member.device:
                    self._drop(key, other, CloseCode.REPLACED)
            if len(inbox.members) >= CONNECTIONS:
                self._drop(key, next(iter(inbox.members)), CloseCode.TOO_MANY_CONNECTIONS)
        Inboxes.register(self, key, member)  # (a class with slots is made twice: no bare `super`)

    def watch(self, user_id: str, call: Callable[[], None]) -> None:
        """Have this called, until `unwatch`, whenever the user's stream may have moved on. Must not raise or wait."""
        self._inbox(user_id).watchers.append(call)

    def unwatch(self, user_id: str, call: Callable[[], None]) -> bool:
        """True if nobody else is here for this user."""
        inbox = self.inboxes[user_id]
        inbox.watchers.remove(call)
        return self._forget(user_id, inbox)

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
                self._drop(user_id, member, CloseCode.REPLACED)

    def signed_out(self, user_id: str, device: str, session: int) -> None:
        """This device has signed out: close its sockets here, those of a later sign-in excepted."""
        inbox = self.inboxes.get(user_id)
        for member in list(inbox.members) if inbox else ():
            if member.device == device and 0 < member.session <= session:
                self._drop(user_id, member, CloseCode.SIGNED_OUT)

    def gone(self, user_id: str) -> None:
        """The person was deleted: close their connections, also those that are only beginning."""
        inbox = self.inboxes.get(user_id)
        for member in list(inbox.members) if inbox else ():
            self._drop(user_id, member, CloseCode.ACCOUNT_GONE)
