"""Every look of staff at a member's values is written down; a member's look at their own is nobody's business."""

from typing import Any

import asyncpg
from aiohttp import ClientSession

from ..gym import Place, Someone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, assign, until
from .conftest import Trainer

Look = tuple[str, str, str]


async def looks(database: Tables) -> list[Look]:
    """Who looked at whom, and how, in order."""
    rows = await database.fetch(
        "select actor_id::text, subject_user_id::text, details::jsonb ->> 'by' as by from audit"
        " where action = 'metrics.read' order by at"
    )
    return [(row["actor_id"], row["subject_user_id"], row["by"]) for row in rows]


async def look(caller: Trainer, of: Someone, set_id: str, assignment: str) -> list[int]:
    answers: list[Any] = [
        await caller.get(f"members/{of.membership_id}/metrics"),
        await caller.get(f"metric-sets/{set_id}/resolve", memberId=of.membership_id),
        await caller.get(f"workout-assignments/{assignment}/prescription"),
    ]
    return [answer.status for answer in answers]


async def test_looks_of_staff_are_written_down_and_those_of_the_member_are_not(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables, squat: str
) -> None:
    coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
    set_id = await coach.make_set(squat, organizationId=gym.organization_id)
    assignment = await assign(database, gym.member, gym.coach)
    topic = f"metrics:{gym.member.membership_id}"
    assert await look(member, gym.member, set_id, assignment) == [200] * 3
    await (await phone(gym.member)).open_topic(topic)
    assert await looks(database) == []
    assert await look(coach, gym.member, set_id, assignment) == [200] * 3
    await (await phone(gym.coach)).open_topic(topic)
    seen = [
        (gym.coach.user_id, gym.member.user_id, by) for by in ("history", "resolve", "prescription", "topic")
    ]
    assert await looks(database) == seen


async def test_what_is_refused_is_no_look(
    gym: Place, other_gym: Place, http: ClientSession, phone: OpenPhone, database: Tables, squat: str
) -> None:
    set_id = await Trainer(http, gym.coach).make_set(squat, organizationId=gym.organization_id)
    assignment = await assign(database, gym.member, gym.coach)
    assert await look(Trainer(http, gym.member2), gym.member, set_id, assignment) == [404] * 3
    assert await look(Trainer(http, other_gym.coach), gym.member, set_id, assignment) == [404] * 3
    stranger = await phone(other_gym.coach)
    await stranger.ask("topic.open", topic=f"metrics:{gym.member.membership_id}")
    assert await looks(database) == []


async def test_a_topic_whose_rights_are_read_twice_is_one_look(
    gym: Place, phone: OpenPhone, database: Tables, database_url: str
) -> None:
    coach = await phone(gym.coach)
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute("lock table topic_streams in access exclusive mode")
            topic = f"metrics:{gym.member.membership_id}"
            await coach.say({"type": "topic.open", "ref": "it", "topic": topic})
            await until(database, "select count(*) = 1 from audit where action = 'metrics.read'")
            async with database.transaction():
                await database.execute("set local coachwire.quiet = off")
                await database.execute(
                    "update memberships set role = 'admin' where id = $1", gym.coach.membership_id
                )
            await coach.event("membership.changed")
    finally:
        await holder.close()
    assert (await coach.answer("it"))["type"] == "ok"
    assert await looks(database) == [(gym.coach.user_id, gym.member.user_id, "topic")]
