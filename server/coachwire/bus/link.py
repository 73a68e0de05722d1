"""The bus's two connections to one Redis server, and the task that keeps both alive."""

import asyncio
import itertools
import os
import random
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from redis.crc import key_slot

from coachwire.bus import Counts, Message, Receive
from coachwire.bus.connection import CONNECT_TIMEOUT, Address, RedisConnection, connect, pack
from coachwire.bus.dialect import PLAIN, Dialect

CANARY_EVERY = 1.0  # s
CANARY_LIMIT = 3.0  # s until its absence counts; the socket itself never tells that Redis is frozen
MISSED_LIMIT = 3  # canaries in a row; counted, not timed, so that a pause of our own costs no connection
CONFIRM_TIMEOUT = 0.5  # s
RECONNECT = (0.1, 2.0)  # s, evenly spread: instances that lost Redis together come back one by one
MEMBER_SIZE = 8  # bytes

log = structlog.get_logger()


def new_member() -> bytes:
    """Who publishes: stands before every payload, so that its publisher can drop it when it comes back."""
    return os.urandom(MEMBER_SIZE)


class Link:
    """Publishes and subscribes on one server, for as long as it is open.

    A canary goes out on the one connection and comes in by the other, behind every resubscription: when it is
    back, both connections and all channels are proved.
    """

    def __init__(
        self,
        address: Address,
        dialect: Dialect,
        member: bytes,
        canary: str,
        counts: Counts,
        *,
        connected_before: bool = False,
    ) -> None:
        """Connects to nothing yet. `counts` may be shared with other links."""
        self.address = address
        self._dialect = dialect
        self._member = member
        self._canary = canary.encode()
        self._counts = counts
        self._heard = float("-inf")  # when the newest canary that came back had been published
        self._proved_from = float("-inf")  # a canary from before says nothing about what was subscribed since
        self._missed = 0  # canaries published since
        self._names: dict[bytes, str] = {}  # what is subscribed, or will be as soon as Redis is there
        self._unconfirmed: dict[bytes, int] = {}  # subscribe commands on their way, by channel
        self._waiters: dict[bytes, asyncio.Future[None]] = {}
        self._changes: list[tuple[bytes, bytes]] = []  # (command, channel) of this tick
        self._publisher: RedisConnection | None = None
        self._subscriber: RedisConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._receive: Receive = lambda _channel, _payload: None
        self._back: Callable[[], None] = lambda: None
        self._away: Callable[[], None] = lambda: None
        self._moved: Callable[[int], None] = lambda _slot: None
        self._connected_before = connected_before
        self._told: str | None = None  # the reason last logged

    @property
    def healthy(self) -> bool:
        return self.canary_age() <= CANARY_LIMIT

    def canary_age(self) -> float:
        return time.monotonic() - self._heard

    @property
    def canary(self) -> str:
        """Its channel."""
        return self._canary.decode()

    def open(
        self,
        receive: Receive,
        back: Callable[[], None],
        away: Callable[[], None] = lambda: None,
        moved: Callable[[int], None] = lambda _slot: None,
    ) -> asyncio.Future[None]:
        """Connects from now on until `close`. The result is done when that has succeeded or failed once.

        `back()`: everything is received again, and what came before may be lost. `away()`: a connection is
        gone. `moved(slot)`: this server does not serve the slot any more, says a cluster.
        """
        self._receive, self._back, self._away, self._moved = receive, back, away, moved
        self._first_outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_connected(), name=f"bus {self.address}")
        return self._first_outcome

    def publish(self, messages: Sequence[Message]) -> None:
        if self._publisher is None or self._publisher.congested:
            self._counts.dropped += len(messages)
            return
        verb, member = self._dialect.publish, self._member
        self._publisher.send([pack((verb, channel, member + payload)) for channel, payload in messages])
        self._counts.published += len(messages)

    async def subscribe(self, channel: str) -> None:
        """Returns when confirmed, or unconfirmed after `CONFIRM_TIMEOUT`."""
        name = channel.encode()
        if name not in self._names:
            self._names[name] = channel
            self._change(self._dialect.subscribe, name)
        if self._subscriber is None or name not in self._unconfirmed:
            return  # confirmed already; or Redis is away, and its return will be told
        waiter = self._waiters.get(name)
        if waiter is None:
            waiter = self._waiters[name] = asyncio.get_running_loop().create_future()
        await asyncio.wait((waiter,), timeout=CONFIRM_TIMEOUT)

    def unsubscribe(self, channel: str) -> None:
        name = channel.encode()
        if self._names.pop(name, None) is not None:
            self._release(name)
            self._change(self._dialect.unsubscribe, name)

    def adopt(self, channels: Iterable[str], canary: str) -> None:
        """Subscribe these, whether it has them or not; it is healthy again, and `back`, when all are received."""
        self._canary = canary.encode()
        self._heard = float("-inf")
        self._proved_from = float("inf")  # until the canary is confirmed, behind all of them
        for channel in channels:
            name = channel.encode()
            self._names[name] = channel
            self._change(self._dialect.subscribe, name)
        self._change(self._dialect.subscribe, self._canary)

    def forget(self, channel: str) -> None:
        """Another server has it: no need to unsubscribe from this one."""
        name = channel.encode()
        self._names.pop(name, None)
        self._unconfirmed.pop(name, None)
        self._release(name)

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
            except Exception as problem:  # whatever it is: this task owns the link and must not end
                reason = f"{type(problem).__name__}: {problem}"
            if reason != self._told:  # once per outage and cause, not per attempt
                log.warning("bus.away", server=str(self.address), reason=reason)
                self._told = reason
            self._settle()
            self._away()
            await asyncio.sleep(random.uniform(*RECONNECT))  # noqa: S311 - spreads load, keeps no secret

    async def _live_once(self) -> str:
        """One life of both connections; returns what ended it."""
        connections: list[RedisConnection] = []
        try:
            for name, handle in (
                ("coachwire-publish", self._published),
                ("coachwire-subscribe", self._pushed),
            ):
                connections.append(await connect(self.address, name, handle, self._excused))
            if self._dialect is PLAIN and await connections[0].mode() == "cluster":
                return "this is a node of a cluster: REDIS_URL must begin with redis+cluster://"
            self._publisher, self._subscriber = connections
            self._missed = 0
            self._counts.reconnects += self._connected_before
            self._connected_before = True
            # The canary last: Redis confirms in order, so the canary's confirmation is that of all before it.
            for channel in (*self._names, self._canary):
                self._change(self._dialect.subscribe, channel)
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

    def _excused(self, refusal: str) -> bool:
        """Whether the connection may live on: a slot that moved says nothing about the others."""
        kind, _, rest = refusal.partition(" ")
        if kind != "MOVED":
            return False
        self._moved(int(rest.partition(" ")[0]))
        return True

    def _published(self, receivers: Any) -> None:
        """Redis handed it to so many connections; that says nothing about the users behind them."""

    def _pushed(self, push: Any) -> None:
        kind, name, content = push
        if kind == self._dialect.message:
            if content.startswith(self._member):
                if name == self._canary:
                    self._canary_came_back(content)
                return
            channel = self._names.get(name)  # none: unsubscribed, and Redis does not know it yet
            if channel is not None:
                self._counts.received += 1
                self._receive(channel, content[MEMBER_SIZE:])
        elif kind == b"subscribe" or kind == b"ssubscribe":
            self._confirm(name)
        elif kind == b"sunsubscribe" and self._is_wanted(name):
            self._moved(key_slot(name))  # not by our wish: the slot has gone elsewhere

    def _is_wanted(self, name: bytes) -> bool:
        """Whether its being unsubscribed is neither our wish nor about to be undone by a command on its way."""
        return name not in self._unconfirmed and (name in self._names or name == self._canary)

    def _send_canary(self) -> None:
        if self._publisher is not None:
            self._missed += 1
            sent = struct.pack("!d", time.monotonic())
            self._publisher.send((pack((self._dialect.publish, self._canary, self._member + sent)),))

    def _canary_came_back(self, content: bytes) -> None:
        (sent,) = struct.unpack("!d", content[MEMBER_SIZE:])
        if sent < self._proved_from:
            return
        was_healthy = self.healthy
        self._heard = sent
        self._missed = 0
        if not was_healthy:
            log.info("bus.connected", server=str(self.address))
            self._told = None
            self._settle()
            self._back()

    def _change(self, command: bytes, name: bytes) -> None:
        """Joins this tick's changes; without a connection nothing, the next one takes all names."""
        if self._subscriber is None:
            return
        if command == self._dialect.subscribe:
            self._unconfirmed[name] = self._unconfirmed.get(name, 0) + 1
        if not self._changes:
            asyncio.get_running_loop().call_soon(self._send_changes)
        self._changes.append((command, name))

    def _send_changes(self) -> None:
        changes, self._changes = self._changes, []
        if self._subscriber is None:
            return
        size = self._dialect.channels
        # In the order they were made: whoever unsubscribes and subscribes within one tick ends subscribed.
        for command, run in itertools.groupby(changes, key=lambda change: change[0]):
            names = [name for _, name in run]
            self._subscriber.send(
                [pack((command, *names[start : start + size])) for start in range(0, len(names), size)]
            )

    def _confirm(self, name: bytes) -> None:
        unconfirmed = self._unconfirmed.pop(name, 1) - 1
        if unconfirmed > 0:  # an unsubscribe of before is still on its way between this one and the last
            self._unconfirmed[name] = unconfirmed
        elif name == self._canary:
            self._proved_from = time.monotonic()
            self._send_canary()
        else:
            self._release(name)

    def _release(self, name: bytes) -> None:
        waiter = self._waiters.pop(name, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _settle(self) -> None:
        if not self._first_outcome.done():
            self._first_outcome.set_result(None)
