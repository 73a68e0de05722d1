"""delete_message: who may take back what, once, and beside a cascade."""

import asyncio
from uuid import UUID

import pytest

from ..gym import Place
from .calls import (
    NOWHERE,
    Connection,
    Entry,
    Sending,
    assignment_of,
    delete,
    heads,
    mark_read,
    send,
    stream,
    waiting_for_a_lock,
)
from .conftest import Connect


async def test_a_deletion_is_an_event_in_both_streams_and_the_row_keeps_its_content(
    tx: Connection, gym: Place
) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    taken = await delete(tx, sending.id, gym.coach)
    assert (taken.code, str(taken.sender_membership_id)) == ("deleted", gym.coach.membership_id)
    assert taken.workout_assignment_id is None
    assert dict(zip(map(str, taken.users or ()), taken.positions or (), strict=True)) == {
        gym.coach.user_id: 2,
        gym.member.user_id: 2,
    }
    assert taken.belong == [True, True]
    kept = await tx.fetchrow("select content, deleted_at from messages")
    assert kept is not None
    assert tuple(kept) == ("hello", taken.at)
    for someone in (gym.coach, gym.member):
        assert (await stream(tx, someone))[-1] == Entry(2, "message.deleted", [sending.id])


async def test_deleting_again_answers_the_first_time_and_makes_no_event(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    first = await delete(tx, sending.id, gym.coach)
    before = await heads(tx, gym)
    again = await delete(tx, sending.id, gym.coach)
    assert (again.code, again.at, again.users, again.positions) == ("already", first.at, None, None)
    assert await heads(tx, gym) == before


async def test_only_the_sender_takes_a_message_back(tx: Connection, gym: Place, other_gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    direct = Sending(sender=gym.coach, recipient=gym.member)
    posted = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    await send(tx, direct, posted)
    before = await heads(tx, gym)
    here = gym.organization_id
    cases = {
        "its recipient": (gym.member, direct.id, here, "forbidden"),
        "a third person": (gym.coach2, direct.id, here, "not_found"),
        "staff who are no party": (gym.coach2, direct.id, here, "not_found"),
        "staff, in a thread": (gym.coach2, posted.id, here, "forbidden"),
        "another member, in a thread": (gym.member2, posted.id, here, "not_found"),
        "an unknown id": (gym.coach, NOWHERE, here, "not_found"),
        "from outside": (other_gym.coach, direct.id, here, "forbidden"),
        "in another organization": (other_gym.coach, direct.id, other_gym.organization_id, "not_found"),
        "the sender, where they do not belong": (
            gym.coach,
            direct.id,
            other_gym.organization_id,
            "forbidden",
        ),
        "no such organization": (gym.coach, direct.id, NOWHERE, "forbidden"),
    }
    found = {
        name: (await delete(tx, id_, actor, organization)).code
        for name, (actor, id_, organization, _) in cases.items()
    }
    assert found == {name: code for name, (_, _, _, code) in cases.items()}
    assert await tx.fetchval("select count(deleted_at) from messages") == 0
    assert await heads(tx, gym) == before


async def test_who_has_left_takes_nothing_back(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    await tx.execute(
        "update memberships set status = 'cancelled' where id = $1", UUID(gym.coach.membership_id)
    )
    assert (await delete(tx, sending.id, gym.coach)).code == "forbidden"


async def test_a_recipient_who_has_left_is_told_nothing_at_the_position(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    await tx.execute(
        "update memberships set status = 'cancelled' where id = $1", UUID(gym.member.membership_id)
    )
    taken = await delete(tx, sending.id, gym.coach)
    assert dict(zip(map(str, taken.users or ()), taken.belong or (), strict=True)) == {
        gym.coach.user_id: True,
        gym.member.user_id: False,
    }
    assert len(await stream(tx, gym.member)) == 2


async def test_two_connections_delete_once(tx: Connection, connect: Connect, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    first = await connect()
    transaction = first.transaction()
    await transaction.start()
    taken = await delete(first, sending.id, gym.coach)
    second = asyncio.create_task(delete(tx, sending.id, gym.coach))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert ((await second).code, (await second).at) == ("already", taken.at)
    assert len(await stream(tx, gym.coach)) == 2


async def test_what_is_deleted_while_it_is_read_counts_once_in_each_stream(
    tx: Connection, connect: Connect, gym: Place
) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    first = await connect()
    transaction = first.transaction()
    await transaction.start()
    await delete(first, sending.id, gym.coach)
    reading = asyncio.create_task(mark_read(tx, (sending.id, gym.member)))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert await reading == []
    assert [entry.kind for entry in await stream(tx, gym.member)] == ["message.created", "message.deleted"]


@pytest.mark.parametrize(
    "hold",
    [
        "select from workout_assignments where id = $1 for update",
        "delete from workout_assignments where id = $1",
    ],
)
async def test_a_held_thread_is_unavailable_at_once(
    tx: Connection, connect: Connect, gym: Place, hold: str
) -> None:
    thread = await assignment_of(tx, gym.member)
    posted = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    direct = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, posted, direct)
    platform = await connect()
    transaction = platform.transaction()
    await transaction.start()
    await platform.execute(hold, UUID(thread))

    await tx.execute("set lock_timeout = '1ms'")  # whoever waits fails
    assert (await delete(tx, posted.id, gym.coach)).code == "unavailable"
    assert (await delete(tx, direct.id, gym.coach)).code == "deleted"
    assert await tx.fetchval("select count(deleted_at) from messages") == 1

    await transaction.rollback()
    taken = await delete(tx, posted.id, gym.coach)
    assert (taken.code, str(taken.workout_assignment_id)) == ("deleted", thread)


async def test_a_cascade_takes_what_was_deleted_too(tx: Connection, gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    posted = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    await send(tx, posted)
    await delete(tx, posted.id, gym.coach)
    await tx.execute("delete from workout_assignments where id = $1", UUID(thread))
    assert (await delete(tx, posted.id, gym.coach)).code == "not_found"
