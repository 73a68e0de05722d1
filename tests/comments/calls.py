"""The statements of comments as the application calls them, and what they leave in the tables."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from coachwire.database import Tx
from coachwire.operation import NO_LIMIT
from coachwire.operations.comment_changes import DELETE, EDIT, Change
from coachwire.operations.comments import CREATE, RESOLVE, Resolved, Stored

from ..gym import Someone
from ..sql.calls import Connection

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What somebody wants to say on an exercise."""

    author: Someone
    movement_id: str
    parent: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    body: str = "well done"

    @property
    def hash(self) -> bytes:
        return self.body.encode()

    def again(self, **changes: object) -> "Writing":
        return replace(self, **changes)  # type: ignore[arg-type] # names of fields


async def resolve(tx: Connection, *writings: Writing, limit: int = NO_LIMIT) -> list[Resolved]:
    return await RESOLVE.rows(
        cast("Tx", tx),
        [w.id for w in writings],
        [w.author.organization_id for w in writings],
        [w.author.user_id for w in writings],
        [None for _ in writings],
        [w.movement_id for w in writings],
        [w.parent for w in writings],
        [w.hash for w in writings],
        limit,
        MINUTE,
    )


async def create(
    tx: Connection, *writings: Writing, resolved: list[Resolved] | None = None, notify: bool = False
) -> Stored:
    """What resolve let pass (else this asks it), in order of arrival."""
    known = resolved or await resolve(tx, *writings)
    passed = [(w, row) for w, row in zip(writings, known, strict=True) if row.code == "new"]
    people = [(w.author.user_id, row.parent_author_id, row.assigner_id) for w, row in passed]
    users = sorted({str(user) for told in people for user in told if user is not None})
    index: dict[str, int | None] = {user: place for place, user in enumerate(users, 1)}
    return await CREATE.one(
        cast("Tx", tx),
        [w.id for w, _ in passed],
        [w.author.organization_id for w, _ in passed],
        [w.author.user_id for w, _ in passed],
        [row.workout_id for _, row in passed],
        [w.movement_id for w, _ in passed],
        [w.parent for w, _ in passed],
        [w.body for w, _ in passed],
        [w.hash for w, _ in passed],
        *([index.get(str(told[place])) for told in people] for place in range(3)),
        users,
        notify,
        NO_LIMIT,
        MINUTE,
    )


async def edit(tx: Connection, comment_id: str, who: Someone, body: str) -> Change:
    return await EDIT.one(cast("Tx", tx), comment_id, who.organization_id, who.user_id, body)


async def delete(tx: Connection, comment_id: str, who: Someone) -> Change:
    return await DELETE.one(cast("Tx", tx), comment_id, who.organization_id, who.user_id)


async def topic(tx: Connection, movement_id: str) -> list[tuple[str, str]]:
    """Kind and subject of the events on an exercise, which must be dense up to the head."""
    name = f"exercise:{movement_id}"
    rows = await tx.fetch(
        "select position, kind::text, subject_ids from topic_events where topic = $1 order by position", name
    )
    head = await tx.fetchval("select position from topic_streams where topic = $1", name)
    assert [row["position"] for row in rows] == list(range(1, (head or 0) + 1))
    return [(row["kind"], str(row["subject_ids"][0])) for row in rows]


async def movements_of(tx: Connection, organization_id: str) -> list[str]:
    """Exercises of workouts in this organization that are assigned to somebody."""
    rows = await tx.fetch(
        "select v.id from workout_movements v join workouts w on w.id = v.workout_id"
        " where w.organization_id = $1 order by v.id",
        UUID(organization_id),
    )
    return [str(row["id"]) for row in rows]
