"""What two people's talk must come to: every answer, stream, count and history, told from the requests alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

PEOPLE = ("coach", "member")


def other(person: str) -> str:
    """Whom one talks to."""
    return PEOPLE[1 - PEOPLE.index(person)]


@dataclass
class Said:
    """A message that is stored. `position`: of its event in the recipient's stream."""

    id: str
    sender: str
    content: str
    first_content: str
    created_at: str
    position: int
    read_at: str | None = None
    edited_at: str | None = None
    deleted_at: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        return (self.created_at, self.id)

    @property
    def shown(self) -> "Shown":
        return Shown(self.content, self.read_at, self.edited_at)


class Shown(NamedTuple):
    """What a device holds of a message."""

    content: str
    read_at: str | None
    edited_at: str | None


class Told(NamedTuple):
    """One position of a stream. `shown`: what whoever asked for it knows of the message then."""

    kind: str
    ids: tuple[str, ...] = ()
    at: str | None = None
    shown: Shown | None = None


@dataclass
class Expected:
    active: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PEOPLE, True))
    said: dict[str, Said] = field(default_factory=dict)
    streams: dict[str, list[Told]] = field(default_factory=lambda: {person: [] for person in PEOPLE})
    acked: dict[str, int] = field(default_factory=dict)  # by device
    owner: dict[str, str] = field(default_factory=dict)  # of a device

    def head(self, person: str) -> int:
        return len(self.streams[person])

    # Answers, by code; "ok" where a request is granted.

    def to_send(self, person: str, id_: str, content: str) -> str:
        """`new` and `duplicate` are both granted."""
        if not self.active[person]:
            return "forbidden"
        if known := self.said.get(id_):
            same = (known.sender, known.first_content) == (person, content)
            return "duplicate" if same else "conflict"
        return "new" if self.active[other(person)] else "gone"

    def to_read(self, person: str, ids: Iterable[str]) -> str:
        if not self.active[person]:
            return "forbidden"
        if any(id_ not in self.said for id_ in ids):
            return "not_found"
        return "forbidden" if any(self.said[id_].sender == person for id_ in ids) else "ok"

    def to_read_up_to(self, person: str, up_to: str | None) -> str:
        if not self.active[person]:
            return "forbidden"
        return "ok" if up_to is None or up_to in self.said else "not_found"

    def to_change(self, person: str, id_: str) -> str:
        """To edit or delete."""
        if not self.active[person]:
            return "forbidden"
        if id_ not in self.said:
            return "not_found"
        return "ok" if self.said[id_].sender == person else "forbidden"

    def to_edit(self, person: str, id_: str, content: str) -> str:
        if (code := self.to_change(person, id_)) != "ok":
            return code
        if self.said[id_].deleted_at is not None:
            return "gone"
        return "ok" if content.strip() else "bad_request"

    # What takes effect.

    def send(self, person: str, id_: str, content: str, at: str) -> None:
        self.said[id_] = Said(id_, person, content, content, at, self.head(other(person)) + 1)
        self._tell(Told("message.created", (id_,), at, self.said[id_].shown))

    def read(self, person: str, messages: Sequence[Said], at: str | None) -> None:
        """`messages`: as `markable` or `markable_up_to` named them."""
        for message in messages:
            message.read_at = at
        if messages:
            self._tell(Told("message.read", tuple(sorted(message.id for message in messages)), at))

    def edit(self, id_: str, content: str, at: str) -> None:
        message = self.said[id_]
        message.content, message.edited_at = content, at
        self._tell(Told("message.edited", (id_,), at, message.shown))

    def delete(self, id_: str, at: str) -> None:
        self.said[id_].deleted_at = at
        self._tell(Told("message.deleted", (id_,), at))

    def set_active(self, person: str, active: bool) -> None:
        if self.active[person] is not active:
            self.active[person] = active
            self.streams[person].append(Told("membership"))

    def ack(self, device: str, position: int) -> None:
        self.acked[device] = max(self.acked[device], min(position, self.head(self.owner[device])))

    def _tell(self, told: Told) -> None:
        for stream in self.streams.values():
            stream.append(told)

    # What is there to see.

    def markable(self, person: str, ids: Iterable[str]) -> list[Said]:
        return [message for message in self.unread(person) if message.id in set(ids)]

    def markable_up_to(self, person: str, up_to: str | None) -> list[Said]:
        unread = self.unread(person)
        return [m for m in unread if up_to is None or m.place <= self.said[up_to].place]

    def unread(self, person: str) -> list[Said]:
        return [m for m in self.history() if m.sender != person and m.read_at is None]

    def history(self) -> list[Said]:
        """Newest first, without those deleted."""
        there = (message for message in self.said.values() if message.deleted_at is None)
        return sorted(there, key=lambda message: message.place, reverse=True)

    def delivered(self, message: Said) -> bool:
        recipient = other(message.sender)
        reached = max(at for device, at in self.acked.items() if self.owner[device] == recipient)
        return message.read_at is not None or reached >= message.position

    def held(self, person: str) -> dict[str, Shown]:
        """By a device that has applied all there is."""
        return {m.id: m.shown for m in self.history()} if self.active[person] else {}
