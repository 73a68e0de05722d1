"""Thirty new messages and comments a minute, counted together."""

from uuid import uuid4

import pytest
from coachwire.settings import RateLimit, Settings

from ..gym import SECRET, Place, message_to
from ..server.conftest import OpenPhone
from ..server.platform import Tables
from .conftest import Exercise, Talker


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=RateLimit(30, 60))


async def test_messages_and_comments_share_a_window_over_both_doors(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, database: Tables
) -> None:
    one = await phone(gym.coach)
    known = exercise.fields("0")
    for n in range(15):
        await one.ask("message.send", **message_to(gym.member))
        if n % 2:
            assert (await coach.comment(str(n))).status == 201
        else:
            fields = known if n == 0 else exercise.fields(str(n))
            assert (await one.ask("comment.create", **fields))["type"] == "ok"
    refused = (await one.ask("comment.create", **exercise.fields()))["error"]
    assert (refused["code"], 0 < refused["retryAfterMs"] <= 60_000) == ("rate_limited", True)
    limited = await coach.comment("more")
    assert (limited.code, limited.headers["Retry-After"].isdigit()) == ("rate_limited", True)
    assert (await one.ask("message.send", **message_to(gym.member)))["error"]["code"] == "rate_limited"
    # what makes nothing new is not counted
    assert (await one.ask("comment.create", **known))["data"]["duplicate"] is True
    assert (await coach.edited(known["id"], "zero")).status == 200
    assert (await coach.deleted(known["id"])).status == 200
    await database.execute("update user_streams set window_started = window_started - interval '61 s'")
    assert (await one.ask("comment.create", **exercise.fields()))["type"] == "ok"


async def test_a_burst_in_one_frame_is_let_through_to_the_limit(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker, member: Talker
) -> None:
    one = await phone(gym.coach)
    for part in range(2):
        await one.say(
            [{"type": "comment.create", "ref": 20 * part + n} | exercise.fields(str(n)) for n in range(20)]
        )
    codes = [(await one.answer(n)).get("error", {}).get("code") for n in range(40)]
    assert codes == [None] * 30 + ["rate_limited"] * 10
    assert (await member.comment("mine is another")).status == 201
    assert len(await coach.bodies()) == 31


async def test_what_is_refused_is_not_counted(
    gym: Place, phone: OpenPhone, exercise: Exercise, coach: Talker
) -> None:
    one = await phone(gym.coach)
    for _ in range(40):
        assert (await one.ask("comment.create", **exercise.fields("?", str(uuid4()))))["error"][
            "code"
        ] == "not_found"
    assert (await one.ask("comment.create", **exercise.fields()))["type"] == "ok"
