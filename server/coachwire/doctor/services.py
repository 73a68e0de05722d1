"""Redis, the keys for tokens and the ports: is each as a server needs it?"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hiredis
from aiohttp import ClientError, ClientSession, ClientTimeout

from coachwire.bus.connection import Address, Handle, RedisConnection, connect, pack
from coachwire.bus.dialect import PLAIN, SHARDED, Dialect
from coachwire.bus.link import new_member
from coachwire.bus.topology import SLOTS, addresses, canary_in, is_cluster, learn
from coachwire.doctor.check import Finding, failed, ok, warning
from coachwire.identity.jwks import KeysUnavailable, fetch_keys
from coachwire.settings import Settings
from coachwire.topics import canary_channel

PATIENCE = 3.0  # s


async def check_redis(settings: Settings) -> AsyncIterator[Finding]:
    if settings.redis_url is None:
        yield ok("redis", "none: this must be the only instance")
        return
    try:
        address = max(addresses(settings.redis_url), key=lambda one: len(one.lacking))
    except ValueError as error:
        yield failed(
            "redis",
            f"REDIS_URL: {error}",
            "Correct it: redis://host:6379, redis+cluster://one:6379,two:6379 for a cluster, rediss with TLS.",
        )
        return
    try:
        async with asyncio.timeout(PATIENCE):
            yield await (
                _canaries(settings.redis_url) if is_cluster(settings.redis_url) else _canary(address)
            )
    except (OSError, TimeoutError, hiredis.HiredisError) as error:
        yield failed(
            "redis",
            f"cannot be reached: {error or type(error).__name__}",
            "Is Redis running, does REDIS_URL name it, and are its user and password right?",
        )
        return
    if lacking := address.lacking:
        yield warning(
            "redis safety",
            f"not on this machine, and without {' or '.join(lacking)}",
            "Give Redis a password and TLS (rediss://user:password@…), or a network that only servers reach.",
        )
    else:
        yield ok("redis safety", "on this machine" if address.local else "with password and TLS")


async def _canaries(url: str) -> Finding:
    """What is published on a master comes back, on each of them."""
    masters = (await learn(addresses(url))).masters
    for address, slots in masters.items():
        finding = await _canary(address, SHARDED, canary_in(slots, new_member()))
        if finding.state != "ok":
            return finding
    if missing := SLOTS - sum(map(len, masters.values())):
        return failed("redis", f"{missing} slots have no master", "Is a master down, and its replica too?")
    return ok("redis", f"a message came back from each of {len(masters)} masters")


async def _canary(address: Address, dialect: Dialect = PLAIN, channel: str = "") -> Finding:
    """What is published on the one connection comes back by the other."""
    name = (channel or canary_channel(new_member())).encode()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with (
        _connected(address, lambda reply: heard.put_nowait(_kind(reply))) as subscriber,
        _connected(address, lambda reply: heard.put_nowait(_kind(reply))) as publisher,
    ):
        if dialect is PLAIN and await publisher.mode() == "cluster":
            return failed("redis", "it is a node of a cluster", "REDIS_URL must begin with redis+cluster://.")
        try:
            subscriber.send((pack((dialect.subscribe, name)),))
            told = [await _first(heard, subscriber.lost)]
            publisher.send((pack((dialect.publish, name, b"canary")),))
            while told[-1] != dialect.message:
                told.append(await _first(heard, publisher.lost, subscriber.lost))
        except ConnectionAbortedError as error:
            verbs = f"{dialect.publish.decode()} and {dialect.subscribe.decode()}"
            return failed("redis", f"{error}", f"May this user {verbs} on cw:* channels?")
    return ok("redis", "a message came back")


@asynccontextmanager
async def _connected(address: Address, handle: Handle) -> AsyncIterator[RedisConnection]:
    connection = await connect(address, "coachwire-doctor", handle)
    try:
        yield connection
    finally:
        connection.abort("seen")
        await connection.lost


def _kind(reply: object) -> bytes:
    return reply[0] if isinstance(reply, list) else b"published"


async def _first(heard: asyncio.Queue[bytes], *lost: asyncio.Future[str]) -> bytes:
    """What is heard next. Raises `ConnectionAbortedError` when a connection ends before."""
    get = asyncio.ensure_future(heard.get())
    waited: list[asyncio.Future[Any]] = [get, *lost]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if get.done():
        return get.result()
    get.cancel()
    raise ConnectionAbortedError(next(one.result() for one in lost if one.done()))


async def check_tokens(settings: Settings) -> AsyncIterator[Finding]:
    if settings.jwks_url is None:
        if settings.jwt_secret is None:
            yield failed(
                "tokens",
                "neither COACHWIRE_JWT_SECRET nor COACHWIRE_JWKS_URL is set",
                "Set one: a secret of 32 bytes and more, or your issuer's address of keys (docs/identity.md).",
            )
        else:
            yield ok("tokens", f"verified by a secret of {len(settings.jwt_secret.encode())} bytes")
        return
    try:
        keys = await fetch_keys(settings.jwks_url)
    except (KeysUnavailable, ClientError, TimeoutError, OSError, ValueError) as error:
        yield failed(
            "tokens",
            f"no keys from COACHWIRE_JWKS_URL: {error or type(error).__name__}",
            "Does this machine reach the issuer, and is this the address of its JSON Web Key Set?",
        )
        return
    if not keys:
        yield failed("tokens", "the issuer has no keys that verify RS256 or EdDSA", "See docs/identity.md.")
    else:
        yield ok("tokens", f"{len(keys)} keys of {settings.jwt_issuer}")


async def check_ports(settings: Settings) -> AsyncIterator[Finding]:
    yield await _port("port", "COACHWIRE_PORT", settings.host, settings.port, "healthz")
    if settings.metrics is None:
        yield ok("metrics", "off")
    else:
        address = settings.metrics
        yield await _port("metrics", "COACHWIRE_METRICS_PORT", address.host, address.port, "metrics")


async def _port(check: str, setting: str, host: str, port: int, path: str) -> Finding:
    """Free, or a server's that is running already."""
    where = f"{f'[{host}]' if ':' in host else host}:{port}"
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family):
            return ok(check, "any free one" if port == 0 else f"{where} is free")
    except OSError as error:
        if error.errno == errno.EADDRINUSE and await _answers(f"http://{where}/{path}"):
            return ok(check, f"a server answers on {where}")
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        return failed(
            check, f"{where}: {reason}", f"Choose another one with {setting}, or end what is there."
        )


async def _answers(url: str) -> bool:
    try:
        async with ClientSession(timeout=ClientTimeout(total=PATIENCE)) as http, http.get(url) as response:
            return response.status == 200 and response.headers.get("Server") == "coachwire"
    except (ClientError, TimeoutError, asyncio.IncompleteReadError):
        return False
