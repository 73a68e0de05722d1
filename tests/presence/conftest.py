"""The server, gyms and phones of tests/server, with acks that are written soon; and what signals look like."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ..gym import Someone
from ..phone import Frame, Phone
from ..server.conftest import database, gym, http, other_gym, phone, server, settings, url

__all__ = ["database", "gym", "http", "other_gym", "phone", "server", "settings", "url"]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.socket.acks.EVERY", 0.05)


def delivered(recipient: Someone, up_to: str, thread: str | None = None) -> Frame:
    """The signal to the sender."""
    return signal(
        "delivered",
        recipient.organization_id,
        recipientMembershipId=recipient.membership_id,
        workoutAssignmentId=thread,
        upTo=up_to,
    )


def presence(who: Someone, online: bool) -> Frame:
    """The signal to whoever watches."""
    return signal("presence", who.organization_id, membershipId=who.membership_id, online=online)


def signal(kind: str, organization_id: str, **data: Any) -> Frame:
    return {"type": "signal", "kind": kind, "organizationId": organization_id, "data": data}


async def signals(phone: Phone) -> list[Frame]:
    """All that have come until now."""
    return [frame for frame in await phone.drained() if frame["type"] == "signal"]


async def until(look: Callable[[], Awaitable[Any]], seconds: float) -> Any:
    """Look until there is something to see: what instances do among themselves has no event to wait for."""
    async with asyncio.timeout(seconds):
        while not (seen := await look()):  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.1)
        return seen
