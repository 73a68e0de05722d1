"""Notifications for browsers: encrypted for the one that subscribed (RFC 8291), sent by its push service, which knows
us by our VAPID key (RFC 8292)."""

from http import HTTPStatus
from types import SimpleNamespace
from urllib.parse import urlsplit

from aiohttp import ClientSession
from coachwire_protocol.frames import encode
from coachwire_protocol.notifications import CommentWaits, MessageWaits, Notification
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec.structs import replace
from webpush import VAPID, WebPush, WebPushSubscription  # type: ignore[import-untyped] # has no types
from webpush.types import WebPushKeys  # type: ignore[import-untyped] # has no types

from coachwire.notifications.contents import Due, notification
from coachwire.notifications.posting import Ending, post
from coachwire.notifications.settings import VapidSettings

TTL = 86_400  # s that a push service keeps it for a browser that is not running
TOKEN = 43_200  # s that a push service may take our word
MOST = 3_000  # bytes to be encrypted; push services take some 4,000
CUT = "…"
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)  # the subscription has ended


class WebPushes:
    """All push services that browsers name."""

    def __init__(self, settings: VapidSettings, http: ClientSession) -> None:
        self._http = http
        self._subject = settings.subject
        self._library = _library(settings.private_key)

    async def post(self, due: Due) -> Ending:
        endpoint = due.push_endpoint or ""
        try:
            subscription = WebPushSubscription.model_validate(
                {
                    "endpoint": endpoint,
                    "keys": WebPushKeys(auth=due.push_auth or "", p256dh=due.push_p256dh or ""),
                }
            )
            pushed = self._library.get(
                fitting(notification(due)), subscription, subscriber=self._subject, ttl=TTL, expiration=TOKEN
            )
        except ValueError:  # keys that are none
            return Ending("dropped", "unusable subscription", forget=True)
        headers = {
            **{name.title(): str(value) for name, value in pushed.headers.items()},
            "Content-Type": "application/octet-stream",
            "Topic": due.subject_id.hex,  # the second of two attempts takes the place of the first
            "Urgency": "normal",
        }
        answer = await post(self._http, endpoint, pushed.encrypted, headers)
        if answer.taken:
            return Ending("sent")
        if answer.status in GONE:
            return Ending("dropped", answer.problem, forget=True)
        return Ending("again", answer.problem, answer.retry_after or 0.0)


def fitting(told: Notification) -> bytes:
    """The body, its content cut to what a push service takes."""
    body, data = encode(told), told.data
    if len(body) <= MOST or not isinstance(data, MessageWaits | CommentWaits) or not data.content:
        return body
    content = data.content

    def cut(length: int) -> bytes:
        return encode(replace(told, data=replace(data, content=content[:length] + CUT)))

    least, most = 0, len(content)
    while least < most:  # the longest beginning that fits
        middle = (least + most + 1) // 2
        if len(cut(middle)) <= MOST:
            least = middle
        else:
            most = middle - 1
    return cut(least)


class _WithPort:
    """Their VAPID, with the port in the audience: RFC 8292 wants the origin."""

    def __init__(self, theirs: VAPID) -> None:
        self._theirs = theirs

    def get_authorization_header(self, endpoint: object, subscriber: str, expiration: int) -> str:
        parts = urlsplit(str(endpoint))
        origin = SimpleNamespace(scheme=parts.scheme, host=parts.netloc)
        return str(self._theirs.get_authorization_header(origin, subscriber, expiration))


def _library(private_key: bytes) -> WebPush:
    key = ec.derive_private_key(int.from_bytes(private_key), ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    library = WebPush(private, public)
    library.vapid = _WithPort(library.vapid)
    return library
