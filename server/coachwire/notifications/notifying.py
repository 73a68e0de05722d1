"""The parts that notify, as the settings ask for them: the platform by webhooks, browsers by Web Push, or both."""

from collections.abc import Awaitable, Callable

from aiohttp import ClientSession

from coachwire.database import Database
from coachwire.notifications.gate import Gate, gated_session
from coachwire.notifications.outbox import AT_ONCE, POST, Outbox, sweep_outbox
from coachwire.notifications.webhooks import Webhooks
from coachwire.settings import Settings


class Notifying:
    """Owns the clients and what posts with them. With neither setting there are no loops, and nothing is posted."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.loops: dict[str, Callable[[], Awaitable[None]]] = {}
        self._clients: list[ClientSession] = []
        self._outboxes: list[Outbox] = []
        webhook, vapid = settings.webhook, settings.vapid
        if webhook is None and vapid is None:
            return
        post = None
        if webhook is not None:
            post = Webhooks(webhook, self._client(Gate(webhook.networks, only=webhook.plain))).post
        self._add("outbox", Outbox(database, "webhook", post, fans_out=vapid is not None))
        if vapid is not None:
            from coachwire.notifications.web_push import WebPushes  # slow to import: only where it is needed

            pushes = WebPushes(vapid, self._client(Gate(vapid.networks)))
            self._add("outbox_browsers", Outbox(database, "browser", pushes.post))
        self.loops["outbox_sweep"] = lambda: sweep_outbox(database)

    async def close(self) -> None:
        """Give posts under way a moment, then end; the loops must have ended before."""
        for outbox in self._outboxes:
            await outbox.close()
        for client in self._clients:
            await client.close()

    def _client(self, gate: Gate) -> ClientSession:
        client = gated_session(gate, seconds=POST, most=AT_ONCE)
        self._clients.append(client)
        return client

    def _add(self, name: str, outbox: Outbox) -> None:
        self._outboxes.append(outbox)
        self.loops[name] = outbox.run
