"""A gym whose platform listens on loopback, and workers that look every moment instead of every second."""

from collections.abc import AsyncIterator

import pytest
from coachwire.notifications.settings import WebhookSettings, networks, webhook_secrets
from coachwire.settings import Settings

from ..gym import SECRET
from ..server.conftest import (  # noqa: F401 - fixtures
    database,
    database_url,
    gym,
    http,
    log,
    one_database_url,
    other_gym,
    phone,
    server,
    url,
)
from .outbox import Outbox, Tables
from .receiver import SECRET as WEBHOOK_SECRET
from .receiver import Receiver


@pytest.fixture(autouse=True)
def briskly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.notifications.outbox.POLL", 0.02)
    monkeypatch.setattr("coachwire.notifications.outbox.PAUSES", (0.02, 0.1))
    monkeypatch.setattr("coachwire.socket.acks.EVERY", 0.02)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    async with one.server:
        yield one


@pytest.fixture
def settings(database_url: str, receiver: Receiver) -> Settings:  # noqa: F811 - the fixture
    webhook = WebhookSettings(receiver.url, webhook_secrets(WEBHOOK_SECRET), networks("127.0.0.0/8"))
    return Settings(database_url=database_url, jwt_secret=SECRET, webhook=webhook)


@pytest.fixture
def outbox(database: Tables) -> Outbox:  # noqa: F811 - the fixture
    return Outbox(database)
