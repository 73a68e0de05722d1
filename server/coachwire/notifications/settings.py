"""What the operator decides about notifications: where the platform hears of them, how they are signed, and the key of
Web Push."""

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

PREFIX = "whsec_"
KEY = (24, 64)  # bytes; as Standard Webhooks asks for
MOST_SECRETS = 2  # the one in use, and during rotation the other
SCALAR = 32  # bytes of a private key on P-256


@dataclass(frozen=True)
class WebhookSettings:
    """Where the platform hears of notifications. All secrets sign, the first one first."""

    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    networks: tuple[Network, ...] = ()  # private ones that it may be in

    @property
    def plain(self) -> bool:
        """Without TLS: then only into the networks that are named."""
        return self.url.startswith("http://")


@dataclass(frozen=True)
class VapidSettings:
    """Who we are to the push services of browsers."""

    private_key: bytes = field(repr=False)  # 32 bytes, on P-256
    subject: str  # the email address of whom a push service may write to
    networks: tuple[Network, ...] = ()

    @cached_property
    def public_key(self) -> str:
        """As a browser wants it (`applicationServerKey`)."""
        from cryptography.hazmat.primitives.asymmetric import ec  # slow to import
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = ec.derive_private_key(int.from_bytes(self.private_key), ec.SECP256R1())
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return urlsafe_b64encode(point).rstrip(b"=").decode()


def new_vapid_key() -> tuple[str, bytes]:
    """A private key, as text for the setting and as bytes."""
    from cryptography.hazmat.primitives.asymmetric import ec  # slow to import

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    key = number.to_bytes(SCALAR)
    return urlsafe_b64encode(key).rstrip(b"=").decode(), key


def webhook_url(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.port == 0:  # a wrong port raises
        raise ValueError(
            "expected an https:// address (http:// in networks of COACHWIRE_WEBHOOK_ALLOW_PRIVATE)"
        )
    if parts.username is not None or parts.fragment:
        raise ValueError("expected an address without a user and without a #")
    return text


def webhook_secrets(text: str) -> tuple[bytes, ...]:
    secrets = tuple(_webhook_secret(part.strip()) for part in text.split(",") if part.strip())
    if not 1 <= len(secrets) <= MOST_SECRETS:
        raise ValueError(f"expected one secret, or two during rotation, got {len(secrets)}")
    return secrets


def _webhook_secret(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise ValueError(f"expected secrets that begin with {PREFIX}")  # never the value
    encoded = text.removeprefix(PREFIX)
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except NoBase64:
        raise ValueError(f"expected base64 after {PREFIX}") from None
    if not KEY[0] <= len(key) <= KEY[1]:
        raise ValueError(f"expected {KEY[0]} to {KEY[1]} bytes in base64 after {PREFIX}, got {len(key)}")
    return key


def networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(f"expected networks such as 10.0.0.0/8, separated by commas, got {text!r}") from None


def vapid_key(text: str) -> bytes | None:
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NoBase64, ValueError):
        key = b""
    if len(key) != SCALAR:
        raise ValueError(
            f"expected {SCALAR} bytes in base64url; `coachwire vapid` makes one"
        )  # never the value
    try:
        VapidSettings(key, "").public_key  # noqa: B018 - raises for a number that is no key
    except ValueError:
        raise ValueError("expected a private key on P-256; `coachwire vapid` makes one") from None
    return key


def vapid_subject(text: str) -> str | None:
    address = text.removeprefix("mailto:")
    name, at, host = address.partition("@")
    if not (name and at and "." in host) or any(c.isspace() for c in address):
        raise ValueError(f"expected an address such as mailto:ops@example.com, got {text!r}")
    return address
