"""send_messages, called as the application calls it: order, once, what is held, the rate window."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire.operations.writing import CREATE_STREAMS, MISSING_STREAM

from ..gym import Place, Someone
from .calls import (
    Connection,
    Entry,
    Sending,
    assignment_of,
    codes,
    created_in_order,
    heads,
    messages,
    resolve,
    rising,
    send,
    stream,
    waiting_for_a_lock,
)
from .conftest import Connect


async def test_a_user_without_a_stream_raises_until_it_is_made(connect: Connect, gym: Place) -> None:
    tx = await connect()
    sending = Sending(sender=gym.coach, recipient=gym.member)
    with pytest.raises(asyncpg.PostgresError) as raised:
        await send(tx, sending)
    assert raised.value.sqlstate == MISSING_STREAM
    assert await messages(tx) == []
    await tx.execute(CREATE_STREAMS.sql, [gym.coach.user_id, gym.member.user_id])
    assert (await send(tx, sending)).codes == ["stored"]


async def test_positions_are_dense_for_everybody_and_in_order_of_arrival(tx: Connection, gym: Place) -> None:
    # Ids fall while positions and times rise: the physical order is another one.
    ids = sorted((str(uuid4()) for _ in range(6)), reverse=True)
    pairs = [(gym.coach, gym.member), (gym.member, gym.coach), (gym.coach, gym.member2)] * 2
    sendings = [Sending(sender=s, recipient=r, id=id_) for (s, r), id_ in zip(pairs, ids, strict=True)]
    stored = await send(tx, *sendings)

    assert stored.codes == ["stored"] * 6
    assert stored.sender_positions == [1, 2, 3, 4, 4, 6]
    assert stored.recipient_positions == [1, 2, 1, 3, 5, 2]
    assert [entry.ids[0] for entry in await stream(tx, gym.coach)] == ids
    assert [entry.ids[0] for entry in await stream(tx, gym.member)] == [ids[0], ids[1], ids[3], ids[4]]
    assert [entry.ids[0] for entry in await stream(tx, gym.member2)] == [ids[2], ids[5]]
    assert await messages(tx) == ids
    created = await tx.fetch("select created_at from messages order by created_at")
    assert [row[0] for row in created] == [stored.at + timedelta(microseconds=n) for n in range(1, 7)]


async def test_times_rise_with_positions_also_after_the_clock_went_back(tx: Connection, gym: Place) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    await tx.execute(
        "update user_streams set last_at = $2 where user_id = $1", UUID(gym.member.user_id), ahead
    )
    for sender in (gym.coach, gym.coach2, gym.coach):
        await send(tx, *(Sending(sender=sender, recipient=gym.member) for _ in range(2)))
    for someone in (gym.coach, gym.coach2, gym.member):
        times = await created_in_order(tx, someone)
        assert rising(times)
        assert times[0] > ahead


async def test_a_clock_that_went_back_keeps_no_window_open(tx: Connection, gym: Place) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    await tx.execute("update user_streams set last_at = $1", ahead)
    await send(tx, Sending(sender=gym.coach, recipient=gym.member), limit=1)
    (row,) = await resolve(tx, Sending(sender=gym.coach, recipient=gym.member), limit=1)
    assert row.code == "rate_limited"
    assert 0 < row.retry_after_ms <= 60_000


async def test_what_is_refused_at_the_last_moment_moves_no_stream(tx: Connection, gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    refused = (
        Sending(sender=gym.member, recipient=gym.member2),
        Sending(sender=gym.coach2, recipient=gym.member),
        Sending(sender=gym.member, recipient=gym.coach2),
        Sending(sender=gym.member2, recipient=gym.coach, assignment_id=thread),
    )
    await tx.execute(
        "update memberships set status = 'suspended' where id = $1", UUID(gym.coach2.membership_id)
    )
    fine = Sending(sender=gym.coach, recipient=gym.member)
    stored = await send(tx, *refused[:2], fine, *refused[2:])
    assert stored.codes == ["refused", "refused", "stored", "refused", "refused"]
    assert (stored.sender_positions, stored.recipient_positions) == ([None, None, 1, None, None],) * 2
    assert await heads(tx, gym) == {name: int(name in ("coach", "member")) for name in gym.people}
    assert await messages(tx) == [fine.id]
    assert await tx.fetchval("select count(*) from message_ledger") == 1
    assert await tx.fetchval("select sum(window_count) from user_streams") == 1


@pytest.mark.parametrize(
    "statement", ["update users set deleted_at = now()", "update organizations set deleted_at = now()"]
)
async def test_who_is_deleted_at_the_last_moment_is_refused(
    tx: Connection, gym: Place, statement: str
) -> None:
    await tx.execute(statement)
    assert (await send(tx, Sending(sender=gym.coach, recipient=gym.member))).codes == ["refused"]


async def test_an_id_taken_by_another_connection_at_this_moment_is_known_and_its_positions_are_skipped(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    first = await connect()
    contested = Sending(sender=gym.coach, recipient=gym.member)
    transaction = first.transaction()
    await transaction.start()
    assert (await send(first, contested)).codes == ["stored"]
    # Other people, so that only the id is waited for.
    others = [Sending(sender=gym.coach2, recipient=gym.member2) for _ in range(2)]
    second = asyncio.create_task(
        send(tx, others[0], Sending(sender=gym.coach2, recipient=gym.member2, id=contested.id), others[1])
    )
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    stored = await second

    assert stored.codes == ["stored", "known", "stored"]
    assert (stored.sender_positions, stored.recipient_positions) == ([1, 2, 3],) * 2
    expected = [
        Entry(1, "message.created", [others[0].id]),
        Entry(2, "skipped", [contested.id]),
        Entry(3, "message.created", [others[1].id]),
    ]
    assert await stream(tx, gym.coach2) == await stream(tx, gym.member2) == expected
    assert [entry.kind for entry in await stream(tx, gym.coach)] == ["message.created"]
    assert await tx.fetchval("select count(*) from messages") == 3
    assert await window_count(tx, gym.coach2) == 2, "what was known does not count"
    assert await codes(tx, contested, contested.again(sender=gym.coach2)) == ["duplicate", "conflict"]


async def test_the_same_send_over_two_connections_at_once_is_stored_once(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    first = await connect()
    sending = Sending(sender=gym.coach, recipient=gym.member)
    transaction = first.transaction()
    await transaction.start()
    await send(first, sending)
    second = asyncio.create_task(send(tx, sending))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert (await second).codes == ["known"]
    assert await messages(tx) == [sending.id]
    assert [entry.kind for entry in await stream(tx, gym.coach)] == ["message.created", "skipped"]


async def test_an_id_whose_taker_gives_up_is_stored(tx: Connection, connect: Connect, gym: Place) -> None:
    first = await connect()
    sending = Sending(sender=gym.coach, recipient=gym.member)
    transaction = first.transaction()
    await transaction.start()
    await send(first, sending)
    second = asyncio.create_task(send(tx, sending.again(sender=gym.coach2, recipient=gym.member2)))
    await waiting_for_a_lock(await connect())
    await transaction.rollback()
    assert (await second).codes == ["stored"]
    assert await stream(tx, gym.coach) == []


HOLDS = {
    "organization": "select from organizations where id = $1 for update",
    "sender": "select from users where id = $1 for update",
    "recipient": "select from users where id = $1 for update",
    "assignment": "select from workout_assignments where id = $1 for update",
    "deleted assignment": "delete from workout_assignments where id = $1",
}


@pytest.mark.parametrize("held", HOLDS)
async def test_what_the_platform_holds_is_unavailable_at_once_and_blocks_nobody_else(
    tx: Connection, connect: Connect, gym: Place, other_gym: Place, held: str
) -> None:
    await tx.execute(CREATE_STREAMS.sql, [one.user_id for one in other_gym.people.values()])
    thread = await assignment_of(tx, gym.member)
    platform = await connect()
    transaction = platform.transaction()
    await transaction.start()
    ids = {
        "organization": gym.organization_id, "sender": gym.coach.user_id, "recipient": gym.member.user_id,
    }  # fmt: skip
    await platform.execute(HOLDS[held], UUID(ids.get(held, thread)))

    await tx.execute("set lock_timeout = '1ms'")  # whoever waits fails
    blocked = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    elsewhere = Sending(sender=other_gym.coach, recipient=other_gym.member)
    sendings = [blocked, elsewhere]
    if held != "organization":
        sendings.append(Sending(sender=gym.coach2, recipient=gym.member2))
    stored = await send(tx, *sendings)
    assert stored.codes == ["unavailable", *["stored"] * (len(sendings) - 1)]
    assert stored.sender_positions[0] is None
    assert await stream(tx, gym.coach) == await stream(tx, gym.member) == []

    await transaction.rollback()
    assert (await send(tx, blocked)).codes == ["stored"]


async def test_a_thread_that_is_deleted_takes_its_messages_and_refuses_what_comes_later(
    tx: Connection, gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    posted = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    await send(tx, posted)
    await tx.execute("delete from workout_assignments where id = $1", UUID(thread))
    assert await messages(tx) == []
    assert await codes(tx, posted, posted.again(id=str(uuid4()))) == ["gone", "not_found"]
    # Between resolve and send, and with the row gone rather than held: nothing to lock, nothing stored.
    assert (await send(tx, posted.again(id=str(uuid4())))).codes == ["unavailable"]
    assert len(await stream(tx, gym.member)) == 1


async def test_the_rate_window_is_exact_over_connections(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    connections = [tx, await connect(), await connect(), await connect()]
    batches = [
        [Sending(sender=gym.coach, recipient=recipient) for recipient in (gym.member, gym.member2)]
        for _ in range(4)
    ]
    answers = await asyncio.gather(
        *(send(one, *batch, limit=5) for one, batch in zip(connections, batches, strict=True))
    )
    found = sorted(code for answer in answers for code in answer.codes)
    assert found == ["refused"] * 3 + ["stored"] * 5
    assert len(await stream(tx, gym.coach)) == await window_count(tx, gym.coach) == 5
    assert await codes(tx, Sending(sender=gym.coach, recipient=gym.member), limit=5) == ["rate_limited"]
    assert await codes(tx, Sending(sender=gym.member, recipient=gym.coach), limit=5) == ["new"]
    for repeated in batches:  # a duplicate is no new message
        assert set(await codes(tx, *repeated, limit=5)) <= {"duplicate", "rate_limited"}


async def test_a_window_that_is_over_makes_room_for_the_next(tx: Connection, gym: Place) -> None:
    batch = [Sending(sender=gym.coach, recipient=gym.member) for _ in range(3)]
    assert (await send(tx, *batch[:2], limit=2)).codes == ["stored", "stored"]
    (row,) = await resolve(tx, batch[2], limit=2)
    assert row.code == "rate_limited"
    assert 59_000 < row.retry_after_ms <= 60_000
    assert (await send(tx, batch[2], limit=2)).codes == ["refused"]
    await tx.execute("update user_streams set window_started = window_started - interval '1 minute'")
    assert await codes(tx, batch[2], limit=2) == ["new"]
    assert (await send(tx, batch[2], limit=2)).codes == ["stored"]
    assert await window_count(tx, gym.coach) == 1
    started = await tx.fetchval(
        "select window_started from user_streams where user_id = $1", UUID(gym.coach.user_id)
    )
    assert datetime.now(UTC) - started < timedelta(seconds=10)


async def test_a_pair_has_one_conversation_from_its_first_direct_message_on(
    tx: Connection, gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    await send(tx, Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread))
    assert await tx.fetchval("select count(*) from conversations") == 0
    stored = await send(
        tx,
        Sending(sender=gym.coach, recipient=gym.member),
        Sending(sender=gym.member, recipient=gym.coach),
    )
    await send(tx, Sending(sender=gym.member, recipient=gym.coach))
    (row,) = await tx.fetch("select * from conversations")
    low, high = sorted((gym.coach.user_id, gym.member.user_id))
    assert (str(row["low_user_id"]), str(row["high_user_id"])) == (low, high)
    assert row["first_message_at"] == stored.at


async def window_count(tx: Connection, someone: Someone) -> int:
    return int(
        await tx.fetchval("select window_count from user_streams where user_id = $1", UUID(someone.user_id))
    )
