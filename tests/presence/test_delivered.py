"""A sender hears that a message has reached one of its recipient's devices, once, and nobody else does."""

import asyncio
from typing import Any
from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables, join, set_status
from .conftest import delivered, signals

WRITTEN = 0.3  # s; six times what it takes here until an ack is written


async def written() -> None:
    """Wait until acks that were sent are written: for what is *not* told, there is no event to wait for."""
    await asyncio.sleep(WRITTEN)


async def send_to(phone: Any, other: Someone, **fields: Any) -> str:
    message = message_to(other, **fields)
    assert (await phone.ask("message.send", **message))["type"] == "ok"
    return str(message["id"])


async def post_in(tables: Tables, sender: Someone, recipient: Someone, thread: str) -> str:
    """A message of a workout's thread, at the next position of its recipient's stream."""
    id_ = str(uuid4())
    await tables.execute(
        "insert into messages (id, organization_id, sender_id, sender_role, recipient_id,"
        " workout_assignment_id, content)"
        " values ($1, $2, $3, 'coach', $4, $5, 'well done')",
        id_, sender.organization_id, sender.user_id, recipient.user_id, thread,
    )  # fmt: skip
    await tables.execute(
        "with moved as (insert into user_streams (user_id, position) values ($1, 1)"
        " on conflict (user_id) do update set position = user_streams.position + 1 returning position)"
        " insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)"
        " select $1, position, 'message.created', array[$2::uuid], $3, now() from moved",
        recipient.user_id, id_, sender.organization_id,
    )  # fmt: skip
    return id_


async def assign(tables: Tables, who: Someone, *, published: bool) -> str:
    return str(
        await tables.fetchval(
            "insert into workout_assignments (organization_id, user_id, date, published)"
            " values ($1, $2, current_date, $3) returning id",
            who.organization_id, who.user_id, published,
        )
    )  # fmt: skip


async def test_an_ack_tells_all_devices_of_the_sender_the_newest_message_it_covers(
    gym: Place, phone: OpenPhone
) -> None:
    coach, coach_web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    first, second, third = [await send_to(coach, gym.member) for _ in range(3)]

    await member.ask("ack", position=2)
    for one in (coach, coach_web):
        assert await one.next("signal") == delivered(gym.member, second)
    await member.ask("ack", position=3)
    for one in (coach, coach_web):
        assert await one.next("signal") == delivered(gym.member, third)
    await written()
    assert await signals(member) == []
    assert first != second


async def test_each_sender_hears_of_their_own_messages_only(gym: Place, phone: OpenPhone) -> None:
    coach, admin, member = await phone(gym.coach), await phone(gym.admin), await phone(gym.member)
    await send_to(coach, gym.member)
    of_admin = await send_to(admin, gym.member)
    of_coach = await send_to(coach, gym.member)
    await send_to(member, gym.coach)  # one's own message is nothing that was delivered to one
    await member.reach(4)

    await member.ask("ack", position=4)
    assert await coach.next("signal") == delivered(gym.member, of_coach)
    assert await admin.next("signal") == delivered(gym.member, of_admin)
    await written()
    for one in (coach, admin, member):
        assert await signals(one) == []


async def test_what_one_device_has_reached_a_second_one_does_not_tell_again(
    gym: Place, phone: OpenPhone
) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    first, second = [await send_to(coach, gym.member) for _ in range(2)]
    await member.ask("ack", position=1)
    assert await coach.next("signal") == delivered(gym.member, first)
    await tablet.ask("ack", position=1)
    await member.ask("ack", position=1)
    await written()
    assert await signals(coach) == []
    await tablet.ask("ack", position=2)
    assert await coach.next("signal") == delivered(gym.member, second)


async def test_an_ack_over_rest_tells_the_sender_as_well(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = await send_to(coach, gym.member)
    await member.leave()
    answer = await Caller(http, gym.member).put(f"/v1/me/devices/{member.device}/ack", {"position": 1})
    assert answer.data == {}
    assert await coach.next("signal") == delivered(gym.member, sent)
    message = (await Caller(http, gym.coach).get(f"messages/{sent}")).data
    assert message["delivered"] is True


async def test_a_sender_in_the_background_hears_of_it(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach, state="background"), await phone(gym.member)
    sent = await send_to(coach, gym.member)
    await member.ask("ack", position=1)
    assert await coach.next("signal") == delivered(gym.member, sent)


async def test_organizations_are_told_apart(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach_there = await join(database, gym.coach, other_gym, "coach")
    member_there = await join(database, gym.member, other_gym, "member")
    coach, member = await phone(gym.coach), await phone(gym.member)
    here = await send_to(coach, gym.member)
    there = await send_to(coach, member_there)
    await member.ask("ack", position=2)
    told = [await coach.next("signal") for _ in range(2)]
    assert sorted(told, key=str) == sorted(
        [delivered(gym.member, here), delivered(member_there, there)], key=str
    )
    assert coach_there.user_id == gym.coach.user_id


async def test_neither_who_has_left_is_told_nor_of_whom_has_left(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, coach2, member = await phone(gym.coach), await phone(gym.coach2), await phone(gym.member)
    await send_to(coach, gym.member)
    sent = await send_to(coach2, gym.member)
    await set_status(database, gym.coach, "suspended")
    await member.ask("ack", position=2)
    assert await coach2.next("signal") == delivered(gym.member, sent)
    await send_to(coach2, gym.member)
    await set_status(database, gym.member, "suspended")
    await member.ask("ack", position=3)
    await written()
    for one in (coach, coach2):
        assert await signals(one) == []


async def test_a_thread_is_told_by_itself_and_only_while_it_is_published(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    shown = await assign(database, gym.member, published=True)
    hidden = await assign(database, gym.member, published=False)
    direct = await send_to(coach, gym.member)
    posted = await post_in(database, gym.coach, gym.member, shown)
    await post_in(database, gym.coach, gym.member, hidden)
    await member.ask("ack", position=3)
    told = [await coach.next("signal") for _ in range(2)]
    assert sorted(told, key=str) == sorted(
        [delivered(gym.member, direct), delivered(gym.member, posted, shown)], key=str
    )
    await written()
    assert await signals(coach) == []


async def test_a_message_that_is_gone_is_not_named(gym: Place, phone: OpenPhone, database: Tables) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    first = await send_to(coach, gym.member)
    second = await send_to(coach, gym.member)
    await database.execute("delete from messages where id = $1", second)
    await member.ask("ack", position=2)
    assert await coach.next("signal") == delivered(gym.member, first)


async def test_a_first_ack_after_much_looks_at_the_newest_only(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = await send_to(coach, gym.member)
    await database.execute(
        "insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)"
        " select $1, 1 + n, 'message.created', array[gen_random_uuid()], $2, now()"
        " from generate_series(1, 5000) n",
        gym.member.user_id, gym.organization_id,
    )  # fmt: skip
    await database.execute("update user_streams set position = 5001 where user_id = $1", gym.member.user_id)
    await member.ask("ack", position=5001)
    await written()
    assert await signals(coach) == []  # 5,000 positions back: its `delivered` tells
    answer = await database.fetchval("select acked_position from devices where device_id = $1", member.device)
    assert answer == 5001
    assert sent
