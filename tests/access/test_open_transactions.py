"""A transaction that the platform leaves open stalls nobody, and whom it concerns is answered at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from ..phone import Frame, Phone
from .conftest import OpenPhone, Platform, open_transaction

AT_ONCE = 0.5  # s; it takes a few milliseconds
TIMES = 20


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Without a limit of messages."""
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def test_an_organization_that_is_held_is_unavailable_and_the_others_go_on(
    gym: Place, other_gym: Place, phone: OpenPhone, database_url: str
) -> None:
    held, free = await phone(gym.coach), await phone(other_gym.coach)
    lock = f"select from organizations where id = '{gym.organization_id}' for update"
    async with (
        open_transaction(database_url, lock),
        _retrying(held, "message.send", **message_to(gym.member)) as answers,
    ):
        for _ in range(TIMES):
            assert (await _at_once(free, "message.send", **message_to(other_gym.member)))["type"] == "ok"
        assert await answers() == {"unavailable"}
    assert (await _at_once(held, "message.send", **message_to(gym.member)))["type"] == "ok"


async def test_a_membership_that_is_held_or_half_suspended_stalls_nobody(
    gym: Place, phone: OpenPhone, database_url: str
) -> None:
    coach, member, other = await phone(gym.coach), await phone(gym.member), await phone(gym.member2)
    for statement in (
        "select from memberships where id = '{}' for update",
        "update memberships set status = 'suspended' where id = '{}'",
        "delete from memberships where id = '{}'",
    ):
        async with open_transaction(database_url, statement.format(gym.member.membership_id)):
            for _ in range(TIMES):  # until it is committed, it has not happened
                assert (await _at_once(coach, "message.send", **message_to(gym.member)))["type"] == "ok"
                assert (await _at_once(member, "message.send", **message_to(gym.coach)))["type"] == "ok"
                assert (await _at_once(other, "message.send", **message_to(gym.coach)))["type"] == "ok"


async def test_a_workout_half_deleted_makes_its_thread_unavailable_and_nothing_else(
    gym: Place, phone: OpenPhone, platform: Platform, database_url: str
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assignment_id = await platform.assign(gym.member)
    in_thread = await platform.write_in_thread(assignment_id, gym.coach, gym.member)
    organization: dict[str, Any] = {"organizationId": gym.organization_id}
    async with (
        open_transaction(database_url, f"delete from workout_assignments where id = '{assignment_id}'"),  # noqa: S608 - ours
        _retrying(await phone(gym.member), "message.read", **organization, messageIds=[in_thread]) as reads,
        _retrying(await phone(gym.coach), "message.delete", **organization, id=in_thread) as deletions,
    ):
        for _ in range(TIMES):
            sent = await _at_once(coach, "message.send", **message_to(gym.member))
            read = await _at_once(member, "message.read", **organization, messageIds=[sent["data"]["id"]])
            assert read["data"]["markedCount"] == 1
        assert await reads() == {"unavailable"}
        assert await deletions() == {"unavailable"}
    read = await _at_once(member, "message.read", **organization, messageIds=[in_thread])
    assert read["data"]["markedCount"] == 1


async def _at_once(phone: Phone, kind: str, **fields: Any) -> Frame:
    async with asyncio.timeout(AT_ONCE):
        return await phone.ask(kind, **fields)


@asynccontextmanager
async def _retrying(phone: Phone, kind: str, **fields: Any) -> AsyncIterator[Any]:
    """Meanwhile this request is made again and again, as a client does. What is yielded gives the codes it got, at
    least three times."""
    answers: list[Frame] = []
    enough = asyncio.Event()

    async def retry() -> None:
        while True:
            answer = await _at_once(phone, kind, **fields)
            assert answer["error"]["code"] == "unavailable", answer
            answers.append(answer)
            if len(answers) >= 3:
                enough.set()
            await asyncio.sleep(answer["error"]["retryAfterMs"] / 1000)

    async def codes() -> set[str]:
        waiting = asyncio.create_task(enough.wait())
        await asyncio.wait([waiting, retrying], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if retrying.done():
            retrying.result()
        return {answer["error"]["code"] for answer in answers}

    retrying = asyncio.create_task(retry())
    try:
        yield codes
    finally:
        retrying.cancel()
        await asyncio.gather(retrying, return_exceptions=True)
