"""What must be on an exercise after what was asked: the contract's rules, without a database."""

from dataclasses import dataclass, field

DEEPEST = 4


@dataclass
class Said:
    """A comment; `here` is false once its row was taken away: the id stays taken."""

    id: str
    author: str
    body: str
    parent: str | None
    movement: str
    asked: tuple[str, str | None, str]  # what the first request said: body, parent, movement
    deleted: bool = False
    here: bool = True


@dataclass
class Expected:
    """All that was said, in order."""

    said: dict[str, Said] = field(default_factory=dict)

    def create(self, id_: str, author: str, body: str, parent: str | None, movement: str) -> str:
        """The code of the answer: ok, or the error's."""
        known = self.said.get(id_)
        if known is not None:
            if (known.author, known.asked) != (author, (body, parent, movement)):
                return "conflict"
            return "ok" if known.here else "gone"
        if parent is not None:
            above = self.said.get(parent)
            if above is None or not above.here or above.movement != movement:
                return "not_found"
            if above.deleted:
                return "gone"
            if self.depth(parent) >= DEEPEST:
                return "bad_request"
        self.said[id_] = Said(id_, author, body, parent, movement, (body, parent, movement))
        return "ok"

    def edit(self, id_: str, who: str, body: str) -> str:
        one = self.said.get(id_)
        if one is None or not one.here:
            return "not_found"
        if one.author != who:
            return "forbidden"
        if one.deleted:
            return "gone"
        one.body = body
        return "ok"

    def delete(self, id_: str, who: str) -> str:
        one = self.said.get(id_)
        if one is None or not one.here:
            return "not_found"
        if who not in (one.author, "owner"):
            return "forbidden"
        one.deleted = True
        return "ok"

    def take_away(self, id_: str) -> None:
        self.said[id_].here = False

    def leaves(self) -> list[str]:
        """What nobody answered: only that the platform can take away."""
        answered = {one.parent for one in self.said.values() if one.here}
        return [one.id for one in self.said.values() if one.here and one.id not in answered]

    def depth(self, id_: str) -> int:
        parent = self.said[id_].parent
        return 0 if parent is None else 1 + self.depth(parent)

    def listed(self, movement: str) -> list[tuple[str, str | None, str | None]]:
        """Id, body and parent of what is shown, in order."""
        return [
            (one.id, None if one.deleted else one.body, one.parent)
            for one in self.said.values()
            if one.movement == movement and one.here and (not one.deleted or self.lives_below(one.id))
        ]

    def lives_below(self, id_: str) -> bool:
        return any(
            one.here and (not one.deleted or self.lives_below(one.id))
            for one in self.said.values()
            if one.parent == id_
        )
