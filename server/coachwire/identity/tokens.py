"""Tokens signed by this installation's own secret, for the command line, seeds and the demo page."""

import time

import jwt


def sign(
    user_id: str, *, secret: str, ttl: int = 3600, issuer: str | None = None, audience: str | None = None
) -> str:
    """A JWT (HS256) that says its bearer is this user, from now for `ttl` seconds."""
    now = int(time.time())
    claims: dict[str, object] = {"sub": user_id, "iat": now, "exp": now + ttl}
    if issuer is not None:
        claims["iss"] = issuer
    if audience is not None:
        claims["aud"] = audience
    return jwt.encode(claims, secret, algorithm="HS256")
