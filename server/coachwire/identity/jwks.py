"""The issuer's public keys, fetched from its address and kept: tokens are verified without asking it."""

import asyncio
import time
from collections import Counter
from typing import Annotated, cast

import jwt
import msgspec
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar
from coachwire_protocol.errors import Unauthenticated, Unavailable
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from msgspec import Meta, Struct

from coachwire.identity.claims import Key

log = structlog.get_logger()

ALGORITHMS = frozenset({"RS256", "EdDSA"})
REFRESH = 300.0  # s; a key that the issuer withdraws is good for that long at most, while the issuer answers
RETRY = 1.0  # s after a fetch that failed; doubled up to
LONGEST_RETRY = 60.0  # s
PAUSE = 60.0  # s between fetches for the sake of unknown key ids, however many come
FETCH = 3.0  # s, whole; as long as anybody waits for `unavailable`
LARGEST = 65_536  # bytes of a key set; those of issuers have two or three
ABSENT = 1000  # ids that a fetch did not bring, remembered until the next; more are `unavailable` instead
RSA_BITS = (2048, 8192)  # shorter is broken, longer is a way to keep us busy
RSA_EXPONENT = 2**32
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class KeysUnavailable(Exception):
    """The issuer's answer is no key set. The message is for the log."""


class KeySet:
    """One address. Keys stay good while the issuer does not answer; a set that it serves replaces the former whole."""

    def __init__(self, url: str) -> None:
        self.version = 0  # rises with every change of the keys
        self._url = url
        self._keys: dict[str, Key] = {}
        self._absent: set[str] = set()
        self._asked = float("-inf")  # when an unknown id last made us fetch
        self._fetching: asyncio.Task[bool] | None = None

    async def key(self, kid: str) -> Key:
        """Raises `Unauthenticated` when the issuer has no such key, `Unavailable` when that cannot be told now."""
        if found := self._keys.get(kid):
            return found
        if kid in self._absent:
            raise Unauthenticated
        if self._fetching is None:
            if time.monotonic() - self._asked < PAUSE:
                raise Unavailable
            self._asked = time.monotonic()
        told = await self.refresh()
        if found := self._keys.get(kid):
            return found
        if not told:
            raise Unavailable
        if len(self._absent) < ABSENT:
            self._absent.add(kid)
        raise Unauthenticated

    async def refresh(self) -> bool:
        """Fetch the set, or wait for the fetch that is under way. False: the issuer is away, and nothing changed."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="fetch_keys")
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    async def keep(self) -> None:
        """Refresh for ever; the owner cancels it."""
        retry = RETRY
        while True:
            if await self.refresh():
                retry = RETRY
                await asyncio.sleep(REFRESH)
            else:
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY)

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _fetch(self) -> bool:
        try:
            keys = await fetch_keys(self._url)
        except (KeysUnavailable, ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning(
                "keys_unavailable",
                error=str(error) if isinstance(error, KeysUnavailable) else type(error).__name__,
                known=len(self._keys),
            )
            return False
        self._absent = self._keys.keys() - keys.keys()  # withdrawn, which needs no asking
        if keys != self._keys:
            self._keys = keys
            self.version += 1
            log.info("keys_changed", keys=sorted(keys))
        return True

    def _fetched(self, _: asyncio.Task[bool]) -> None:
        self._fetching = None


async def fetch_keys(url: str) -> dict[str, Key]:
    """The keys that are served there now. Raises `KeysUnavailable`, or what the link does."""
    return read_keys(await _download(url))


def read_keys(body: bytes) -> dict[str, Key]:
    """The keys of a set that verify signatures by our algorithms, by id; others are passed over, and so are all of one
    id. Raises `KeysUnavailable` when it is no key set."""
    try:
        entries = msgspec.json.decode(body, type=_Set).keys
    except UNREADABLE:
        raise KeysUnavailable("the answer is no key set") from None
    found = [(entry.kid, key) for entry in map(_entry, entries) if entry and (key := _key(entry))]
    times = Counter(kid for kid, _ in found)
    return {kid: key for kid, key in found if times[kid] == 1}


class _Set(Struct, frozen=True):
    keys: list[msgspec.Raw]


class _Entry(Struct, frozen=True):
    """One JSON Web Key; what else it says does not concern us."""

    kty: str
    kid: Annotated[str, Meta(min_length=1, max_length=255)]
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    d: msgspec.Raw | None = None  # a private key: whoever reads it can sign


def _entry(raw: msgspec.Raw) -> _Entry | None:
    try:
        return msgspec.json.decode(raw, type=_Entry)
    except UNREADABLE:
        return None


def _key(entry: _Entry) -> Key | None:
    """None: not for signatures, not by our algorithms, or not sound."""
    if entry.d is not None or entry.use not in (None, "sig") or "verify" not in (entry.key_ops or ["verify"]):
        return None
    algorithm = {"RSA": "RS256", "OKP": "EdDSA"}.get(entry.kty)
    if algorithm is None or entry.alg not in (None, algorithm):
        return None
    try:
        key = _rsa(entry) if algorithm == "RS256" else _ed25519(entry)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return None
    return None if key is None else Key(algorithm, key)


def _rsa(entry: _Entry) -> RSAPublicKey | None:
    key = cast("RSAPublicKey", RSAAlgorithm.from_jwk({"kty": "RSA", "n": entry.n, "e": entry.e}))
    fits = RSA_BITS[0] <= key.key_size <= RSA_BITS[1] and key.public_numbers().e < RSA_EXPONENT
    return key if fits else None


def _ed25519(entry: _Entry) -> Ed25519PublicKey | None:
    key = OKPAlgorithm.from_jwk({"kty": "OKP", "crv": entry.crv, "x": entry.x})
    return key if isinstance(key, Ed25519PublicKey) else None


async def _download(url: str) -> bytes:
    """Nothing is followed, kept between two calls, or read beyond the bound."""
    async with (
        ClientSession(
            timeout=ClientTimeout(total=FETCH), cookie_jar=DummyCookieJar(), auto_decompress=False
        ) as session,
        session.get(
            url, allow_redirects=False, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
        ) as response,
    ):
        if response.status != 200:
            raise KeysUnavailable(f"status {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST:
                raise KeysUnavailable(f"more than {LARGEST} bytes")
        return bytes(body)
