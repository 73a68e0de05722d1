"""Tokens: who somebody is. What they may do is read from the tables, not from here."""

import re
from dataclasses import dataclass

from coachwire_protocol.errors import Unauthenticated
from coachwire_protocol.ids import is_id

from coachwire.database import Database
from coachwire.identity.claims import Claims, Expected, Key, read_claims, read_header
from coachwire.identity.jwks import ALGORITHMS, KeySet
from coachwire.identity.verified import VerifiedTokens
from coachwire.operations.session import user_of_clerk
from coachwire.settings import Settings

CLERK_ID = re.compile(r"[ -~]{1,255}")  # what users.clerk_id can hold, and OpenID Connect allows


class NoAccount(Unauthenticated):
    """The token is good, and its bearer is nobody here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Claims):
    """What a verified token says, and which user that is."""

    user_id: str


class Authenticator:
    """Verifies tokens: by our own secret, or by the keys of an issuer. The settings fix which, and the algorithms."""

    def __init__(self, settings: Settings, database: Database, keys: KeySet | None = None) -> None:
        if (settings.jwt_secret is None) == (keys is None):
            raise ValueError("expected a secret or a set of keys for tokens, and not both")
        self._database = database
        self._keys = keys
        self._secret = Key("HS256", settings.jwt_secret or "")
        self._expected = Expected(
            subject=is_id if keys is None else CLERK_ID.fullmatch,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            parties=None if keys is None else settings.allowed_origins,
        )
        self._verified = VerifiedTokens()

    async def identify(self, token: str) -> Identity:
        """Whose token it is. With a secret of our own the user may be unknown or deleted all the same.

        Raises `TokenExpired`; `NoAccount`; `Unavailable` when keys or users cannot be had now; `Unauthenticated` for
        whatever else is wrong. None says what exactly."""
        claims = await self._verify(token)
        if self._keys is None:
            return _identity(claims, claims.subject)
        async with self._database.connection() as tx:
            user_id = await user_of_clerk(tx, claims.subject)
        if user_id is None:
            raise NoAccount
        return _identity(claims, user_id)

    async def renew(self, identity: Identity, token: str) -> Identity | None:
        """The same bearer by a newer token; None: it is another user's, or of another session. Asks no database: a
        socket outlives its being away. Raises as `identify` does."""
        claims = await self._verify(token)
        if claims.subject != identity.subject:
            return None
        if claims.sid and identity.sid and claims.sid != identity.sid:
            return None
        return _identity(claims, identity.user_id, claims.sid or identity.sid)

    async def _verify(self, token: str) -> Claims:
        header = read_header(token)
        if found := self._verified.find(token, self._version):
            return found
        key = await self._key(header.algorithm, header.kid)
        claims = read_claims(token, key, self._expected)
        self._verified.keep(token, self._version, claims)  # no await since the key was had
        return claims

    @property
    def _version(self) -> int:
        return 0 if self._keys is None else self._keys.version

    async def _key(self, algorithm: str, kid: str | None) -> Key:
        """Checks the algorithm first: for a token that cannot be good, nobody is asked for keys."""
        if self._keys is None:
            return self._secret
        if algorithm not in ALGORITHMS or kid is None:
            raise Unauthenticated
        key = await self._keys.key(kid)
        if key.algorithm != algorithm:
            raise Unauthenticated
        return key


def _identity(claims: Claims, user_id: str, sid: str | None = None) -> Identity:
    return Identity(
        user_id=user_id,
        subject=claims.subject,
        sid=sid or claims.sid,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )
