"""Two instances, both sound: everything goes in through either and comes out at both."""

import asyncio
from uuid import uuid4

from ..instances import Instance
from ..phone import Frame
from .conftest import Crowd, People

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


async def test_the_same_message_through_both_instances_at_once_is_stored_once(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    for _ in range(ROUNDS):
        one, other = await _at_once(people, ("the same", "the same"))
        assert sorted(map(_is_duplicate, (one, other))) == [False, True]
        assert one["data"]["createdAt"] == other["data"]["createdAt"]
    assert await people.broken_promises() == []
    assert len(people.history.answers("ok")) == 2 * ROUNDS


async def test_of_two_messages_with_one_id_at_once_one_is_stored_and_the_other_a_conflict(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    for _ in range(ROUNDS):
        answers = await _at_once(people, ("this", "that"))
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    assert await people.broken_promises() == []
    assert len(people.history.answers("conflict")) == ROUNDS


async def test_of_two_senders_with_one_id_at_once_one_is_stored_and_the_other_a_conflict(
    servers: list[Instance], crowd: Crowd
) -> None:
    people = await crowd(servers)
    for _ in range(ROUNDS):
        id_ = str(uuid4())
        answers = await asyncio.gather(
            people.coach.send(people.gym.member, "mine", id_),
            people.member.send(people.gym.coach, "mine", id_),
        )
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    assert await people.broken_promises() == []
    assert len(people.history.answers("conflict")) == ROUNDS


async def _at_once(people: People, contents: tuple[str, str]) -> tuple[Frame, Frame]:
    """The coach's two devices, on the two instances, send with one id."""
    id_ = str(uuid4())
    return await asyncio.gather(
        people.coach.send(people.gym.member, contents[0], id_),
        people.coach_web.send(people.gym.member, contents[1], id_),
    )


def _is_duplicate(ok: Frame) -> bool:
    return bool(ok["data"].get("duplicate", False))
