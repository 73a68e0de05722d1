"""Comments against each other, deletions and the platform: never in a circle, never an answer to what is gone."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import combinations_with_replacement
from typing import TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg
from coachwire.database import Tx
from coachwire.streams import pending
from coachwire.streams.pending import NEXT, TELL

from ..gym import Place, Someone
from ..sql.calls import Connection, Sending, send, stream, waiting_for_a_lock
from ..sql.circles import assert_no_circles
from ..sql.conftest import Connect, connect, tx
from .calls import Writing, create, delete, edit, movements_of, resolve, topic

__all__ = ["connect", "tx"]

ROUNDS = 8
ROWS = 16  # a batch; long enough for the batches of several connections to meet

dice = random.Random(1)  # noqa: S311 - the same choices in every run


class Shared:
    """The people and exercises on which all writers meet."""

    def __init__(self, gym: Place, movements: list[str]) -> None:
        self.gym = gym
        self.people = [gym.coach, gym.coach2, gym.owner, gym.member, gym.member2]
        self.movements = movements
        self.said: list[Writing] = []
        self.stored = 0

    def writing(self) -> Writing:
        """New, and mostly an answer to one of the last ones."""
        author = dice.choice(self.people)
        if self.said and dice.random() < 0.7:
            parent = dice.choice(self.said[-40:])
            return Writing(author=author, movement_id=parent.movement_id, parent=parent.id)
        return Writing(author=author, movement_id=dice.choice(self.movements))


Writer: TypeAlias = Callable[[Connection, Shared], Awaitable[None]]


async def comment(tx: Connection, shared: Shared) -> None:
    batch = [shared.writing() for _ in range(ROWS)]
    resolved = await resolve(tx, *batch)
    passed = [(w, row) for w, row in zip(batch, resolved, strict=True) if row.code == "new"]
    if passed:
        stored = await create(tx, *(w for w, _ in passed), resolved=[row for _, row in passed])
        done = [w for (w, _), code in zip(passed, stored.codes, strict=True) if code == "stored"]
        shared.stored += len(done)
        shared.said += done


async def say_otherwise(tx: Connection, shared: Shared) -> None:
    for one in dice.sample(shared.said[-40:], min(4, len(shared.said))):
        await edit(tx, one.id, one.author, str(uuid4()))


async def take_back(tx: Connection, shared: Shared) -> None:
    for one in dice.sample(shared.said[-40:], min(3, len(shared.said))):
        await delete(tx, one.id, dice.choice([one.author, shared.gym.owner]))


async def message(tx: Connection, shared: Shared) -> None:
    staff, members = shared.people[:3], shared.people[3:]
    await send(tx, *(Sending(sender=dice.choice(staff), recipient=dice.choice(members)) for _ in range(ROWS)))


async def platform_deletes_exercises(tx: Connection, shared: Shared) -> None:
    """Several in one transaction, without asking for any order of ours; and puts others in their place."""
    going = dice.sample(shared.movements, 2)
    shared.movements = [movement for movement in shared.movements if movement not in going]
    async with tx.transaction():
        for movement in going:
            await tx.execute("delete from workout_movements where id = $1", UUID(movement))
    for _ in going:
        made = await tx.fetchval(
            "insert into workout_movements (workout_id, name)"
            " select workout_id, 'Squat' from workout_assignments where user_id = $1 limit 1 returning id",
            UUID(shared.gym.member.user_id),
        )
        shared.movements.append(str(made))


async def platform_deletes_leaves(tx: Connection, shared: Shared) -> None:
    """Comments that nobody answered, in any order."""
    with suppress(asyncpg.ForeignKeyViolationError):  # somebody has, meanwhile
        await tx.execute(
            """
            delete from exercise_comments where id = any (array(
              select c.id from exercise_comments c
              where not exists (select from exercise_comments r where r.parent_comment_id = c.id)
              order by random() limit 8))
            """
        )


async def fork(tx: Connection, shared: Shared) -> None:
    await tx.execute(
        "select fork_workout(workout_id) from workout_movements where id = $1",
        UUID(dice.choice(shared.movements)),
    )


async def tell_pending(tx: Connection, shared: Shared) -> None:
    """The worker that writes the events of what the platform changed."""
    rows = await NEXT.rows(cast("Tx", tx), pending.ROWS, pending.SUBJECTS)
    await TELL.rows(cast("Tx", tx), [row.id for row in rows])


WRITERS: list[Writer] = [
    comment, say_otherwise, take_back, message, platform_deletes_exercises, platform_deletes_leaves, fork, tell_pending,
]  # fmt: skip


async def test_no_two_writers_ever_wait_in_a_circle(connect: Connect, tx: Connection, gym: Place) -> None:
    shared = Shared(gym, await movements_of(tx, gym.organization_id))
    for _ in range(4):
        await comment(tx, shared)
    await assert_no_circles(connect, tx, shared, combinations_with_replacement(WRITERS, 2), rounds=ROUNDS)

    assert shared.stored > 1000, "too little was stored to say anything"
    for someone in shared.people:
        await stream(tx, someone)  # dense
    for movement in shared.movements:
        await topic(tx, movement)  # dense
    assert await tx.fetch(OUT_OF_ORDER) == []


# Answers that were made after what they answer was deleted, or not after it was made.
OUT_OF_ORDER = """
select c.id from exercise_comments c
join comment_ledger l on l.comment_id = c.id
join exercise_comments p on p.id = c.parent_comment_id
join comment_ledger q on q.comment_id = p.id
where l.payload_hash is not null
  and (l.created_at <= q.created_at or exists (
    select from topic_events d
    join topic_events m on m.topic = d.topic and m.kind = 'comment.created' and m.subject_ids[1] = c.id
    where d.topic = 'exercise:' || c.workout_movement_id and d.kind = 'comment.deleted' and d.subject_ids[1] = p.id
      and d.position < m.position))
