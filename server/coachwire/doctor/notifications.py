"""Notifications: can they be posted, are they, and is anything given up? Posts nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg

from coachwire.connect import connection
from coachwire.doctor.check import Finding, failed, ok, warning
from coachwire.notifications.gate import Gate
from coachwire.notifications.settings import WebhookSettings
from coachwire.sampling import OUTBOX, OutboxState
from coachwire.settings import Settings

PATIENCE = 3.0  # s
LATE = 60.0  # s that a row may have been due


async def check_notifications(settings: Settings) -> AsyncIterator[Finding]:
    if settings.webhook is None and settings.vapid is None:
        yield ok("notifications", "off: who is away is told nothing")
        return
    if settings.webhook is not None:
        yield await _endpoint(settings.webhook)
    if settings.vapid is not None:
        yield ok("web push", f"as {settings.vapid.subject}, key {settings.vapid.public_key[:12]}…")
    if settings.database_url is not None:
        try:
            async with connection(settings.database_url) as tx:
                yield _outbox(await OUTBOX.one(tx))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # said of the database already


async def _endpoint(webhook: WebhookSettings) -> Finding:
    parts = urlsplit(webhook.url)
    host, port = parts.hostname or "", parts.port or (80 if webhook.plain else 443)
    gate = Gate(webhook.networks, only=webhook.plain)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        return failed(
            "webhook",
            f"{host} does not resolve: {getattr(error, 'strerror', None) or type(error).__name__}",
            "Is COACHWIRE_WEBHOOK_URL right, and does this machine's resolver know the name?",
        )
    refused = sorted({str(address[0]) for *_, address in found if not gate.admits(str(address[0]))})
    if refused:
        return failed(
            "webhook",
            f"{host} is at {', '.join(refused)}, which is refused",
            "If that is your platform, name its network in COACHWIRE_WEBHOOK_ALLOW_PRIVATE.",
        )
    signed = "two secrets: a rotation is under way" if len(webhook.secrets) > 1 else "one secret"
    return ok("webhook", f"{host} resolves; signed by {signed}")


def _outbox(state: OutboxState) -> Finding:
    if state.age > LATE:
        return warning(
            "outbox",
            f"{state.due} notifications are due, the first one for {state.age:.0f} s",
            "Is an instance running with these settings, and does the receiver answer? See `coachwire outbox`.",
        )
    if state.dead:
        return warning(
            "outbox",
            f"{state.dead} notifications were given up",
            "See why: `coachwire outbox`; then post them again: `coachwire outbox replay --dead`.",
        )
    return ok("outbox", f"{state.due} notifications are due" if state.due else "nothing is due")
