"""Tokens that were verified a moment ago: when everybody comes back at once, no signature is checked again."""

from hashlib import sha256

from coachwire.identity.claims import Claims, TokenExpired, is_over

KEPT = 10_000  # tokens, about 5 MB; above that the oldest goes and is verified again when it comes


class VerifiedTokens:
    """By SHA-256 of the token, until it expires. Forgets all when the keys change: one may have been withdrawn."""

    def __init__(self) -> None:
        self._claims: dict[bytes, Claims] = {}
        self._keys = 0

    def find(self, token: str, keys: int) -> Claims | None:
        """What it says, if these keys have verified it. Raises `TokenExpired`."""
        self._heed(keys)
        digest = _digest(token)
        claims = self._claims.get(digest)
        if claims is not None and is_over(claims):
            del self._claims[digest]
            raise TokenExpired
        return claims

    def keep(self, token: str, keys: int, claims: Claims) -> None:
        """Remember what these keys have verified."""
        self._heed(keys)
        if len(self._claims) >= KEPT:
            del self._claims[next(iter(self._claims))]
        self._claims[_digest(token)] = claims

    def _heed(self, keys: int) -> None:
        if keys != self._keys:
            self._claims.clear()
            self._keys = keys


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