"""


async def root_of(tx: Connection, gym: Place, author: Someone) -> Writing:
    [movement, *_] = await movements_of(tx, gym.organization_id)
    root = Writing(author=author, movement_id=movement)
    await create(tx, root)
    return root


async def test_a_reply_that_waited_behind_a_deletion_is_refused(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    root = await root_of(tx, gym, gym.coach)
    reply = Writing(author=gym.coach2, movement_id=root.movement_id, parent=root.id)
    resolved = await resolve(tx, reply)
    other = await connect()
    transaction = tx.transaction()
    await transaction.start()
    assert (await delete(tx, root.id, gym.coach)).code == "deleted"
    answering = asyncio.create_task(create(other, reply, resolved=resolved))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert (await answering).codes == ["refused"]
    assert [row.code for row in await resolve(tx, reply)] == ["gone"]
    assert await topic(tx, root.movement_id) == [("comment.created", root.id), ("comment.deleted", root.id)]


async def test_a_deletion_that_waited_behind_a_reply_leaves_it_alive(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    root = await root_of(tx, gym, gym.coach)
    reply = Writing(author=gym.coach2, movement_id=root.movement_id, parent=root.id)
    other = await connect()
    transaction = tx.transaction()
    await transaction.start()
    assert (await create(tx, reply)).codes == ["stored"]
    deleting = asyncio.create_task(delete(other, root.id, gym.coach))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert (await deleting).code == "deleted"
    assert await topic(tx, root.movement_id) == [
        ("comment.created", root.id),
        ("comment.created", reply.id),
        ("comment.deleted", root.id),
    ]


async def test_while_the_platform_takes_an_exercise_away_nobody_waits_for_it(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    root = await root_of(tx, gym, gym.coach)
    beside = Writing(author=gym.coach, movement_id=(await movements_of(tx, gym.organization_id))[1])
    other = await connect()
    new = Writing(author=gym.coach, movement_id=root.movement_id)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("delete from workout_movements where id = $1", UUID(root.movement_id))
    stored = await create(tx, new, beside, new.again(id=str(uuid4()), parent=root.id))
    assert stored.codes == ["unavailable", "stored", "unavailable"]
    assert (await edit(tx, root.id, gym.coach, "x")).code == "unavailable"
    assert (await delete(tx, root.id, gym.coach)).code == "unavailable"
    await transaction.commit()
    assert [row.code for row in await resolve(tx, new)] == ["not_found"]
    assert (await edit(tx, root.id, gym.coach, "x")).code == "not_found"


async def test_a_parent_whose_row_the_platform_holds_is_unavailable(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    root = await root_of(tx, gym, gym.coach)
    other = await connect()
    transaction = other.transaction()
    await transaction.start()
    await other.execute("select from exercise_comments where id = $1 for update", UUID(root.id))
    reply = Writing(author=gym.coach, movement_id=root.movement_id, parent=root.id)
    stored = await create(tx, reply, Writing(author=gym.coach, movement_id=root.movement_id))
    assert stored.codes == ["unavailable", "stored"]
    await transaction.rollback()
    assert (await create(tx, reply)).codes == ["stored"]


async def test_rights_that_end_in_between_refuse_what_resolve_let_pass(tx: Connection, gym: Place) -> None:
    root = await root_of(tx, gym, gym.coach)
    mine = [Writing(author=gym.member, movement_id=root.movement_id, parent=root.id)]
    resolved = await resolve(tx, *mine)
    if resolved[0].code != "new":
        await tx.execute("update workout_assignments set published = true")
        resolved = await resolve(tx, *mine)
    await tx.execute(
        "update workout_assignments set published = false where user_id = $1", UUID(gym.member.user_id)
    )
    assert (await create(tx, *mine, resolved=resolved)).codes == ["refused"]
    assert await topic(tx, root.movement_id) == [("comment.created", root.id)]


async def test_batches_that_meet_on_the_same_ids_wait_in_one_direction(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    connections = await connect(), await connect()
    first, second, *_ = await movements_of(tx, gym.organization_id)
    for _ in range(2 * ROUNDS):
        ids = [str(uuid4()) for _ in range(2 * ROWS)]
        mine = [Writing(author=gym.coach, movement_id=first, id=id_) for id_ in ids]
        theirs = [Writing(author=gym.coach2, movement_id=second, id=id_) for id_ in reversed(ids)]
        resolved = [await resolve(tx, *batch) for batch in (mine, theirs)]
        stored = await asyncio.gather(
            create(connections[0], *mine, resolved=resolved[0]),
            create(connections[1], *theirs, resolved=resolved[1]),
        )
        codes = sorted(code for one in stored for code in one.codes)
        assert codes == ["known"] * len(ids) + ["stored"] * len(ids)
    for movement in (first, second):
        await topic(tx, movement)  # dense
