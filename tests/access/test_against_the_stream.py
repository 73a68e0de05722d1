"""Access that ends and comes back while others write without a pause."""

import asyncio

import pytest
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from ..phone import Phone
from .conftest import OpenPhone, Platform, told

TIMES = 15


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Without a limit of messages."""
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def test_nothing_is_told_after_the_end_of_a_membership_while_others_go_on_writing(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    owner, member, tablet = await phone(gym.owner), await phone(gym.member), await phone(gym.member)
    enough = asyncio.Event()
    writers = [asyncio.create_task(_write(await phone(who), gym, enough)) for who in (gym.coach, gym.coach2)]
    for _ in range(TIMES):
        await told(member, "message.created", 5)
        await platform.set_status(gym.member, "suspended")
        await told(member, "membership.ended", 5)
        await told(tablet, "membership.ended", 5)
        assert (await owner.ask("message.send", **message_to(gym.member)))["error"]["code"] == "gone"
        for one in (member, tablet):
            await one.drained()
            assert one.events[-1]["kind"] == "membership.ended"
        await platform.set_status(gym.member, "active")
        await told(member, "membership.changed", 5)
    enough.set()
    await asyncio.gather(*writers)


async def _write(phone: Phone, gym: Place, enough: asyncio.Event) -> None:
    """Send to the member, and take back what was sent before: both are events of theirs."""
    former: str | None = None
    while not enough.is_set():
        sent = await phone.ask("message.send", **message_to(gym.member))
        assert sent["type"] == "ok" or sent["error"]["code"] == "gone", sent
        if former is not None:
            await phone.ask("message.delete", organizationId=gym.organization_id, id=former)
        former = sent["data"]["id"] if sent["type"] == "ok" else None
