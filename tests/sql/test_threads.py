"""What a thread leaves behind when its workout goes, and who is told of what they miss in it."""

import asyncio
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

from coachwire.database import Tx
from coachwire.operations.messages import SEE

from ..gym import Place, Someone
from .calls import Connection, Sending, assignment_of, delete, send, waiting_for_a_lock
from .conftest import Connect


async def see(tx: Connection, who: Someone, thread: str) -> bool:
    """Move somebody's mark; whether the thread is kept from them."""
    (row,) = await SEE.rows(
        cast("Tx", tx), [who.user_id], [thread], [datetime.now(UTC)], [str(uuid4())], [who.user_id]
    )
    return row.kept


async def test_marks_go_with_the_assignment(tx: Connection, gym: Place) -> None:
    thread, other = await assignment_of(tx, gym.member), await assignment_of(tx, gym.member2)
    for one in (thread, other):
        await see(tx, gym.coach, one)
        await see(tx, gym.owner, one)
    await tx.execute("delete from workout_assignments where id = $1", UUID(thread))
    assert await tx.fetchval("select count(*) from thread_marks") == 2
    assert not await see(tx, gym.coach, thread)
    assert {str(row[0]) for row in await tx.fetch("select workout_assignment_id from thread_marks")} == {
        other
    }


async def test_a_mark_that_meets_the_end_of_its_assignment_is_not_left_over(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    reader, platform = await connect(), await connect()
    transaction = reader.transaction()
    await transaction.start()
    await see(reader, gym.coach, thread)
    going = asyncio.create_task(
        platform.execute("delete from workout_assignments where id = $1", UUID(thread))
    )
    await waiting_for_a_lock(tx)
    await transaction.commit()
    await going
    assert await tx.fetchval("select count(*) from thread_marks") == 0


async def test_only_a_drafts_member_is_kept_from_what_was_deleted_with_it(tx: Connection, gym: Place) -> None:
    draft, silent = [await _draft(tx, gym.member) for _ in range(2)]
    await send(tx, Sending(sender=gym.coach, recipient=gym.member, assignment_id=draft))
    await tx.execute("delete from workout_assignments where id = any ($1)", [UUID(draft), UUID(silent)])
    kept = "select kept_from($1, $2)"
    assert await tx.fetchval(kept, UUID(gym.member.user_id), UUID(draft))
    assert not await tx.fetchval(kept, UUID(gym.coach.user_id), UUID(draft))
    assert await tx.fetchval("select count(*) from deleted_drafts") == 1, "nothing was said in the other"


async def _draft(tx: Connection, member: Someone) -> str:
    return str(
        await tx.fetchval(
            "insert into workout_assignments (organization_id, user_id, workout_id, date, published)"
            " select organization_id, user_id, workout_id, date, false from workout_assignments"
            " where user_id = $1 and published limit 1 returning id",
            UUID(member.user_id),
        )
    )


async def test_who_may_be_told_is_noted_and_a_drafts_member_is_not(tx: Connection, gym: Place) -> None:
    thread, draft = await assignment_of(tx, gym.member), await _draft(tx, gym.member)
    direct = Sending(sender=gym.coach, recipient=gym.member)
    posted, hidden = [direct.again(id=str(uuid4()), assignment_id=one) for one in (thread, draft)]
    stored = await send(tx, direct, posted, hidden, notify=True)
    noted = await tx.fetch(
        "select kind::text, user_id::text, organization_id::text, subject_id::text, position, state::text"
        " from outbox order by position"
    )
    where = gym.member.user_id, gym.organization_id
    assert [tuple(row) for row in noted] == [
        ("message", *where, one.id, at, "waiting")
        for one, at in zip((direct, posted), stored.recipient_positions[:2], strict=True)
    ]
    await delete(tx, posted.id, gym.admin)
    assert (
        await tx.fetchval("select state::text from outbox where subject_id = $1", UUID(posted.id))
        == "dropped"
    )


async def test_without_anybody_to_tell_nothing_is_noted(tx: Connection, gym: Place) -> None:
    await send(tx, Sending(sender=gym.coach, recipient=gym.member))
    assert await tx.fetchval("select count(*) from outbox") == 0
