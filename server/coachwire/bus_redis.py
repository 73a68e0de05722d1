"""The bus over Redis: a connection to publish, one for all subscriptions, a task that keeps both alive."""

import asyncio
import itertools
import os
import random
import struct
import time
from collections.abc import Sequence
from typing import Any

import structlog

from coachwire.bus import Counts, Gap, Message, Receive
from coachwire.bus_redis_connection import CONNECT_TIMEOUT, Address, RedisConnection, connect, pack
from coachwire.topics import canary_channel

CANARY_EVERY = 1.0  # s
CANARY_LIMIT = 3.0  # s until its absence counts; the socket itself never tells that Redis is frozen
MISSED_LIMIT = 3  # canaries in a row; counted, not timed, so that a pause of our own costs no connection
CONFIRM_TIMEOUT = 0.5  # s
START_TIMEOUT = 2.0  # s
RECONNECT = (0.1, 2.0)  # s, evenly spread: instances that lost Redis together come back one by one
MEMBER_SIZE = 8  # bytes
SUBSCRIBE_SIZE = 500  # channels a command

log = structlog.get_logger()


class RedisBus:
    """A `Bus`. Every payload travels behind 8 bytes that name its publisher, who drops it when it comes back.

    A canary goes out on the one connection and comes in by the other, behind every resubscription: when it is
    back, both connections and all channels are proved.
    """

    def __init__(self, url: str) -> None:
        """Raises `ValueError` for a URL that cannot be understood; connects to nothing yet."""
        self.counts = Counts()
        self._address = Address.from_url(url)
        self._member = os.urandom(MEMBER_SIZE)
        self._canary = canary_channel(self._member).encode()
        self._heard = float("-inf")  # when the newest canary that came back had been published
        self._missed = 0  # canaries published since
        self._names: dict[bytes, str] = {}  # what is subscribed, or will be as soon as Redis is there
        self._unconfirmed: dict[bytes, int] = {}  # subscribe commands on their way, by channel
        self._waiters: dict[bytes, asyncio.Future[None]] = {}
        self._changes: list[tuple[bytes, bytes]] = []  # (command, channel) of this tick
        self._publisher: RedisConnection | None = None
        self._subscriber: RedisConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._receive: Receive = lambda _channel, _payload: None
        self._gap: Gap = lambda: None
        self._first_outcome: asyncio.Future[None] | None = None
        self._connected_before = False
        self._told: str | None = None  # the reason last logged

    @property
    def healthy(self) -> bool:
        return self.canary_age() <= CANARY_LIMIT

    def canary_age(self) -> float:
        return time.monotonic() - self._heard

    async def start(self, receive: Receive, gap: Gap) -> None:
        """Returns when Redis is there, or is known to be away: then the bus connects when it appears."""
        self._receive = receive
        self._first_outcome = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_connected(), name="bus")
        await asyncio.wait((self._first_outcome,), timeout=START_TIMEOUT)
        self._gap = gap  # not before: who has just started cannot have lost anything

    def publish(self, messages: Sequence[Message]) -> None:
        if self._publisher is None or self._publisher.congested:
            self.counts.dropped += len(messages)
            return
        member = self._member
        self._publisher.send([pack((b"PUBLISH", channel, member + payload)) for channel, payload in messages])
        self.counts.published += len(messages)

    async def subscribe(self, channel: str) -> None:
        name = channel.encode()
        if name not in self._names:
            self._names[name] = channel
            self._change(b"SUBSCRIBE", name)
        if self._subscriber is None or name not in self._unconfirmed:
            return  # confirmed already; or Redis is away, and its return will be a gap
        waiter = self._waiters.get(name)
        if waiter is None:
            waiter = self._waiters[name] = asyncio.get_running_loop().create_future()
        await asyncio.wait((waiter,), timeout=CONFIRM_TIMEOUT)

    def unsubscribe(self, channel: str) -> None:
        name = channel.encode()
        if self._names.pop(name, None) is not None:
            self._release(name)
            self._change(b"UNSUBSCRIBE", name)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        for name in tuple(self._waiters):
            self._release(name)
        self._names.clear()

    async def _keep_connected(self) -> None:
        while True:
            try:
                reason = await self._live_once()
            except Exception as problem:  # whatever it is: this task owns the bus and must not end
                reason = f"{type(problem).__name__}: {problem}"
            if reason != self._told:  # once per outage and cause, not per attempt
                log.warning("bus.away", reason=reason)
                self._told = reason
            self._settle_start()
            await asyncio.sleep(random.uniform(*RECONNECT))  # noqa: S311 - spreads load, keeps no secret

    async def _live_once(self) -> str:
        """One life of both connections; returns what ended it."""
        connections: list[RedisConnection] = []
        try:
            for name, handle in (
                ("coachwire-publish", self._published),
                ("coachwire-subscribe", self._pushed),
            ):
                connections.append(await connect(self._address, name, handle))
            self._publisher, self._subscriber = connections
            self._missed = 0
            self.counts.reconnects += self._connected_before
            self._connected_before = True
            # The canary last: Redis confirms in order, so the canary's confirmation is that of all before it.
            for channel in (*self._names, self._canary):
                self._change(b"SUBSCRIBE", channel)
            lost = [connection.lost for connection in connections]
            while True:
                done, _ = await asyncio.wait(lost, timeout=CANARY_EVERY, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    return done.pop().result()
                if self._missed >= MISSED_LIMIT:
                    return "the canary does not come back"
                self._send_canary()
        finally:
            self._publisher = self._subscriber = None
            self._heard = float("-inf")
            self._unconfirmed.clear()
            self._changes.clear()
            for connection in connections:
                connection.abort("given up")
            for connection in connections:
                await asyncio.wait((connection.lost,), timeout=CONNECT_TIMEOUT)

    def _published(self, receivers: Any) -> None:
        """Redis handed it to so many connections; that says nothing about the users behind them."""

    def _pushed(self, push: Any) -> None:
        kind, name, content = push
        if kind == b"message":
            if content.startswith(self._member):
                if name == self._canary:
                    self._canary_came_back(content)
                return
            channel = self._names.get(name)  # none: unsubscribed, and Redis does not know it yet
            if channel is not None:
                self.counts.received += 1
                self._receive(channel, content[MEMBER_SIZE:])
        elif kind == b"subscribe":
            self._confirm(name)

    def _send_canary(self) -> None:
        if self._publisher is not None:
            self._missed += 1
            sent = struct.pack("!d", time.monotonic())
            self._publisher.send((pack((b"PUBLISH", self._canary, self._member + sent)),))

    def _canary_came_back(self, content: bytes) -> None:
        was_healthy = self.healthy
        (self._heard,) = struct.unpack("!d", content[MEMBER_SIZE:])
        self._missed = 0
        if not was_healthy:
            log.info("bus.connected")
            self._told = None
            self._settle_start()
            self._gap()

    def _change(self, command: bytes, name: bytes) -> None:
        """Joins this tick's changes; without a connection nothing, the next one takes all names."""
        if self._subscriber is None:
            return
        if command == b"SUBSCRIBE":
            self._unconfirmed[name] = self._unconfirmed.get(name, 0) + 1
        if not self._changes:
            asyncio.get_running_loop().call_soon(self._send_changes)
        self._changes.append((command, name))

    def _send_changes(self) -> None:
        changes, self._changes = self._changes, []
        if self._subscriber is None:
            return
        # In the order they were made: whoever unsubscribes and subscribes within one tick ends subscribed.
        for command, run in itertools.groupby(changes, key=lambda change: change[0]):
            names = [name for _, name in run]
            for start in range(0, len(names), SUBSCRIBE_SIZE):
                self._subscriber.send((pack((command, *names[start : start + SUBSCRIBE_SIZE])),))

    def _confirm(self, name: bytes) -> None:
        unconfirmed = self._unconfirmed.pop(name, 1) - 1
        if unconfirmed:  # an unsubscribe of before is still on its way between this one and the last
            self._unconfirmed[name] = unconfirmed
        elif name == self._canary:
            self._send_canary()
        else:
            self._release(name)

    def _release(self, name: bytes) -> None:
        waiter = self._waiters.pop(name, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _settle_start(self) -> None:
        if self._first_outcome is not None and not self._first_outcome.done():
            self._first_outcome.set_result(None)
