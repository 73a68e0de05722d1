"""What is unread is told exactly, and seldom: whatever is done, the last frame agrees with a recount of the tables."""

import asyncio
import random
import time
from uuid import uuid4

import pytest

from ..gym import Place, Someone, message_to
from ..phone import PATIENCE, Frame, Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, join
from .test_watch import change, suspend

SOON = 0.2  # s; a user is told at most once in this time


async def recount(tables: Tables, who: Someone) -> Frame:
    """The frame as the tables have it, by another statement than the server's."""
    rows = await tables.fetch(
        "select organization_id::text as organization, count(*) as count from messages m"
        " where recipient_id = $1 and read_at is null and deleted_at is null"
        " and organization_id in ("
        "  select organization_id from memberships where user_id = $1 and status = 'active' and deleted_at is null)"
        " and organization_id not in (select id from organizations where deleted_at is not null)"
        " and (workout_assignment_id is null or workout_assignment_id in ("
        "  select id from workout_assignments where published and deleted_at is null))"
        " group by organization_id order by organization_id",
        who.user_id,
    )
    counts = [{"organizationId": row["organization"], "count": row["count"]} for row in rows]
    return {"type": "unread", "total": sum(row["count"] for row in rows), "organizations": counts}


async def settles(phone: Phone, wanted: Frame) -> None:
    """The last frame of all says this."""
    last = None
    async with asyncio.timeout(PATIENCE):
        while True:
            told = [frame for frame in await phone.drained() if frame["type"] == "unread"]
            if not told and last == wanted:
                return
            last = told[-1] if told else last
            await asyncio.sleep(2 * SOON)


async def assign(tables: Tables, who: Someone) -> str:
    return str(
        await tables.fetchval(
            "insert into workout_assignments (organization_id, user_id, date, published)"
            " values ($1, $2, current_date, true) returning id",
            who.organization_id,
            who.user_id,
        )
    )


async def post(tables: Tables, sender: Someone, recipient: Someone, thread: str) -> None:
    """A message in a workout's thread, of which nobody is told."""
    await tables.execute(
        "insert into messages (id, organization_id, sender_id, sender_role, recipient_id,"
        " workout_assignment_id, content) values ($1, $2, $3, 'coach', $4, $5, 'well done')",
        str(uuid4()), sender.organization_id, sender.user_id, recipient.user_id, thread,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_the_last_frame_agrees_with_a_recount_whatever_was_done(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to hide anything
    there = await join(database, gym.member, other_gym, "member")
    thread = await assign(database, gym.member)
    for _ in range(3):
        await post(database, gym.coach, gym.member, thread)
    coach, other_coach = await phone(gym.coach), await phone(other_gym.coach)
    member, tablet = await phone(gym.member), await phone(gym.member)
    sent: dict[str, list[str]] = {gym.organization_id: [], other_gym.organization_id: []}

    async def act() -> None:
        sender, to = dice.choice([(coach, gym.member), (other_coach, there)])
        organization_id = to.organization_id
        partner = (gym if to is gym.member else other_gym).coach
        match dice.randrange(8):
            case 0 | 1 | 2:
                message = message_to(to)
                if (await sender.ask("message.send", **message))["type"] == "ok":
                    sent[organization_id].append(message["id"])
            case 3 if sent[organization_id]:
                ids = dice.sample(sent[organization_id], min(2, len(sent[organization_id])))
                await member.ask("message.read", organizationId=organization_id, messageIds=ids)
            case 4:
                await tablet.ask(
                    "message.read",
                    organizationId=organization_id,
                    conversation={"membershipId": partner.membership_id},
                )
            case 5 if sent[organization_id]:
                await sender.ask(
                    "message.delete", organizationId=organization_id, id=dice.choice(sent[organization_id])
                )
            case 6:
                await suspend(database, to, dice.choice(["suspended", "active"]))
            case _:
                await change(
                    database, "update workout_assignments set published = $2 where id = $1",
                    thread, dice.random() < 0.5,
                )  # fmt: skip

    for _ in range(4):
        for _ in range(10):
            await act()
        await suspend(database, gym.member, "active")
        await suspend(database, there, "active")
        await other_coach.ask("message.send", **message_to(there))  # surely a change
        wanted = await recount(database, gym.member)
        for one in (member, tablet):
            await settles(one, wanted)


async def test_a_thread_that_is_hidden_and_shown_again_counts_for_both_sides(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    thread = await assign(database, gym.member)
    await post(database, gym.coach, gym.member, thread)
    await post(database, gym.member, gym.coach, thread)
    coach, member = await phone(gym.coach), await phone(gym.member)
    for published, count in ((False, 0), (True, 1)):
        await change(
            database, "update workout_assignments set published = $2 where id = $1", thread, published
        )
        for one in (coach, member):
            assert (await one.next("unread"))["total"] == count


async def test_an_organization_that_ends_counts_no_more(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await coach.ask("message.send", **message_to(gym.member))
    assert (await member.next("unread"))["total"] == 1
    await change(database, "update organizations set deleted_at = now() where id = $1", gym.organization_id)
    assert await member.next("unread") == {"type": "unread", "total": 0, "organizations": []}


async def test_a_replay_ends_with_a_count(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    await coach.ask("message.send", **message_to(gym.member))
    await member.connect()
    assert member.welcome["unread"]["total"] == 1
    assert (await member.next("unread"))["total"] == 1


async def test_a_user_is_told_at_most_once_in_200_ms(gym: Place, phone: OpenPhone) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    began = time.monotonic()
    for n in range(25):
        await coach.say({"type": "message.send", "ref": n, **message_to(gym.member)})
        await asyncio.sleep(0.05)
    last = await member.match(lambda frame: frame["type"] == "unread" and frame["total"] == 25)
    took = time.monotonic() - began
    told = [frame["total"] for frame in await member.drained() if frame["type"] == "unread"]
    assert last["total"] == 25
    assert told == sorted(set(told))
    assert len(told) + 1 <= took / SOON + 1
