"""Tokens: who somebody is. What they may do is read from the tables, not from here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from coachwire_protocol.errors import Unauthenticated
from coachwire_protocol.ids import is_id

from coachwire.settings import Settings

LEEWAY = 10  # s, for clocks that differ
LONGEST = 16_384  # characters; a longer text is not even looked at


class TokenExpired(Unauthenticated):
    """The token has expired."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says."""

    user_id: str
    sid: str | None  # the session at who issued it
    expires_at: datetime


class Authenticator:
    """Verifies tokens. The settings fix the one algorithm that is accepted."""

    def __init__(self, settings: Settings) -> None:
        if settings.jwt_secret is None:
            raise ValueError("expected a secret for tokens")
        self._key = settings.jwt_secret
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience

    def verify(self, token: str) -> Identity:
        """Raises `TokenExpired`, or `Unauthenticated` for whatever else is wrong; neither says what exactly."""
        if len(token) > LONGEST:
            raise Unauthenticated
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                leeway=LEEWAY,
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
            return _identity(claims)
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.InvalidTokenError, ValueError, OverflowError, OSError, RecursionError):
            raise Unauthenticated from None


def _identity(claims: dict[str, Any]) -> Identity:
    subject, sid = claims["sub"], claims.get("sid")
    if not is_id(subject) or not isinstance(sid, str | None):
        raise ValueError("expected a user's id as the subject")
    return Identity(subject, sid, datetime.fromtimestamp(int(claims["exp"]), UTC))
