"""mark_read, and the two statements that say what may be marked."""

import asyncio
from collections.abc import Sequence
from typing import cast
from uuid import UUID

import pytest
from coachwire.database import Tx
from coachwire.operations.receipts import RESOLVE, UNREAD, Marked

from ..gym import Place, Someone
from .calls import (
    NOWHERE,
    Connection,
    Entry,
    Sending,
    assignment_of,
    delete,
    head,
    heads,
    mark_read,
    send,
    stream,
    waiting_for_a_lock,
)
from .conftest import Connect


async def sent(
    tx: Connection, sender: Someone, recipient: Someone, count: int = 1, *, thread: str | None = None
) -> list[str]:
    sendings = [Sending(sender=sender, recipient=recipient, assignment_id=thread) for _ in range(count)]
    for begin in range(0, count, 128):
        assert set((await send(tx, *sendings[begin : begin + 128])).codes) == {"stored"}
    return [sending.id for sending in sendings]


async def read_ids(tx: Connection) -> set[str]:
    return {str(row["id"]) for row in await tx.fetch("select id from messages where read_at is not null")}


def told(rows: Sequence[Marked]) -> set[tuple[str, int, frozenset[str]]]:
    return {(str(row.user_id), row.position, frozenset(map(str, row.ids))) for row in rows}


async def may_mark(tx: Connection, *asked: tuple[Someone, str], organization_id: str) -> list[str]:
    rows = await RESOLVE.rows(
        cast("Tx", tx),
        [reader.user_id for reader, _ in asked],
        [organization_id for _ in asked],
        [message_id for _, message_id in asked],
    )
    return [row.code for row in rows]


async def unread(
    tx: Connection, *asked: tuple[Someone, Someone, str | None], organization_id: str, most: int = 1000
) -> list[tuple[str, list[str]]]:
    rows = await UNREAD.rows(
        cast("Tx", tx),
        [reader.user_id for reader, _, _ in asked],
        [organization_id for _ in asked],
        [partner.membership_id for _, partner, _ in asked],
        [up_to for _, _, up_to in asked],
        most,
    )
    return [(row.code, [str(id_) for id_ in row.ids]) for row in rows]


async def test_a_receipt_is_an_event_in_both_streams(tx: Connection, gym: Place) -> None:
    first, second = await sent(tx, gym.coach, gym.member, 2)
    rows = await mark_read(tx, (second, gym.member), (first, gym.member))
    ids = frozenset((first, second))
    assert told(rows) == {(gym.coach.user_id, 3, ids), (gym.member.user_id, 3, ids)}
    for row in rows:
        assert str(row.reader_membership_id) == gym.member.membership_id
        assert str(row.sender_membership_id) == gym.coach.membership_id
        assert str(row.organization_id) == gym.organization_id
        assert (row.workout_assignment_id, row.belongs) == (None, True)
    assert await tx.fetchval("select array_agg(distinct read_at) from messages") == [rows[0].at]
    for someone in (gym.coach, gym.member):
        assert (await stream(tx, someone))[-1].kind == "message.read"


async def test_what_was_read_before_is_told_no_more(tx: Connection, gym: Place) -> None:
    (message_id,) = await sent(tx, gym.coach, gym.member)
    await mark_read(tx, (message_id, gym.member))
    before = await heads(tx, gym)
    assert await mark_read(tx, (message_id, gym.member)) == []
    assert await heads(tx, gym) == before


async def test_only_what_is_addressed_to_the_reader_and_not_deleted_is_marked(
    tx: Connection, gym: Place
) -> None:
    own, others, deleted, fine = await sent(tx, gym.coach, gym.member, 4)
    await delete(tx, deleted, gym.coach)
    before = await heads(tx, gym)
    rows = await mark_read(
        tx,
        (own, gym.coach),
        (others, gym.member2),
        (deleted, gym.member),
        (NOWHERE, gym.member),
        (fine, gym.member),
    )
    assert await read_ids(tx) == {fine}
    assert {str(row.user_id) for row in rows} == {gym.coach.user_id, gym.member.user_id}
    moved = {name for name, position in (await heads(tx, gym)).items() if position != before[name]}
    assert moved == {"coach", "member"}


