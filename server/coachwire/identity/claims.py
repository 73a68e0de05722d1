"""What a token must look like before its signature is checked, and must say afterwards."""

import binascii
import json
import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import jwt
from coachwire_protocol.errors import Unauthenticated
from jwt.algorithms import AllowedPublicKeys

LEEWAY = 10  # s, for clocks that differ
LONGEST = 16_384  # characters; a longer text is not even looked at
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# Keys and addresses of keys that a token brings along, and extensions of which we have none: never.
FOREIGN = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c"})
WRONG = (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError, RecursionError)


class TokenExpired(Unauthenticated):
    """The token has expired."""


class Key(NamedTuple):
    """What verifies a signature, and the one algorithm that it may do so by."""

    algorithm: str
    material: AllowedPublicKeys | str


class Header(NamedTuple):
    algorithm: str
    kid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says."""

    subject: str
    sid: str | None  # the session at who issued it
    issued_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say. `parties`: for whom it may have been made, if it tells (azp)."""

    subject: Callable[[str], object]  # whether it can be a user's
    issuer: str | None
    audience: str | None
    parties: frozenset[str] | None


def read_header(token: str) -> Header:
    """Nothing of it is verified yet. Raises `Unauthenticated`."""
    if len(token) > LONGEST or not COMPACT.fullmatch(token):
        raise Unauthenticated
    try:
        header = json.loads(_decoded(token.partition(".")[0]), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unauthenticated from None
    if not isinstance(header, dict) or not FOREIGN.isdisjoint(header):
        raise Unauthenticated
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise Unauthenticated
    return Header(algorithm, kid)


def read_claims(token: str, key: Key, expected: Expected) -> Claims:
    """Verify the signature, then the claims. Raises `TokenExpired`, or `Unauthenticated` for whatever else is wrong;
    neither says what exactly."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            leeway=LEEWAY,
            issuer=expected.issuer,
            audience=expected.audience,
            options={
                "require": ["exp", "sub"],
                "verify_aud": expected.audience is not None,
                "verify_exp": False,  # below, and last: only what is right in all else has expired
            },
        )
        checked = _checked(claims, expected)
    except WRONG:
        raise Unauthenticated from None
    if is_over(checked):
        raise TokenExpired
    return checked


def is_over(claims: Claims) -> bool:
    """Whether these claims have expired, by clocks that may differ."""
    return claims.expires_at + timedelta(seconds=LEEWAY) <= datetime.now(UTC)


def _checked(claims: dict[str, Any], expected: Expected) -> Claims:
    subject, sid, party = claims["sub"], claims.get("sid"), claims.get("azp")
    if not isinstance(subject, str) or not expected.subject(subject):
        raise ValueError("expected a user as the subject")
    if not isinstance(sid, str | None):
        raise ValueError("expected the session as text")
    if expected.parties is not None and party is not None and party not in expected.parties:
        raise ValueError("expected a token for one of our pages")
    _time(claims, "nbf")
    expires_at = _time(claims, "exp")
    if expires_at is None:
        raise ValueError("expected a time of expiry")
    return Claims(subject=subject, sid=sid, issued_at=_time(claims, "iat"), expires_at=expires_at)


def _time(claims: dict[str, Any], name: str) -> datetime | None:
    """The library takes "17" and true for times as well; a NumericDate is a number."""
    seconds = claims.get(name)
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError(f"expected a number of seconds in {name}")
    return datetime.fromtimestamp(int(seconds), UTC)


def _decoded(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("expected base64url") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of a header that says a thing twice may differ on what it says."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("expected every name once")
    return found
