"""Told is only who has not seen it: not who looks at it, has read it, or may not see it any more."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from ..gym import Place
from ..phone import Phone
from ..server.conftest import OpenPhone
from .outbox import Outbox, Tables
from .receiver import Receiver


async def written(database: Tables, phone: Phone, position: int) -> None:
    """Until the device's ack of this position stands in the tables."""
    await phone.say({"type": "ack", "position": position})
    while True:
        acked = await database.fetchval(
            "select acked_position from devices where device_id = $1", UUID(phone.device)
        )
        if acked == position:
            return


async def test_who_has_it_before_their_eyes_is_told_nothing(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    id_ = await outbox.message(coach, gym.member, due=False)
    await member.reach(1)
    await written(database, member, 1)
    await outbox.due(id_)
    assert await outbox.settled(id_, "dropped") == [("message", "dropped", 0, None)]
    assert receiver.posts == []


async def test_a_phone_in_the_background_that_has_stored_it_is_told(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    id_ = await outbox.message(coach, gym.member, due=False)
    await member.reach(1)
    await written(database, member, 1)
    await outbox.due(id_)
    assert (await receiver.next()).verified()["data"]["messageId"] == id_


async def test_what_came_after_the_app_went_to_the_background_is_told(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    seen = await outbox.message(coach, gym.member, due=False)
    await member.reach(1)
    await written(database, member, 1)
    await member.ask("state", state="background")
    missed = await outbox.message(coach, gym.member, due=False)
    await member.reach(2)
    await written(database, member, 2)
    await outbox.due(seen)
    await outbox.due(missed)
    assert (await receiver.next()).verified()["data"]["messageId"] == missed
    assert await outbox.settled(seen, "dropped")
    assert len(receiver.posts) == 1


async def test_who_opens_the_app_meanwhile_is_told_nothing(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    id_ = await outbox.message(coach, gym.member, due=False)
    await member.reach(1)
    await written(database, member, 1)
    await member.ask("state", state="foreground")
    while not await database.fetchval("select max(foreground_position) from devices"):
        pass
    await outbox.due(id_)
    assert await outbox.settled(id_, "dropped")
    assert receiver.posts == []


async def test_who_comes_back_with_a_new_socket_in_the_foreground_is_told_nothing(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    device = str(uuid4())
    coach, member = await phone(gym.coach), await phone(gym.member, device=device, state="background")
    id_ = await outbox.message(coach, gym.member, due=False)
    await member.reach(1)
    await written(database, member, 1)
    await phone(gym.member, device=device)
    await outbox.due(id_)
    assert await outbox.settled(id_, "dropped")
    assert receiver.posts == []


async def test_one_device_in_the_foreground_is_enough_and_that_of_somebody_else_is_not(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach, web = await phone(gym.coach), await phone(gym.member)
    await phone(gym.member, state="background")
    first = await outbox.message(coach, gym.member, due=False)
    await coach.reach(1)
    await written(database, coach, 1)
    await outbox.due(first)
    assert (await receiver.next()).verified()["data"]["messageId"] == first
    second = await outbox.message(coach, gym.member, due=False)
    await web.reach(2)
    await written(database, web, 2)
    await outbox.due(second)
    assert await outbox.settled(second, "dropped")


async def test_what_was_read_before_anybody_was_told_is_not_told(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    id_ = await outbox.message(coach, gym.member, due=False)
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[id_])
    assert await outbox.rows(id_) == [("message", "dropped", 0, None)]
    assert receiver.posts == []


async def test_what_is_read_elsewhere_after_it_was_told_is_told_to_be_read(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    other = await outbox.message(coach, gym.member, due=False)
    id_ = await outbox.message(coach, gym.member)
    await outbox.settled(id_, "sent")
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[id_, other])
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None), ("read", "sent", 1, None)]
    assert await outbox.rows(other) == [("message", "dropped", 0, None)]
    created, read = (await receiver.next()), (await receiver.next())
    told = read.verified()
    assert (told["type"], told["data"]) == (
        "message.read",
        {
            "userId": gym.member.user_id,
            "clerkId": None,
            "organizationId": gym.organization_id,
            "membershipId": gym.member.membership_id,
            "badge": 0,
            "organizationBadge": 0,
            "messageId": id_,
        },
    )
    assert created.id != read.id
    again = await member.ask("message.read", organizationId=gym.organization_id, messageIds=[id_])
    assert again["data"]["markedCount"] == 0
    assert len(await outbox.rows(id_)) == 2


async def test_what_is_read_while_it_is_being_told_is_told_to_be_read_after_that(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    taken = asyncio.Event()

    async def slowly(_: web.Request) -> web.Response:
        await taken.wait()
        return web.Response(status=204)

    receiver.answers = [slowly]
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    id_ = await outbox.message(coach, gym.member)
    assert (await receiver.next()).verified()["type"] == "message.created"
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[id_])
    assert await outbox.rows(id_) == [("message", "dropped", 1, None), ("read", "waiting", 0, None)]
    not_before = await database.fetchval(  # should its worker die at this moment
        "select max(due_at) filter (where kind = 'read') >= max(due_at) filter (where kind = 'message')"
        " from outbox where subject_id = $1",
        UUID(id_),
    )
    assert not_before
    taken.set()
    assert (await receiver.next()).verified()["type"] == "message.read"
    assert await outbox.settled(id_, "sent") == [("message", "dropped", 1, None), ("read", "sent", 1, None)]


async def test_what_is_deleted_after_it_was_told_is_told_to_be_gone(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    coach = await phone(gym.coach)
    id_ = await outbox.message(coach, gym.member)
    await outbox.settled(id_, "sent")
    await coach.ask("message.delete", organizationId=gym.organization_id, id=id_)
    await database.execute("select clear_notifications(array[$1::uuid])", UUID(id_))
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None), ("read", "sent", 1, None)]
    await receiver.next()
    assert (await receiver.next()).verified()["type"] == "message.deleted"


async def _suspend(tables: Tables, gym: Place, _: str) -> None:
    await tables.execute(
        "update memberships set status = 'suspended' where id = $1", UUID(gym.member.membership_id)
    )


async def _delete_user(tables: Tables, gym: Place, _: str) -> None:
    await tables.execute("update users set deleted_at = now() where id = $1", UUID(gym.member.user_id))


async def _close_gym(tables: Tables, gym: Place, _: str) -> None:
    await tables.execute(
        "update organizations set deleted_at = now() where id = $1", UUID(gym.organization_id)
    )


async def _delete_message(tables: Tables, _: Place, id_: str) -> None:
    await tables.execute("update messages set deleted_at = now() where id = $1", UUID(id_))


async def _erase_message(tables: Tables, _: Place, id_: str) -> None:
    await tables.execute("update message_ledger set erased_at = now() where message_id = $1", UUID(id_))


async def _remove_message(tables: Tables, _: Place, id_: str) -> None:
    await tables.execute("delete from messages where id = $1", UUID(id_))


@pytest.mark.parametrize(
    "happens", [_suspend, _delete_user, _close_gym, _delete_message, _erase_message, _remove_message]
)
async def test_what_ended_meanwhile_is_not_told(
    gym: Place,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    database: Tables,
    happens: Callable[[Tables, Place, str], Awaitable[None]],
) -> None:
    id_ = await outbox.message(await phone(gym.coach), gym.member, due=False)
    await happens(database, gym, id_)
    await outbox.due(id_)
    assert await outbox.settled(id_, "dropped") == [("message", "dropped", 0, None)]
    assert receiver.posts == []


async def test_a_talk_under_a_workout_that_is_a_draft_again_is_not_told(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    assignment = await database.fetchval(
        "select id::text from workout_assignments where user_id = $1 and published limit 1",
        UUID(gym.member.user_id),
    )
    id_ = await outbox.message(await phone(gym.coach), gym.member, thread=assignment, due=False)
    await database.execute("update workout_assignments set published = false where id = $1", UUID(assignment))
    await outbox.due(id_)
    assert await outbox.settled(id_, "dropped")
    assert receiver.posts == []
