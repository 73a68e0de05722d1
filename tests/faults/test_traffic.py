"""Two instances, both sound: everything goes in through either and comes out at both."""

import asyncio
from uuid import uuid4

from ..instances import Instance
from ..phone import Frame
from ..roaming import Device
from .conftest import Crowd

ROUNDS = 60


async def test_every_device_is_told_everything_once_and_in_one_order(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    async with people.writing():
        await asyncio.sleep(3)
    assert await people.broken_promises() == []
    assert people.history.read
    assert people.history.deleted
    assert [device.closed for device in people.devices] == [[], [], [], []]


async def test_one_id_through_both_instances_at_once_is_stored_once(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    for _ in range(ROUNDS):
        one, other = await _at_once(people.coach, people.coach_web, "this", "this")
        assert sorted(map(_is_duplicate, (one, other))) == [False, True]
        assert one["data"]["createdAt"] == other["data"]["createdAt"]

        answers = await _at_once(people.coach, people.coach_web, "this", "that")
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]

        answers = await _at_once(people.coach, people.member, "mine", "mine")
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    assert await people.broken_promises() == []
    assert len(people.history.answers("ok")) == 4 * ROUNDS
    assert len(people.history.answers("conflict")) == 2 * ROUNDS


async def _at_once(one: Device, other: Device, *contents: str) -> tuple[Frame, Frame]:
    """Two devices on the two instances send with one id, each to the other party."""
    id_ = str(uuid4())
    assert one.url != other.url
    return await asyncio.gather(one.send(contents[0], id_), other.send(contents[1], id_))


def _is_duplicate(ok: Frame) -> bool:
    return bool(ok["data"].get("duplicate", False))
