"""A user's installations and browser tabs over REST: made known, how far they have stored, signed out."""

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import UNSET, Meta, UnsetType

from .ids import Id, Position
from .shape import Rule, Wire

Platform = Annotated[str, Meta(min_length=1, max_length=32)]
Language = Annotated[
    str, Meta(min_length=1, max_length=35, description="A language tag such as he or en-US.")
]


POINT: Final = (b"\x04", 65)  # how a public key on P-256 begins, and its bytes
AUTH: Final = 16  # bytes


def _endpoint_problem(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username is not None or parts.fragment or not endpoint.isascii():
        return "Expected an https:// address without a user and without a #."
    return None


def _keys_problem(p256dh: str, auth: str) -> str | None:
    try:
        point, secret = (urlsafe_b64decode(key + "=" * (-len(key) % 4)) for key in (p256dh, auth))
    except (NoBase64, ValueError):
        return "Expected keys in base64url."
    if not point.startswith(POINT[0]) or len(point) != POINT[1] or len(secret) != AUTH:
        return f"Expected p256dh of {POINT[1]} bytes, uncompressed, and auth of {AUTH}."
    return None


class WebPushKeys(Wire, frozen=True, kw_only=True):
    """The keys of a subscription, in base64url."""

    p256dh: Annotated[str, Meta(min_length=1, max_length=128)]
    auth: Annotated[str, Meta(min_length=1, max_length=64)]

    RULES = (Rule("", ("p256dh", "auth"), _keys_problem),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class WebPush(Wire, frozen=True, kw_only=True):
    """A browser's subscription, as `PushSubscription.toJSON()` has it."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=2048)]
    keys: WebPushKeys

    RULES = (Rule("endpoint", ("endpoint",), _endpoint_problem),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class RegisterDevice(Wire, frozen=True, kw_only=True):
    """Make an installation known, and say how it wants to be spoken to. Without `webPush` a subscription stays as it
    is; null ends it."""

    device: Id
    platform: Platform
    language: Language
    web_push: WebPush | UnsetType | None = UNSET


class Device(Wire, frozen=True, kw_only=True):
    """An installation as the server knows it. A browser subscribes to Web Push with `applicationServerKey`; null: this
    server does not push."""

    device: Id
    platform: str
    language: str
    web_push: bool  # whether the server holds a subscription of it
    application_server_key: str | None


class AckOnDevice(Wire, frozen=True, kw_only=True):
    """Everything up to here is stored on this device."""

    device: Id
    position: Position


class SignOut(Wire, frozen=True, kw_only=True):
    """The device's sockets are closed, and its tokens issued until now are worth nothing on it any more."""

    device: Id
