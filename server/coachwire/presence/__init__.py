"""Who is online, as far as this process knows, and who is told of it. No waiting, no I/O.

A person is online in an organization while they are an active member of it and one of their devices has a socket, here
or on another instance; in the background as well. Changes are gathered and told once a turn (`turn`)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from coachwire_protocol.frames import encode, signal_frame
from coachwire_protocol.schema import SignalKind
from coachwire_protocol.session import PresenceSignal

GRACE = 1.2  # s that somebody stays online without a socket: a quick reconnect shows no change

Online = Mapping[str, bool]  # by membership id: whether they are staff


class Watcher(Protocol):
    """A connection as it is seen here."""

    @property
    def user_id(self) -> str: ...

    foreground: bool

    def signal(self, frame: bytes) -> None:
        """Queue a frame that may be lost. Never waits."""


class Belonging(NamedTuple):
    """An active membership."""

    organization_id: str
    membership_id: str
    staff: bool


@dataclass(slots=True)
class Person:
    """Somebody with a socket here, or a moment ago."""

    memberships: dict[str, Belonging]  # by organization
    connections: set[Watcher] = field(default_factory=set)
    gone_at: float = 0.0  # when to forget them; counts only without connections


@dataclass(slots=True, eq=False)
class Watch:
    """What a connection wants to know. `told`: those of whom it was last told that they are online."""

    watcher: Watcher
    organization_id: str
    membership_ids: Sequence[str]
    told: set[str]


@dataclass(slots=True)
class Organization:
    here: dict[str, bool] = field(default_factory=dict)
    elsewhere: Online = field(default_factory=dict)
    shown: Online = field(default_factory=dict)  # as of the last turn
    watches: set[Watch] = field(default_factory=set)
    watching: dict[str, set[Watch]] = field(default_factory=dict)  # by membership

    @property
    def online(self) -> Online:
        return {**self.elsewhere, **self.here}


class Presence:
    """Kept by the sockets' door (`enter`, `leave`), by whoever reads the tables (`stand`) and the other instances
    (`learn`). `changed` is called with each organization in which somebody here came or went."""

    def __init__(self) -> None:
        self.changed: Callable[[str], None] = lambda _: None
        self._people: dict[str, Person] = {}
        self._organizations: dict[str, Organization] = {}
        self._watches: dict[Watcher, Watch] = {}
        self._dirty: set[str] = set()  # organizations
        self._leaving: dict[str, None] = {}  # users, who left first first

    @property
    def people(self) -> Iterable[str]:
        """The users who are here."""
        return self._people.keys()

    @property
    def organizations(self) -> list[str]:
        """In which somebody here is online."""
        return [id_ for id_, organization in self._organizations.items() if organization.here]

    def is_watched(self, organization_id: str) -> bool:
        return bool((found := self._organizations.get(organization_id)) and found.watches)

    def here(self, organization_id: str) -> Online:
        """Who is online there by a socket of this process."""
        found = self._organizations.get(organization_id)
        return found.here if found else {}

    def online(self, organization_id: str) -> Online:
        """Who is online there, at this moment; elsewhere as far as it was learned."""
        found = self._organizations.get(organization_id)
        return found.online if found else {}

    def enter(self, connection: Watcher, memberships: Iterable[Belonging]) -> None:
        """A connection has begun; its user's memberships were read just now."""
        person = self._people.setdefault(connection.user_id, Person({}))
        person.connections.add(connection)
        self._leaving.pop(connection.user_id, None)
        self.stand(connection.user_id, memberships)

    def leave(self, connection: Watcher, now: float) -> None:
        """A connection has ended; harmless for one that never entered."""
        self._unwatch(connection)
        person = self._people.get(connection.user_id)
        if person is None or connection not in person.connections:
            return
        person.connections.discard(connection)
        if not person.connections:
            person.gone_at = now + GRACE
            self._leaving[connection.user_id] = None

    def stand(self, user_id: str, memberships: Iterable[Belonging]) -> None:
        """Take in the active memberships of somebody who is here. What one may no longer see, is no longer told."""
        person = self._people.get(user_id)
        if person is None:
            return
        before, person.memberships = person.memberships, {one.organization_id: one for one in memberships}
        changed = {
            id_
            for id_ in before.keys() | person.memberships.keys()
            if before.get(id_) != person.memberships.get(id_)
        }
        for organization_id in changed:
            self._place(organization_id, before.get(organization_id), person.memberships.get(organization_id))
        for watch in [self._watches[c] for c in person.connections if c in self._watches] if changed else ():
            if watch.organization_id not in person.memberships:
                self._unwatch(watch.watcher)
            elif watch.organization_id in changed:
                self._tell(watch, watch.membership_ids)

    def admit(self, user_id: str, own: Belonging) -> None:
        """As `stand`, for one membership of which the tables spoke just now."""
        if person := self._people.get(user_id):
            self.stand(user_id, (person.memberships | {own.organization_id: own}).values())

    def watch(self, watcher: Watcher, organization_id: str, membership_ids: Sequence[str]) -> tuple[str, ...]:
        """From now on tell of these, and no longer of those before. Returns who is online. Of whom the watcher may not
        see, who is not there or belongs elsewhere, nothing is ever told."""
        self._unwatch(watcher)
        person = self._people.get(watcher.user_id)
        if person is None or watcher not in person.connections or organization_id not in person.memberships:
            return ()
        watch = Watch(watcher, organization_id, tuple(dict.fromkeys(membership_ids)), set())
        organization = self._organizations[organization_id]
        if organization_id in self._dirty:
            self._show(organization_id)  # a snapshot and what is told after it have one beginning
        self._watches[watcher] = watch
        organization.watches.add(watch)
        for id_ in watch.membership_ids:
            organization.watching.setdefault(id_, set()).add(watch)
        watch.told = {id_ for id_ in watch.membership_ids if self._sees(watch, organization.shown, id_)}
        return tuple(id_ for id_ in watch.membership_ids if id_ in watch.told)

    def wake(self, watcher: Watcher) -> None:
        """Its client is back in the foreground: tell it what has changed meanwhile."""
        if watch := self._watches.get(watcher):
            self._tell(watch, watch.membership_ids)

    def learn(self, organization_id: str, elsewhere: Online) -> None:
        """Who is online there on other instances."""
        organization = self._organizations.get(organization_id)
        if organization is not None and organization.elsewhere != elsewhere:
            organization.elsewhere = elsewhere
            self._dirty.add(organization_id)

    def turn(self, now: float) -> None:
        """Forget who has been gone long enough, and tell what has changed since the last turn."""
        for user_id in list(self._leaving):
            if self._people[user_id].gone_at > now:
                break  # who comes after left later
            del self._leaving[user_id]
            for organization_id, own in self._people.pop(user_id).memberships.items():
                self._place(organization_id, own, None)
        for organization_id in list(self._dirty):
            self._show(organization_id)

    def _show(self, organization_id: str) -> None:
        self._dirty.discard(organization_id)
        organization = self._organizations[organization_id]
        before, after = organization.shown, organization.online
        organization.shown = after
        if organization.watches:
            for id_ in [m for m in before.keys() | after.keys() if before.get(m) != after.get(m)]:
                for watch in organization.watching.get(id_, ()):
                    self._tell(watch, (id_,))
        self._forget_if_empty(organization_id)

    def _tell(self, watch: Watch, membership_ids: Iterable[str]) -> None:
        """Of these, what the watch was told otherwise. In the background nothing: it stays to be told."""
        if not watch.watcher.foreground:
            return
        shown = self._organizations[watch.organization_id].shown
        for id_ in membership_ids:
            if (sees := self._sees(watch, shown, id_)) != (id_ in watch.told):
                (watch.told.add if sees else watch.told.discard)(id_)
                watch.watcher.signal(_frame(watch.organization_id, id_, sees))

    def _sees(self, watch: Watch, shown: Online, membership_id: str) -> bool:
        """Staff see everybody, members the staff."""
        own = self._people[watch.watcher.user_id].memberships[watch.organization_id]
        return membership_id in shown and (own.staff or shown[membership_id])

    def _place(self, organization_id: str, before: Belonging | None, after: Belonging | None) -> None:
        organization = self._organizations.setdefault(organization_id, Organization())
        if before is not None:
            organization.here.pop(before.membership_id, None)
        if after is not None:
            organization.here[after.membership_id] = after.staff
        self._dirty.add(organization_id)
        self.changed(organization_id)

    def _unwatch(self, watcher: Watcher) -> None:
        watch = self._watches.pop(watcher, None)
        if watch is None:
            return
        organization = self._organizations[watch.organization_id]
        organization.watches.discard(watch)
        for id_ in watch.membership_ids:
            organization.watching[id_].discard(watch)
            if not organization.watching[id_]:
                del organization.watching[id_]
        self._forget_if_empty(watch.organization_id)

    def _forget_if_empty(self, organization_id: str) -> None:
        organization = self._organizations[organization_id]
        if not organization.here and not organization.watches and organization_id not in self._dirty:
            del self._organizations[organization_id]


def _frame(organization_id: str, membership_id: str, online: bool) -> bytes:
    data = PresenceSignal(membership_id=membership_id, online=online)
    return signal_frame(SignalKind.PRESENCE, organization_id, encode(data))
