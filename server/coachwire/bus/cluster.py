"""The bus over a Redis Cluster: each channel on the master that serves its slot, so that more masters carry more."""

import asyncio
import random
from collections.abc import Sequence

import structlog

from coachwire.bus import Counts, Gap, Message, Receive
from coachwire.bus.connection import Address
from coachwire.bus.dialect import SHARDED
from coachwire.bus.link import Link, new_member
from coachwire.bus.redis import RedisBus
from coachwire.bus.topology import SLOTS, Masters, addresses, canary_in, is_cluster, learn, slot_of

START_TIMEOUT = 2.0  # s
LOOK = 30.0  # s between looks at a topology that nothing speaks against
LOOK_AGAIN = (0.2, 1.0)  # s while a master is away or slots move, evenly spread over the instances

log = structlog.get_logger()


def redis_bus(url: str) -> "RedisBus | ClusterBus":
    """The bus that `REDIS_URL` names; raises `ValueError` if none can be understood."""
    return ClusterBus(url) if is_cluster(url) else RedisBus(url)


class ClusterBus:
    """A `Bus`. Healthy when every slot has a master and every master carries.

    A master that dies takes with it what is published until its replica is promoted and found: counted as
    dropped here, and a gap at whoever subscribed there.
    """

    def __init__(self, url: str) -> None:
        """Raises `ValueError` for a URL that cannot be understood; connects to nothing yet."""
        self.counts = Counts()
        self._seeds = addresses(url)
        self._member = new_member()
        self._channels: dict[str, int] = {}  # what is subscribed, and its slot
        self._masters: Masters = {}
        self._links: dict[Address, Link] = {}
        self._gone: list[Link] = []  # of servers that serve nothing any more, to be closed
        self._owners: list[Link | None] = [None] * SLOTS
        self._complete = False  # every slot has an owner
        self._moved: set[int] = set()  # slots that a master disowned since the last look
        self._doubt = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._receive: Receive = lambda _channel, _payload: None
        self._gap: Gap = lambda: None
        self._told: str | None = None  # the reason last logged

    @property
    def healthy(self) -> bool:
        return self._complete and all(link.healthy for link in self._links.values())

    def canary_age(self) -> float:
        """Of the master that is worst off."""
        return max((link.canary_age() for link in self._links.values()), default=float("inf"))

    async def start(self, receive: Receive, gap: Gap) -> None:
        """Returns when all masters are there, or one is known to be away: then the bus goes on looking."""
        self._receive = receive
        first_look = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_looking(first_look), name="bus")
        await asyncio.wait((first_look,), timeout=START_TIMEOUT)
        self._gap = gap  # not before: who has just started cannot have lost anything

    def publish(self, messages: Sequence[Message]) -> None:
        shares: dict[Link | None, list[Message]] = {}
        for message in messages:
            shares.setdefault(self._owners[slot_of(message[0])], []).append(message)
        for link, share in shares.items():
            if link is None:
                self.counts.dropped += len(share)
            else:
                link.publish(share)

    async def subscribe(self, channel: str) -> None:
        slot = self._channels[channel] = slot_of(channel)
        link = self._owners[slot]
        if link is not None:
            await link.subscribe(channel)

    def unsubscribe(self, channel: str) -> None:
        slot = self._channels.pop(channel, None)
        link = None if slot is None else self._owners[slot]
        if link is not None:
            link.unsubscribe(channel)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        self._complete = False
        self._owners = [None] * SLOTS
        self._gone += self._links.values()
        self._links = {}
        await self._close_gone()
        self._channels.clear()

    async def _keep_looking(self, first_look: asyncio.Future[None]) -> None:
        while True:
            self._doubt.clear()
            moved, self._moved = self._moved, set()
            try:
                topology = await learn({*self._links, *self._seeds})
                await self._follow(topology.masters, moved)
            except Exception as problem:  # whatever it is: this task owns the bus and must not end
                self._moved |= moved
                reason = f"{type(problem).__name__}: {problem}"
                if reason != self._told:  # once per outage and cause, not per attempt
                    log.warning("bus.cluster_unknown", reason=reason)
                    self._told = reason
            else:
                self._told = None
            if not first_look.done():
                first_look.set_result(None)
            await asyncio.sleep(random.uniform(*LOOK_AGAIN))  # noqa: S311 - spreads load, keeps no secret
            if self.healthy and not self._moved:
                await self._until_doubt()

    async def _until_doubt(self) -> None:
        try:
            async with asyncio.timeout(LOOK):
                await self._doubt.wait()
        except TimeoutError:
            pass

    async def _follow(self, masters: Masters, moved: set[int]) -> None:
        """Make links and owners what the cluster says; subscribe anew what has moved."""
        if masters == self._masters and not moved:
            return
        links = {address: self._links.get(address) or self._new_link(address, masters) for address in masters}
        owners: list[Link | None] = [None] * SLOTS
        for address, slots in masters.items():
            for slot in slots:
                owners[slot] = links[address]
        arrivals: dict[Link, list[str]] = {}
        for channel, slot in self._channels.items():
            before, after = self._owners[slot], owners[slot]
            if before is after and slot not in moved:
                continue
            if before is not None:
                before.forget(channel)
            if after is not None:
                arrivals.setdefault(after, []).append(channel)
        for address, link in links.items():
            slot, canary = slot_of(link.canary), link.canary
            if slot not in masters[address]:
                canary = canary_in(masters[address], self._member)
            if link in arrivals or canary != link.canary or slot in moved:
                link.adopt(arrivals.get(link, ()), canary)
        self._gone += [link for address, link in self._links.items() if address not in links]
        fresh = [link for address, link in links.items() if address not in self._links]
        self._masters, self._links, self._owners = masters, links, owners
        self._complete = None not in owners
        if fresh or self._gone:
            log.info("bus.cluster", masters=sorted(map(str, masters)), complete=self._complete)
        outcomes = [
            link.open(self._receive, self._back, away=self._doubt.set, moved=self._slot_moved)
            for link in fresh
        ]
        await self._close_gone()
        if outcomes:
            await asyncio.wait(outcomes, timeout=START_TIMEOUT)

    def _new_link(self, address: Address, masters: Masters) -> Link:
        canary = canary_in(masters[address], self._member)
        return Link(address, SHARDED, self._member, canary, self.counts, connected_before=bool(self._masters))

    async def _close_gone(self) -> None:
        await asyncio.gather(*(link.close() for link in self._gone))
        self._gone.clear()

    def _back(self) -> None:
        self._gap()

    def _slot_moved(self, slot: int) -> None:
        self._moved.add(slot)
        self._doubt.set()
