"""What the operator decides, read once from the environment, checked whole, then frozen."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from coachwire.notifications.settings import (
    Network,
    VapidSettings,
    WebhookSettings,
    networks,
    vapid_key,
    vapid_subject,
    webhook_secrets,
    webhook_url,
)

T = TypeVar("T")

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LOG_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
MOST_WORKERS = 64
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")
MIN_SECRET = 32  # bytes; RFC 7518 asks for a key as long as the hash of HS256


class SettingsError(Exception):
    """A setting is missing or wrong. The message is one line that says which and what was expected."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """New messages a user may store in one window, over all sockets, doors and instances."""

    messages: int
    seconds: int


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """Where the measures are served."""

    host: str
    port: int
    asked: bool = True  # for by the operator; the standard address may be taken, an asked one may not

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """A bucket, and the key that signs for it."""

    endpoint_url: str  # as clients reach it; without a slash at the end
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "auto"  # R2's


STANDARD_METRICS: MetricsAddress | None = MetricsAddress("127.0.0.1", 9090, asked=False)


class Read(Protocol):
    """Reads one setting."""

    def __call__(self, name: str, parse: Callable[[str], T], default: T) -> T: ...


@dataclass(frozen=True, kw_only=True)
class Settings:
    database_url: str | None = None
    migrate_url: str | None = (
        None  # the owner's of the tables, for `migrate` and other commands; None: the same
    )
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    jwt_secret: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    allowed_origins: frozenset[str] = frozenset()
    home: Path = Path(".coachwire")
    public_url: str | None = None  # by which clients reach this server, without a slash at the end
    export_words_of_others: bool = False  # whether an export holds what was said to its person, or references
    s3: S3 | None = None  # where files lie; without it below `home`
    rate_limit: RateLimit | None = RateLimit(30, 60)
    stream_retention: int = 30 * 86400  # s that events are kept, for clients to resume
    edit_window: int = 900  # s after it was sent that a message may be edited; 0: not at all
    workers: int = 1  # processes that share the port
    metrics: MetricsAddress | None = None
    log_level: int = logging.INFO
    webhook: WebhookSettings | None = None
    vapid: VapidSettings | None = None

    @property
    def notifies(self) -> bool:
        """Whether anybody is told of what is missed."""
        return self.webhook is not None or self.vapid is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read all settings; an empty value counts as absent. Raises `SettingsError` for the first that is wrong."""

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            text = environment.get(name, "").strip()
            if not text:
                return default
            try:
                return parse(text)
            except ValueError as error:
                raise SettingsError(f"{name}: {error}") from None

        no_networks: tuple[Network, ...] = ()
        no_secrets: tuple[bytes, ...] = ()
        webhook = _webhook(
            read("COACHWIRE_WEBHOOK_URL", webhook_url, None),
            read("COACHWIRE_WEBHOOK_SECRETS", webhook_secrets, no_secrets),
            read("COACHWIRE_WEBHOOK_ALLOW_PRIVATE", networks, no_networks),
        )
        vapid = _vapid(
            read("COACHWIRE_VAPID_PRIVATE_KEY", vapid_key, None),
            read("COACHWIRE_VAPID_SUBJECT", vapid_subject, None),
            read("COACHWIRE_PUSH_ALLOW_PRIVATE", networks, no_networks),
        )
        settings = cls(
            database_url=read("DATABASE_URL", _url("postgresql", "postgres"), None),
            migrate_url=read("COACHWIRE_MIGRATE_URL", _url("postgresql", "postgres"), None),
            redis_url=read("REDIS_URL", _url(*REDIS_SCHEMES), None),
            host=read("COACHWIRE_HOST", str, cls.host),
            port=read("COACHWIRE_PORT", _port, cls.port),
            jwt_secret=read("COACHWIRE_JWT_SECRET", _secret, None),
            jwks_url=read("COACHWIRE_JWKS_URL", _jwks_url, None),
            jwt_issuer=read("COACHWIRE_JWT_ISSUER", str, None),
            jwt_audience=read("COACHWIRE_JWT_AUDIENCE", str, None),
            allowed_origins=read("COACHWIRE_ALLOWED_ORIGINS", _origins, frozenset()),
            home=read("COACHWIRE_HOME", Path, cls.home),
            public_url=read("COACHWIRE_PUBLIC_URL", _address, None),
            export_words_of_others=read("COACHWIRE_EXPORT_OTHERS", _words, cls.export_words_of_others),
            s3=_s3(read),
            rate_limit=read("COACHWIRE_RATE_LIMIT", _rate_limit, cls.rate_limit),
            stream_retention=read("COACHWIRE_STREAM_RETENTION", _retention, cls.stream_retention),
            edit_window=read("COACHWIRE_EDIT_WINDOW", _time, cls.edit_window),
            workers=read("COACHWIRE_WORKERS", _workers, cls.workers),
            metrics=read("COACHWIRE_METRICS_PORT", _metrics, STANDARD_METRICS),
            log_level=read("COACHWIRE_LOG_LEVEL", _log_level, cls.log_level),
            webhook=webhook,
            vapid=vapid,
        )
        settings._check_tokens()
        settings._check_workers()
        return settings

    def _check_workers(self) -> None:
        if self.workers > 1 and self.redis_url is None:
            raise SettingsError(
                "REDIS_URL is not set: with more than one of COACHWIRE_WORKERS they meet there"
            )

    def _check_tokens(self) -> None:
        if self.jwks_url is None:
            return
        if self.jwt_secret is not None:
            raise SettingsError("COACHWIRE_JWT_SECRET and COACHWIRE_JWKS_URL: expected one of them, got both")
        if self.jwt_issuer is None:
            raise SettingsError("COACHWIRE_JWT_ISSUER is not set: with COACHWIRE_JWKS_URL it must be")


