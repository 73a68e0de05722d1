"""Presence among instances: a Redis hash for each organization, in which every instance has a field with its people.

A field says when it was written, by Redis's clock, and is written anew each 10 s: one that is not, belongs to an
instance that died. Word of a change goes over the bus as a hint without content; who follows the organization reads
the hash."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from redis.exceptions import RedisClusterException, RedisError

from coachwire.bus import Bus
from coachwire.bus.client import redis_client
from coachwire.presence import Online, Presence
from coachwire.presence.field import Field, decode, encode, union
from coachwire.topics import presence_channel, presence_key

log = structlog.get_logger()

REFRESH = 10.0  # s between two writings of a field that says the same
ALIVE = 13.0  # s that a field is believed; with a beat and a turn a killed instance shows within 15 s
EXPIRE = 15  # s; a hash that nobody refreshes goes by itself
LITTER = 60.0  # s after which a dead instance's field is taken out of a hash that others keep
FAREWELL = 2.0  # s that the people of an instance that goes have to come back elsewhere: still online
DEADLINE = 1.0  # s for whatever is asked of Redis
BEAT = 1.0  # s between two looks at what is due
PAUSE = 0.05  # s between two exchanges, in which hints gather
MOST = 100  # organizations a round trip
CONNECTIONS = 4

AWAY = (RedisError, RedisClusterException, OSError, TimeoutError)


@dataclass(slots=True)
class Followed:
    """An organization that is watched here, or about to be."""

    fields: dict[bytes, Field] = field(default_factory=dict)  # by instance
    due: bool = True  # to be read now
    read_at: float = 0.0
    read: asyncio.Event = field(default_factory=asyncio.Event)
    coming: int = 0  # watches that wait for it

    def is_due(self, now: float) -> bool:
        overdue = any(one.until - now < ALIVE - REFRESH - 0.5 for one in self.fields.values())
        return self.due or overdue or now - self.read_at > REFRESH


class PresenceExchange:
    """Redis may be away: what is known goes stale after `ALIVE`, and then this process is all there is."""

    def __init__(self, url: str, presence: Presence, bus: Bus) -> None:
        self._presence = presence
        self._bus = bus
        self._instance = os.urandom(8).hex().encode()
        self._redis = redis_client(url, connections=CONNECTIONS, deadline=DEADLINE)
        self._loop = asyncio.get_running_loop()
        self._ahead: float | None = None  # s that Redis's clock is ahead of the loop's
        self._away = False
        self._followed: dict[str, Followed] = {}
        self._changed: set[str] = set()  # organizations whose field is to be written
        self._litter: set[tuple[str, bytes]] = set()  # fields of the dead: organization, instance
        self._refresh_at = 0.0
        self._wake = asyncio.Event()
        presence.changed = self._note

    async def follow(self, organization_id: str) -> None:
        """Have this organization known until nobody here watches it; returns when it is, or Redis does not answer."""
        followed = self._followed.setdefault(organization_id, Followed())
        if followed.read.is_set():
            return
        followed.coming += 1
        try:
            await self._bus.subscribe(presence_channel(organization_id))
            followed.due = True  # for what was hinted at before
            self._wake.set()
            if not self._away:
                async with asyncio.timeout(DEADLINE):
                    await followed.read.wait()
        except TimeoutError:
            pass
        finally:
            followed.coming -= 1

    async def look(self, organization_id: str) -> Online:
        """Who is online there; without following it."""
        followed = self._followed.get(organization_id)
        if self._away or (followed is not None and followed.read.is_set()):
            return self._presence.online(organization_id)
        try:
            async with asyncio.timeout(DEADLINE):
                fields = (await self._read([organization_id]))[0]
        except AWAY as error:
            self._lose(error)
            return self._presence.online(organization_id)
        return {**union(fields.values()), **self._presence.here(organization_id)}

    def hint(self, organization_id: str) -> None:
        """Somebody came or went on another instance."""
        if followed := self._followed.get(organization_id):
            followed.due = True
            self._wake.set()

    def doubt(self) -> None:
        """Hints, or what is in Redis, may have been lost."""
        self._changed.update(self._presence.organizations)
        for followed in self._followed.values():
            followed.due = True
        self._wake.set()

    async def run(self) -> None:
        """Write and read for ever; the owner cancels it, and calls `close`."""
        while True:
            try:
                async with asyncio.timeout(BEAT):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._exchange()
            except AWAY as error:
                self._lose(error)
            self._drop_what_is_stale()
            self._drop_what_nobody_watches()
            await asyncio.sleep(BEAT if self._away else PAUSE)

    async def close(self) -> None:
        """Leave this instance's people online for a moment more: most are on their way to another one."""
        organizations = self._presence.organizations
        try:
            async with asyncio.timeout(DEADLINE):
                if organizations and not self._away:
                    await self._write(organizations, ago=ALIVE - FAREWELL)
                    self._bus.publish([(presence_channel(id_), b"") for id_ in organizations])
        except AWAY as error:
            self._lose(error)
        with suppress(*AWAY):
            async with asyncio.timeout(DEADLINE):
                await self._redis.aclose()

    def _note(self, organization_id: str) -> None:
        self._changed.add(organization_id)
        self._wake.set()

    def _lose(self, error: BaseException) -> None:
        if not self._away:
            log.warning("presence_away", error=type(error).__name__)
        self._away = True
        for followed in self._followed.values():
            followed.read.set()  # nobody waits for what does not answer

    async def _exchange(self) -> None:
        if self._away:
            async with asyncio.timeout(DEADLINE):
                self._learn_time(await cast("Any", self._redis.time()))
            log.info("presence_back")
            self._away = False
            self.doubt()
        if self._loop.time() >= self._refresh_at:
            self._refresh_at = self._loop.time() + REFRESH
            for part in _parts(self._presence.organizations):
                async with asyncio.timeout(DEADLINE):
                    await self._write(part)
        changed, self._changed = list(self._changed), set()
        try:
            for part in _parts(changed):
                async with asyncio.timeout(DEADLINE):
                    await self._write(part)
                self._bus.publish([(presence_channel(id_), b"") for id_ in part])
        except AWAY:
            self._changed.update(changed)
            raise
        now = self._loop.time()
        for part in _parts([id_ for id_, one in self._followed.items() if one.is_due(now)]):
            for id_ in part:
                self._followed[id_].due = False  # a hint from now on asks for another reading
            async with asyncio.timeout(DEADLINE):
                for id_, fields in zip(part, await self._read(part), strict=True):
                    self._take(id_, fields)

    async def _write(self, organization_ids: Sequence[str], ago: float = 0.0) -> None:
        """This instance's fields, as of now or of so many seconds ago."""
        if self._ahead is None:
            self._learn_time(await cast("Any", self._redis.time()))
        written = self._loop.time() + (self._ahead or 0.0) - ago
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("TIME")  # a cluster's pipeline has no method for it
        while self._litter:
            organization_id, instance = self._litter.pop()
            pipeline.hdel(presence_key(organization_id), instance)
        for organization_id in organization_ids:
            key, here = presence_key(organization_id), self._presence.here(organization_id)
            pipeline.hset(key, self._instance, encode(written, here))  # also that nobody is here any more
            pipeline.expire(key, EXPIRE)
        time, *_ = await pipeline.execute()
        self._learn_time(time)

    async def _read(self, organization_ids: Sequence[str]) -> list[dict[bytes, Field]]:
        """The fields of the other instances that are alive, for each organization."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("TIME")  # a cluster's pipeline has no method for it
        for organization_id in organization_ids:
            pipeline.hgetall(presence_key(organization_id))
        time, *hashes = await pipeline.execute()
        self._learn_time(time)
        return [
            self._sift(organization_id, fields)
            for organization_id, fields in zip(organization_ids, hashes, strict=True)
        ]

    def _sift(self, organization_id: str, fields: dict[bytes, bytes]) -> dict[bytes, Field]:
        now, alive = self._loop.time(), {}
        if fields.pop(self._instance, None) is None and self._presence.here(organization_id):
            self._note(organization_id)  # Redis has lost it
        for instance, text in fields.items():
            found = decode(text, ALIVE - (self._ahead or 0.0))
            if found is not None and found.until > now:
                alive[instance] = found
            elif found is not None and found.until < now - LITTER:
                self._litter.add((organization_id, instance))
        return alive

    def _take(self, organization_id: str, fields: dict[bytes, Field]) -> None:
        followed, now = self._followed[organization_id], self._loop.time()
        # A field that has vanished was lost by Redis: whoever wrote it will write again while it is believed.
        followed.fields = {id_: one for id_, one in followed.fields.items() if one.until > now} | fields
        followed.read_at = now
        followed.read.set()
        self._presence.learn(organization_id, union(followed.fields.values()))

    def _drop_what_is_stale(self) -> None:
        now = self._loop.time()
        for organization_id, followed in self._followed.items():
            if any(one.until <= now for one in followed.fields.values()):
                followed.fields = {id_: one for id_, one in followed.fields.items() if one.until > now}
                self._presence.learn(organization_id, union(followed.fields.values()))

    def _drop_what_nobody_watches(self) -> None:
        for organization_id, followed in list(self._followed.items()):
            if not followed.coming and not self._presence.is_watched(organization_id):
                del self._followed[organization_id]
                self._bus.unsubscribe(presence_channel(organization_id))
                self._presence.learn(organization_id, {})

    def _learn_time(self, time: tuple[int, int]) -> None:
        seconds, microseconds = time
        self._ahead = seconds + microseconds / 1e6 - self._loop.time()


def _parts(organization_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (organization_ids[start : start + MOST] for start in range(0, len(organization_ids), MOST))
