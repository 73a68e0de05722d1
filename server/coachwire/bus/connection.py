"""One lean connection to Redis: packed commands out, one write a tick; replies in, each handed on at once.

redis-py understands the address; past that it costs ten times what the bus may spend on a message.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any, cast

import hiredis
from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection

from coachwire.settings import is_loopback

Handle = Callable[[Any], None]
Excuse = Callable[[str], bool]

CONNECT_TIMEOUT = 1.0  # s, with TLS and log-in: a frozen Redis accepts, then says nothing
UNSENT_LIMIT = 4 << 20  # bytes, about a full batch of the longest messages
STALL_MARK = 1 << 20  # bytes; more than these, waiting for longer than
STALL_LIMIT = 1.0  # s, are a hint that comes too late to be of use

pack = cast("Callable[[tuple[str | bytes, ...]], bytes]", hiredis.pack_command)


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is and how to log in, read by redis-py's own rules."""

    host: str = ""
    port: int = 0
    path: str | None = None  # of a unix socket; then host and port say nothing
    ssl: SSLContext | None = None
    credentials: tuple[str, ...] = field(default=(), repr=False)

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return self.path is not None or is_loopback(self.host)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What anybody on the way could do without: on a network, hints are read and forged by who can reach Redis."""
        if self.local:
            return ()
        return (*([] if self.credentials else ["a password"]), *([] if self.ssl else ["TLS"]))

    def __str__(self) -> str:
        return self.path or f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """Reads `redis://`, `rediss://` and `unix://`; raises `ValueError` for anything else.

        The number of a database is accepted and without meaning: publishing and subscribing know none.
        """
        pool = ConnectionPool.from_url(url)
        try:
            parts = pool.connection_class(**pool.connection_kwargs)
        except TypeError:
            raise ValueError("the Redis URL has an option that is not known") from None
        credentials = tuple(part for part in (parts.username, parts.password) if part)
        if isinstance(parts, UnixDomainSocketConnection):
            return cls(path=parts.path, credentials=credentials)
        ssl = parts.ssl_context.get() if isinstance(parts, SSLConnection) else None
        tcp = cast("Connection", parts)
        return cls(host=tcp.host, port=int(tcp.port), ssl=ssl, credentials=credentials)


async def connect(
    address: Address, name: str, handle: Handle, excused: Excuse = lambda _refusal: False
) -> "RedisConnection":
    """Connects, logs in and hears Redis answer, within `CONNECT_TIMEOUT`; every later reply goes to `handle`.

    Raises `OSError`, `TimeoutError` or `hiredis.ReplyError`.
    """
    loop = asyncio.get_running_loop()
    connection = RedisConnection(handle, excused)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            if address.path is not None:
                await loop.create_unix_connection(lambda: connection, address.path)
            else:
                await loop.create_connection(lambda: connection, address.host, address.port, ssl=address.ssl)
            if address.credentials:
                await connection.ask("AUTH", *address.credentials)
            with contextlib.suppress(hiredis.ReplyError):  # an access list may forbid the courtesy of a name
                await connection.ask("CLIENT", "SETNAME", name)
            await connection.ask("PING")
    except BaseException:
        connection.abort("given up")
        raise
    return connection


class RedisConnection(asyncio.Protocol):
    """An error in a reply ends the connection, unless `excused`: nothing else that the bus asks for may be refused."""

    def __init__(self, handle: Handle, excused: Excuse) -> None:
        self._loop = asyncio.get_running_loop()
        self._handle = handle
        self._excused = excused
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._outgoing_size = 0
        self._stalled_since: float | None = None
        self._answer: asyncio.Future[object] | None = None
        self._reason = ""
        self.lost: asyncio.Future[str] = self._loop.create_future()  # why, once nothing is open any more

    @property
    def congested(self) -> bool:
        """Whether more would wait too long or take too much memory: the caller drops it."""
        if self._transport is None or self._transport.is_closing():
            return True
        if self._stalled_since is not None and self._loop.time() - self._stalled_since > STALL_LIMIT:
            return True
        return self._outgoing_size + self._transport.get_write_buffer_size() > UNSENT_LIMIT

    def send(self, commands: Iterable[bytes]) -> None:
        """Packed commands, in order, in one write at the end of this tick; lost with the connection."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        before = len(self._outgoing)
        self._outgoing += commands
        self._outgoing_size += sum(map(len, self._outgoing[before:]))

    async def ask(self, *command: str) -> object:
        """One command and its answer, while no other is under way; raises `hiredis.ReplyError`, `OSError`."""
        self._answer = self._loop.create_future()
        self.send((pack(command),))
        await asyncio.wait((self._answer, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():
            raise ConnectionError(self.lost.result())
        reply, self._answer = self._answer.result(), None
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    async def mode(self) -> str:
        """`standalone`, `sentinel` or `cluster`, while nothing else is under way; empty if it does not say."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                # Of all commands that tell it the one that no access list can forbid.
                hello = cast("list[Any]", await self.ask("HELLO"))
        except hiredis.ReplyError:
            return ""  # older than Redis 6, or a proxy
        fields = dict(zip(hello[::2], hello[1::2], strict=False))
        return cast("bytes", fields.get(b"mode", b"")).decode()

    def abort(self, reason: str) -> None:
        """Closes at once, whatever is unsent; `lost` tells when it is done."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()
        elif not self.lost.done():
            self.lost.set_result(self._reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=STALL_MARK)

    def connection_lost(self, exc: Exception | None) -> None:
        self._outgoing.clear()
        self._outgoing_size = 0
        if not self.lost.done():
            self.lost.set_result(self._reason or (str(exc) if exc else "closed by Redis"))

    def pause_writing(self) -> None:
        self._stalled_since = self._loop.time()

    def resume_writing(self) -> None:
        self._stalled_since = None

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets(False)) is not False:
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(reply)
                elif isinstance(reply, hiredis.ReplyError):
                    if not self._excused(str(reply)):
                        self.abort(str(reply).partition(", with args")[0])  # the rest quotes what was sent
                        return
                else:
                    self._handle(reply)
        except hiredis.ProtocolError as problem:
            self.abort(str(problem))

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()
        self._outgoing_size = 0
