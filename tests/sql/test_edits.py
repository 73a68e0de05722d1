"""edit_message: who may say what otherwise, in which order, and beside a deletion and a cascade."""

import asyncio
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from coachwire.database import Tx
from coachwire.operations.editing import EDIT, Change

from ..gym import Place, Someone
from .calls import (
    NOWHERE,
    Connection,
    Entry,
    Sending,
    assignment_of,
    delete,
    heads,
    send,
    stream,
    waiting_for_a_lock,
)
from .conftest import Connect

WINDOW = timedelta(minutes=15)


async def edit(
    tx: Connection, message_id: str, actor: Someone, content: str = "other words", organization_id: str = ""
) -> Change:
    organization = organization_id or actor.organization_id
    return await EDIT.one(
        cast("Tx", tx), message_id, organization, actor.user_id, content, not content.strip(), WINDOW
    )


async def test_an_edit_is_an_event_in_both_streams(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    change = await edit(tx, sending.id, gym.coach)
    assert (change.code, change.belong) == ("edited", [True, True])
    assert dict(zip(map(str, change.users or ()), change.positions or (), strict=True)) == {
        gym.coach.user_id: 2,
        gym.member.user_id: 2,
    }
    row = await tx.fetchrow("select content, edited_at from messages")
    assert row is not None
    assert tuple(row) == ("other words", change.at)
    for someone in (gym.coach, gym.member):
        assert (await stream(tx, someone))[-1] == Entry(2, "message.edited", [sending.id])


async def test_only_the_sender_edits_and_only_what_is_visible(
    tx: Connection, gym: Place, other_gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    direct = Sending(sender=gym.coach, recipient=gym.member)
    posted = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread)
    await send(tx, direct, posted)
    before = await heads(tx, gym)
    here = gym.organization_id
    cases = {
        "its recipient": (gym.member, direct.id, here, "forbidden"),
        "a third person": (gym.coach2, direct.id, here, "not_found"),
        "the owner": (gym.owner, direct.id, here, "not_found"),
        "staff, in a thread": (gym.coach2, posted.id, here, "forbidden"),
        "another member, in a thread": (gym.member2, posted.id, here, "not_found"),
        "an unknown id": (gym.coach, NOWHERE, here, "not_found"),
        "from outside": (other_gym.coach, direct.id, here, "forbidden"),
        "in another organization": (other_gym.coach, direct.id, other_gym.organization_id, "not_found"),
        "no such organization": (gym.coach, direct.id, NOWHERE, "forbidden"),
    }
    found = {
        name: (await edit(tx, id_, actor, organization_id=organization)).code
        for name, (actor, id_, organization, _) in cases.items()
    }
    assert found == {name: code for name, (_, _, _, code) in cases.items()}
    assert await tx.fetchval("select count(edited_at) from messages") == 0
    assert await heads(tx, gym) == before


async def test_an_erased_message_is_gone(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    await tx.execute("update messages set content = null")
    await tx.execute("update message_ledger set erased_at = now()")
    assert (await edit(tx, sending.id, gym.coach)).code == "gone"


async def test_two_edits_at_once_follow_each_other(tx: Connection, connect: Connect, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    first = await connect()
    transaction = first.transaction()
    await transaction.start()
    one = await edit(first, sending.id, gym.coach, "one")
    editing = asyncio.create_task(edit(tx, sending.id, gym.coach, "two"))
    again = asyncio.create_task(edit(await connect(), sending.id, gym.coach, "two"))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    two = await editing
    same = await again
    assert sorted((two.code, same.code)) == ["edited", "unchanged"]
    assert two.at == same.at
    assert one.at is not None
    assert two.at is not None
    assert two.at > one.at
    assert [entry.kind for entry in await stream(tx, gym.member)][1:] == ["message.edited"] * 2


async def test_what_is_deleted_meanwhile_is_gone(tx: Connection, connect: Connect, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, sending)
    first = await connect()
    transaction = first.transaction()
    await transaction.start()
    await delete(first, sending.id, gym.coach)
    editing = asyncio.create_task(edit(tx, sending.id, gym.coach))
    await waiting_for_a_lock(await connect())
    await transaction.commit()
    assert (await editing).code == "gone"
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
    assert (await edit(tx, posted.id, gym.coach)).code == "unavailable"
    assert (await edit(tx, direct.id, gym.coach)).code == "edited"

    await transaction.rollback()
    assert (await edit(tx, posted.id, gym.coach)).code == "edited"