def _webhook(
    url: str | None, secrets: tuple[bytes, ...], allowed: tuple[Network, ...]
) -> WebhookSettings | None:
    if url is None:
        return None
    if not secrets:
        raise SettingsError("COACHWIRE_WEBHOOK_SECRETS is not set: with COACHWIRE_WEBHOOK_URL it must be")
    if not url.startswith("https://") and not allowed:
        raise SettingsError(
            "COACHWIRE_WEBHOOK_URL: expected an https:// address"
            " (http:// in networks of COACHWIRE_WEBHOOK_ALLOW_PRIVATE only)"
        )
    return WebhookSettings(url, secrets, allowed)


def _vapid(key: bytes | None, subject: str | None, allowed: tuple[Network, ...]) -> VapidSettings | None:
    if key is None:
        return None
    if subject is None:
        raise SettingsError("COACHWIRE_VAPID_SUBJECT is not set: with COACHWIRE_VAPID_PRIVATE_KEY it must be")
    return VapidSettings(key, subject, allowed)


def _url(*schemes: str) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        if text.partition("://")[0] not in schemes or "://" not in text:
            raise ValueError(
                f"expected an address that begins with {schemes[0]}://"
            )  # never the value: it holds a password
        return text

    return parse


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError(f"expected a port from 0 (any free one) to 65535, got {text!r}")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ValueError(f"expected a number of processes from 1 to {MOST_WORKERS}, got {text!r}")
    return int(text)


def _metrics(text: str) -> MetricsAddress | None:
    if text == "off":
        return None
    host, _, port = text.rpartition(":")
    try:
        return MetricsAddress(host.strip("[]") or "127.0.0.1", _port(port))
    except ValueError:
        raise ValueError(
            f"expected a port, a host and a port such as 0.0.0.0:9090, or off, got {text!r}"
        ) from None


def _log_level(text: str) -> int:
    if text not in LOG_LEVELS:
        raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}, got {text!r}")
    return LOG_LEVELS[text]


def _secret(text: str) -> str | None:
    if len(text.encode()) < MIN_SECRET:
        raise ValueError(f"expected at least {MIN_SECRET} bytes, got {len(text.encode())}")
    return text


def _words(text: str) -> bool:
    if text not in ("references", "words"):
        raise ValueError(f"expected references or words, got {text!r}")
    return text == "words"


def _s3(read: Read) -> S3 | None:
    """All of the five but the region, or none."""
    given = {
        "S3_ENDPOINT_URL": read("S3_ENDPOINT_URL", _address, ""),
        "S3_BUCKET": read("S3_BUCKET", _bucket, ""),
        "S3_ACCESS_KEY_ID": read("S3_ACCESS_KEY_ID", _s3_word, ""),
        "S3_SECRET_ACCESS_KEY": read("S3_SECRET_ACCESS_KEY", _s3_secret, ""),
    }
    region = read("S3_REGION", _s3_word, "")
    if not any((*given.values(), region)):
        return None
    if missing := [name for name, value in given.items() if not value]:
        raise SettingsError(f"{missing[0]} is not set: the S3_ settings go together")
    return S3(
        endpoint_url=given["S3_ENDPOINT_URL"],
        bucket=given["S3_BUCKET"],
        access_key_id=given["S3_ACCESS_KEY_ID"],
        secret_access_key=given["S3_SECRET_ACCESS_KEY"],
        region=region or "auto",
    )


def _address(text: str) -> str:
    """Scheme, host and port alone."""
    parts = _encrypted(text)
    if parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
        raise ValueError("expected an address that ends after host and port")
    return text.rstrip("/")


def _bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text):
        raise ValueError(
            f"expected a bucket's name of 3 to 63 small letters, digits, points and hyphens, got {text!r}"
        )
    return text


def _s3_word(text: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,128}", text, re.ASCII):
        raise ValueError("expected letters, digits, hyphens and points")
    return text


def _s3_secret(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("expected printable ASCII")
    return text


def _jwks_url(text: str) -> str | None:
    parts = _encrypted(text)
    if parts.username is not None or parts.fragment:
        raise ValueError("expected an address without a user and without a #")
    return text


def _encrypted(text: str) -> SplitResult:
    parts = urlsplit(text)
    plain = parts.scheme == "http" and is_loopback(parts.hostname)
    if not parts.hostname or not (parts.scheme == "https" or plain) or parts.port == 0:  # a wrong port raises
        raise ValueError("expected an https:// address (http:// on this machine only)")
    return parts


def is_loopback(host: str | None) -> bool:
    """Whether this name or address is of this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            raise ValueError(
                f"expected origins such as https://app.example.com, separated by commas, got {origin!r}"
            )
    return origins


def _rate_limit(text: str) -> RateLimit | None:
    if text == "off":
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})/(\d{1,6})([smhd])", text)
    if not match or not int(match[2]):
        raise ValueError(f"expected a number of messages and a time such as 30/60s, or off, got {text!r}")
    return RateLimit(int(match[1]), int(match[2]) * UNITS[match[3]])


def _retention(text: str) -> int:
    """Seconds. Less than a day would make most who come back load everything anew."""
    match = re.fullmatch(r"([1-9]\d{0,3})d", text)
    if not match:
        raise ValueError(f"expected a number of days such as 30d, got {text!r}")
    return int(match[1]) * UNITS["d"]


def _time(text: str) -> int:
    """Seconds."""
    match = re.fullmatch(r"0|(\d{1,6})([smhd])", text)
    if not match:
        raise ValueError(f"expected a time such as 15m, or 0, got {text!r}")
    return int(match[1]) * UNITS[match[2]] if match[1] else 0
