"""An identity provider for the tests: it signs tokens and publishes keys, and can rotate, fail, hang and count."""

import asyncio
import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

ISSUER = "https://clerk.gym.test"
Algorithm = Literal["RS256", "EdDSA"]


@dataclass(frozen=True)
class SigningKey:
    kid: str
    algorithm: Algorithm
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def published(self) -> dict[str, Any]:
        """As it stands in the set."""
        if isinstance(self.private, RSAPrivateKey):
            entry = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            entry = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**entry, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def pem(self) -> bytes:
        """Of the public key."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A header that is None is left out."""
        headers = {key: value for key, value in ({"kid": self.kid} | header).items() if value is not None}
        return jwt.encode(claims, self.private, self.algorithm, headers)


@cache
def signing_key(kid: str, algorithm: Algorithm = "RS256") -> SigningKey:
    """The same for all tests: to make an RSA key takes a while."""
    private = generate_private_key(65537, 2048) if algorithm == "RS256" else Ed25519PrivateKey.generate()
    return SigningKey(kid, algorithm, private)


def claims_of(subject: str, **claims: Any) -> dict[str, Any]:
    """Of a token that lives a minute, as Clerk's do; a claim that is None is left out."""
    now = int(time.time())
    usual = {"iss": ISSUER, "sub": subject, "iat": now, "nbf": now, "exp": now + 60}
    return {key: value for key, value in (usual | claims).items() if value is not None}


class Issuer:
    """`async with` it. Its keys are those of `publish`; `answer` and `hang` make it misbehave until the next."""

    def __init__(self) -> None:
        self.key = signing_key("ins_1")
        self.fetches = 0
        self._port = unused_port()
        self._server: TestServer | None = None
        self._asked = asyncio.Event()
        self._speaks = asyncio.Event()
        self.publish(self.key)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/.well-known/jwks.json"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """At the same address as before."""
        app = web.Application()
        app.router.add_get("/.well-known/jwks.json", self._serve)
        app.router.add_get("/moved.json", self._serve_keys)
        self._server = TestServer(app, port=self._port)
        await self._server.start_server()

    async def stop(self) -> None:
        """Away: connections are refused."""
        self._speaks.set()
        if self._server is not None:
            await self._server.close()

    def publish(self, *keys: SigningKey) -> None:
        self._published = json.dumps({"keys": [key.published for key in keys]}).encode()
        self.answer(200, self._published)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self._said = (status, body, headers)
        self._speaks.set()

    def hang(self) -> None:
        self._speaks.clear()

    async def asked(self) -> None:
        """Wait until it is asked the next time."""
        self._asked.clear()
        await self._asked.wait()

    def token(self, subject: str, key: SigningKey | None = None, **claims: Any) -> str:
        return (key or self.key).sign(claims_of(subject, **claims))

    async def _serve(self, request: web.Request) -> web.Response:
        self.fetches += 1
        self._asked.set()
        await self._speaks.wait()
        status, body, headers = self._said
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"} | headers)

    async def _serve_keys(self, request: web.Request) -> web.Response:
        return web.Response(body=self._published)
