"""An event that cannot be shown, whatever the reason, is in the way of its own stream only, and not for ever."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from coachwire.streams.unreadable import Span, Unreadable
from coachwire_protocol.errors import Unavailable

from ..gym import Place, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, head

Log = list[MutableMapping[str, Any]]

TOO_LATE = "update messages set edited_at = '20000-01-01' where id = $1"  # a year that Python does not have
ADD = """
with s as (update user_streams set position = position + 1 where user_id = $1 returning user_id, position)
insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
select user_id, position, $2::text::event_kind, array[$3::uuid], $4, now() from s
"""


def told_once(log: Log, stream: str, position: int) -> None:
    """And taken out, as what was meant to be there."""
    unreadable = [entry for entry in log if entry["event"] == "event_unreadable"]
    assert [(entry["stream"], entry["position"]) for entry in unreadable] == [(stream, position)]
    log[:] = [entry for entry in log if entry["event"] != "event_unreadable"]


async def test_only_its_own_connections_are_closed_and_come_back_to_begin_anew(
    gym: Place, phone: OpenPhone, database: Tables, log: Log
) -> None:
    coach, member, other = await phone(gym.coach), await phone(gym.member), await phone(gym.coach2)
    sent = message_to(gym.coach)
    await member.ask("message.send", **sent)
    await coach.event("message.created")
    await member.ask("message.send", **message_to(gym.coach2))
    await other.event("message.created")
    before = coach.position
    await database.execute(TOO_LATE, sent["id"])
    for who, kind, subject in (
        (gym.coach, "message.edited", sent["id"]),
        (gym.coach2, "membership.changed", gym.coach2.membership_id),
    ):
        await database.execute(ADD, who.user_id, kind, subject, gym.organization_id)

    assert await coach.close_code() == 4000
    await other.event("membership.changed")
    back = await phone(gym.coach, connect=False)
    back.epoch, back.position = coach.epoch, before
    welcome = await back.connect()
    assert (welcome["resume"], welcome["reason"]) == ("reset", "too_old")
    said = message_to(gym.coach, "and so it goes on")
    await member.ask("message.send", **said)
    assert (await back.event("message.created"))["data"]["content"] == "and so it goes on"
    told_once(log, gym.coach.user_id, await head(database, gym.coach) - 1)


async def test_who_was_away_is_closed_once_and_then_begins_anew(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables, log: Log
) -> None:
    coach, member = await phone(gym.coach), Caller(http, gym.member)
    epoch = coach.epoch
    await coach.leave()
    for content in ("fine", "not so"):
        said = message_to(gym.coach, content)
        assert (await member.post("messages", said)).status == 201
    await database.execute(TOO_LATE, said["id"])
    first = await phone(gym.coach, connect=False)
    first.epoch, first.position = epoch, coach.position
    await first.open()
    await first.say(
        {
            "type": "hello",
            "token": gym.coach.token,
            "device": first.device,
            "resume": {"epoch": epoch, "position": coach.position},
        }
    )
    assert (await first.event("message.created"))["data"]["content"] == "fine"
    assert await first.close_code() == 4000
    poll = {"epoch": epoch, "position": coach.position, "wait": 0}
    assert (await Caller(http, gym.coach).get("/v1/events", **poll)).data["resume"] == "reset"
    again = await phone(gym.coach, connect=False)
    again.epoch, again.position = epoch, coach.position
    assert (await again.connect())["reason"] == "too_old"
    told_once(log, gym.coach.user_id, await head(database, gym.coach))


async def test_a_topic_as_well(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables, log: Log
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    topic, path = f"thread:{assignment}", f"workout-assignments/{assignment}/comments"
    said = (await Caller(http, gym.coach).post(path, {"content": "not so"})).data["id"]
    await database.execute(TOO_LATE, said)
    first = await phone(gym.coach2)
    resume = {"epoch": first.epoch, "position": 0}
    assert (await first.ask("topic.open", topic=topic, resume=resume))["data"]["resume"] == "resumed"
    assert await first.close_code() == 4000
    again = await phone(gym.coach2)
    assert (await again.ask("topic.open", topic=topic, resume=resume))["data"]["reason"] == "too_old"
    told_once(log, topic, 1)


async def test_one_among_many_streams_and_events_is_found_by_halves(log: Log) -> None:
    bad = ("g", 700)
    reads = 0

    async def read(spans: Sequence[Span]) -> dict[str, list[int]]:
        nonlocal reads
        reads += 1
        pages = {}
        for key, after, through in spans:
            pages[key] = list(range(after + 1, min(through, after + 256) + 1))
            if key == bad[0] and bad[1] in pages[key]:
                raise OverflowError
        return pages

    unreadable = Unreadable()
    spans = [(key, 600, 2**62) for key in "abcdefghijklmnopqrstuvwxyz"]
    pages = await unreadable.read(spans, read)
    assert list(pages) == list("abcdefghijklmnopqrstuvwxyz")
    assert {key: len(page) for key, page in pages.items() if key != "g"} == dict.fromkeys(
        "abcdefhijklmnopqrstuvwxyz", 256
    )
    reached = pages["g"][-1]
    while page := (await unreadable.read([("g", reached, 2**62)], read)).get("g"):
        reached = page[-1]
    assert reached == 699
    assert reads < 60
    assert (unreadable.follows("g", 699), unreadable.follows("g", 700), unreadable.follows("a", 0)) == (
        True,
        False,
        False,
    )
    told_once(log, "g", 700)


@pytest.mark.parametrize(
    "trouble", [Unavailable, asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError]
)
async def test_what_is_wrong_with_the_database_is_held_against_no_event(trouble: type[Exception]) -> None:
    async def read(spans: Sequence[Span]) -> dict[str, list[int]]:
        raise trouble

    unreadable = Unreadable()
    with pytest.raises(trouble):
        await unreadable.read([("a", 0, 1), ("b", 0, 1)], read)
    assert not unreadable.follows("a", 0)


async def test_a_value_that_the_database_cannot_read_is(log: Log) -> None:
    async def read(spans: Sequence[Span]) -> dict[str, list[int]]:
        if any(key == "a" for key, _, _ in spans):
            raise asyncpg.DataError
        return {key: [1] for key, _, _ in spans}

    assert await Unreadable().read([("a", 0, 1), ("b", 0, 1)], read) == {"b": [1]}
    told_once(log, "a", 1)