async def test_who_has_left_marks_nothing_and_is_asked_again(tx: Connection, gym: Place) -> None:
    (message_id,) = await sent(tx, gym.coach, gym.member)
    await tx.execute(
        "update memberships set status = 'suspended' where id = $1", UUID(gym.member.membership_id)
    )
    (row,) = await mark_read(tx, (message_id, gym.member))
    assert (row.user_id, row.ids) == (None, [UUID(message_id)])
    assert await read_ids(tx) == set()
    assert await may_mark(tx, (gym.member, message_id), organization_id=gym.organization_id) == ["forbidden"]


async def test_a_sender_who_has_left_is_told_nothing_at_the_position(tx: Connection, gym: Place) -> None:
    (message_id,) = await sent(tx, gym.coach, gym.member)
    await tx.execute(
        "update memberships set status = 'cancelled' where id = $1", UUID(gym.coach.membership_id)
    )
    rows = await mark_read(tx, (message_id, gym.member))
    assert {str(row.user_id): row.belongs for row in rows} == {
        gym.coach.user_id: False,
        gym.member.user_id: True,
    }
    assert len(await stream(tx, gym.coach)) == 2


async def test_one_event_for_each_reader_sender_and_thread(tx: Connection, gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    direct = await sent(tx, gym.coach, gym.member, 2)
    under = await sent(tx, gym.coach, gym.member, 2, thread=thread)
    others = await sent(tx, gym.coach2, gym.member, 2)
    back = await sent(tx, gym.member, gym.coach, 1)
    rows = await mark_read(
        tx, *((id_, gym.member) for id_ in (*direct, *others, *under)), *((id_, gym.coach) for id_ in back)
    )
    by_user = {
        someone: sorted(frozenset(map(str, row.ids)) for row in rows if str(row.user_id) == someone.user_id)
        for someone in (gym.coach, gym.coach2, gym.member)
    }
    groups = [frozenset(group) for group in (direct, under, others, back)]
    assert {name: set(found) for name, found in by_user.items()} == {
        gym.coach: {groups[0], groups[1], groups[3]},
        gym.coach2: {groups[2]},
        gym.member: set(groups),
    }
    assert {row.workout_assignment_id for row in rows if set(map(str, row.ids)) == set(under)} == {
        UUID(thread)
    }
    for someone in by_user:
        await stream(tx, someone)  # dense


async def test_more_than_500_ids_are_several_events(tx: Connection, gym: Place) -> None:
    ids = await sent(tx, gym.coach, gym.member, 501)
    rows = await mark_read(tx, *((id_, gym.member) for id_ in ids))
    assert sorted(len(row.ids) for row in rows if str(row.user_id) == gym.coach.user_id) == [1, 500]
    assert len(await read_ids(tx)) == 501
    last = (await stream(tx, gym.coach))[-2:]
    assert {entry.kind for entry in last} == {"message.read"}
    assert {id_ for entry in last for id_ in entry.ids} == set(ids)


async def test_two_connections_mark_the_same_message_once(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    ids = await sent(tx, gym.coach, gym.member, 3)
    first = await connect()
    transaction = first.transaction()
    await transaction.start()
    assert len(await mark_read(first, *((id_, gym.member) for id_ in ids[:2]))) == 2
    second = asyncio.create_task(mark_read(tx, *((id_, gym.member) for id_ in reversed(ids))))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert {frozenset(map(str, row.ids)) for row in await second} == {frozenset(ids[2:])}
    assert [entry.kind for entry in await stream(tx, gym.member)] == ["message.created"] * 3 + [
        "message.read"
    ] * 2


@pytest.mark.parametrize(
    "hold",
    [
        "select from workout_assignments where id = $1 for update",
        "delete from workout_assignments where id = $1",
    ],
)
async def test_a_held_thread_is_unavailable_at_once_and_the_rest_is_marked(
    tx: Connection, connect: Connect, gym: Place, hold: str
) -> None:
    thread = await assignment_of(tx, gym.member)
    held = await sent(tx, gym.coach, gym.member, 2, thread=thread)
    (fine,) = await sent(tx, gym.coach, gym.member)
    platform = await connect()
    transaction = platform.transaction()
    await transaction.start()
    await platform.execute(hold, UUID(thread))

    await tx.execute("set lock_timeout = '1ms'")  # whoever waits fails
    rows = await mark_read(tx, *((id_, gym.member) for id_ in (*held, fine)))
    assert [set(map(str, row.ids)) for row in rows if row.user_id is None] == [set(held)]
    assert {frozenset(map(str, row.ids)) for row in rows if row.user_id is not None} == {frozenset([fine])}

    await transaction.rollback()
    rows = await mark_read(tx, *((id_, gym.member) for id_ in (*held, fine)))
    assert {frozenset(map(str, row.ids)) for row in rows} == {frozenset(held)}


async def test_a_cascade_takes_what_was_read_and_waits_for_who_reads(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    (message_id,) = await sent(tx, gym.coach, gym.member, thread=thread)
    reader = await connect()
    transaction = reader.transaction()
    await transaction.start()
    assert len(await mark_read(reader, (message_id, gym.member))) == 2
    cascade = asyncio.create_task(tx.execute("delete from workout_assignments where id = $1", UUID(thread)))
    watching = await connect()
    await waiting_for_a_lock(watching)
    await transaction.commit()
    await cascade
    assert await watching.fetchval("select count(*) from messages") == 0
    assert await mark_read(watching, (message_id, gym.member)) == []
    assert [entry.kind for entry in await stream(watching, gym.member)] == ["message.created", "message.read"]


async def test_resolve_says_of_each_id_whether_the_reader_may_mark_it(
    tx: Connection, gym: Place, other_gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    (mine,) = await sent(tx, gym.coach, gym.member)
    (posted,) = await sent(tx, gym.coach, gym.member, thread=thread)
    (deleted,) = await sent(tx, gym.coach, gym.member)
    await delete(tx, deleted, gym.coach)
    cases = {
        "mine": (gym.member, mine, "known"),
        "a deleted one": (gym.member, deleted, "known"),
        "my own": (gym.coach, mine, "forbidden"),
        "a third person's": (gym.coach2, mine, "not_found"),
        "in a thread, for staff": (gym.coach2, posted, "forbidden"),
        "in a thread, for another member": (gym.member2, posted, "not_found"),
        "unknown": (gym.member, NOWHERE, "not_found"),
        "from outside": (other_gym.member, mine, "forbidden"),
    }
    asked = [(reader, id_) for reader, id_, _ in cases.values()]
    found = await may_mark(tx, *asked, organization_id=gym.organization_id)
    assert dict(zip(cases, found, strict=True)) == {name: code for name, (_, _, code) in cases.items()}
    elsewhere = await may_mark(tx, (other_gym.member, mine), organization_id=other_gym.organization_id)
    assert elsewhere == ["not_found"]


async def test_a_conversation_is_marked_from_its_oldest_message_up_to_the_one_named(
    tx: Connection, gym: Place, other_gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    ids = await sent(tx, gym.coach, gym.member, 4)
    await sent(tx, gym.coach, gym.member, thread=thread)
    (other,) = await sent(tx, gym.coach2, gym.member)
    await sent(tx, gym.member, gym.coach)
    await mark_read(tx, (ids[0], gym.member))
    await delete(tx, ids[2], gym.coach)
    here = gym.organization_id

    me, partner = gym.member, gym.coach
    assert await unread(tx, (me, partner, None), organization_id=here) == [("known", [ids[1], ids[3]])]
    assert await unread(tx, (me, partner, None), organization_id=here, most=1) == [("known", [ids[1]])]
    assert await unread(tx, (me, partner, ids[2]), organization_id=here) == [("known", [ids[1]])]
    assert await unread(tx, (me, gym.owner, None), organization_id=here) == [("known", [])]
    for asked in ((me, partner, other), (me, partner, NOWHERE), (me, other_gym.coach, None), (me, me, None)):
        assert await unread(tx, asked, organization_id=here) == [("not_found", [])]
    assert await unread(tx, (other_gym.member, partner, None), organization_id=here) == [("forbidden", [])]


async def test_a_reader_without_a_stream_gets_one(connect: Connect, gym: Place) -> None:
    tx = await connect()
    message_id = await tx.fetchval(
        """
        insert into messages (id, organization_id, sender_id, sender_role, recipient_id, content)
        values (gen_random_uuid(), $1, $2, 'coach', $3, 'written past the server') returning id
        """,
        UUID(gym.organization_id), UUID(gym.coach.user_id), UUID(gym.member.user_id),
    )  # fmt: skip
    await mark_read(tx, (str(message_id), gym.member))
    assert await stream(tx, gym.member) == [Entry(1, "message.read", [str(message_id)])]
    assert await head(tx, gym.coach) == 1
