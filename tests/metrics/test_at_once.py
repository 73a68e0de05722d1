"""Many at the same moment: an id is one value's, whoever comes, and nobody waits in a circle."""

import asyncio
from collections import Counter
from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, Someone
from ..server.caller import Answer
from ..server.platform import Tables
from .conftest import Trainer

AT = "2026-02-01T09:30:00.000000Z"


def outcome(answer: Answer) -> str:
    return str(answer.status) if answer.status < 300 else answer.code


async def test_a_request_that_comes_ten_times_at_once_is_recorded_once(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach, value = Trainer(http, gym.coach), {"id": str(uuid4()), "recordedAt": AT}
    answers = await asyncio.gather(*(coach.record(gym.member, squat, **value) for _ in range(10)))
    assert Counter(map(outcome, answers)) == {"201": 1, "200": 9}
    assert len({answer.data["id"] for answer in answers}) == 1
    assert (
        await database.fetchval("select position from user_streams where user_id = $1", gym.member.user_id)
        == 1
    )


async def test_an_id_that_two_want_for_two_people_is_the_firsts(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    coach = Trainer(http, gym.coach)
    for _ in range(5):
        value = {"id": str(uuid4()), "recordedAt": AT}
        answers = await asyncio.gather(
            *(coach.record(who, squat, **value) for who in (gym.member, gym.member2) for _ in range(2))
        )
        assert Counter(map(outcome, answers)) == {"201": 1, "200": 1, "conflict": 2}
    assert await database.fetchval("select count(*) from member_metrics") == 5


async def test_lists_that_meet_crosswise_end_all(
    gym: Place, http: ClientSession, database: Tables, squat: str
) -> None:
    """Two people, the same ids in opposite order: one list is recorded, the other is a conflict."""
    ids = [str(uuid4()) for _ in range(50)]

    async def record(of: Someone, order: list[str]) -> str:
        values = [
            {"id": id_, "definitionId": squat, "value": "1", "unit": "kg", "recordedAt": AT} for id_ in order
        ]
        path = f"members/{of.membership_id}/metrics"
        return outcome(await Trainer(http, gym.coach).post(path, {"values": values}))

    codes = await asyncio.gather(record(gym.member, ids), record(gym.member2, ids[::-1]))
    assert sorted(codes) == ["201", "conflict"]
    assert await database.fetchval("select count(*) from member_metrics") == 50


async def test_what_is_recorded_while_a_grant_is_withdrawn_is_told_before_or_never(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
    for _ in range(5):
        await member.grant(other_gym)
        await asyncio.gather(
            *(coach.recorded(gym.member, squat) for _ in range(5)), member.withdraw(other_gym)
        )
    rows = await database.fetch(
        "select kind::text, subject_ids from topic_events where topic = $1 order by position",
        f"metrics:{abroad.membership_id}",
    )
    held: set[str] = set()
    for row in rows:
        ids = set(map(str, row["subject_ids"]))
        held = held | ids if row["kind"] == "metric.recorded" else held - ids
    assert held == set()
