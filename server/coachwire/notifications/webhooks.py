"""Notifications for the platform, which owns push: Standard Webhooks, signed with each of our secrets."""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Sequence
from http import HTTPStatus
from uuid import NAMESPACE_URL, UUID, uuid5

from aiohttp import ClientSession
from coachwire_protocol.frames import encode

from coachwire.notifications.contents import Due, notification
from coachwire.notifications.posting import Ending, post
from coachwire.notifications.settings import WebhookSettings

IDS = uuid5(NAMESPACE_URL, "coachwire:notifications")


class Webhooks:
    """One endpoint. An attempt is as good as any other: the same id, a signature of its own."""

    def __init__(self, settings: WebhookSettings, http: ClientSession) -> None:
        self._settings = settings
        self._http = http

    async def post(self, due: Due) -> Ending:
        body = encode(notification(due))
        headers = signed(webhook_id(due.kind, due.subject_id, due.user_id), body, self._settings.secrets)
        answer = await post(self._http, self._settings.url, body, headers)
        if answer.taken:
            return Ending("sent")
        if answer.status == HTTPStatus.GONE:  # the receiver asks not to be posted this any more
            return Ending("dead", answer.problem)
        return Ending("again", answer.problem, answer.retry_after or 0.0)


def webhook_id(kind: str, subject: UUID, user: UUID) -> str:
    """The same for the same fact in each attempt, replays and restored databases included."""
    return f"msg_{uuid5(IDS, f'{kind}:{subject}:{user}').hex}"


def signed(id_: str, body: bytes, secrets: Sequence[bytes], now: float | None = None) -> dict[str, str]:
    """The headers of an attempt, with a signature by each secret."""
    timestamp = str(int(time.time() if now is None else now))
    content = b"%b.%b.%b" % (id_.encode(), timestamp.encode(), body)
    signatures = (b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets)
    return {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
