"""Which server of a Redis Cluster serves which slots, as the cluster itself tells."""

import asyncio
import itertools
import random
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import hiredis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from coachwire.bus.connection import CONNECT_TIMEOUT, Address, connect
from coachwire.topics import canary_channel

SLOTS = REDIS_CLUSTER_HASH_SLOTS
ASKED = 3  # servers at a time: one may be cut off from the others and not know it

Masters = dict[Address, set[int]]


@dataclass(frozen=True, slots=True)
class Topology:
    """`epoch` rises with every change that the servers agreed on; `masters` are those that serve slots."""

    epoch: int
    masters: Masters


def is_cluster(url: str) -> bool:
    """Whether it begins with `redis+cluster://` or, with TLS, `rediss+cluster://`."""
    return "+cluster://" in url


def servers(url: str) -> list[str]:
    """A plain URL for each server that this one names: a cluster's may name several, separated by commas.

    Raises `ValueError` for another scheme.
    """
    if not is_cluster(url):
        return [url]
    scheme, _, rest = url.partition("+cluster://")
    if scheme not in ("redis", "rediss"):
        raise ValueError(
            "expected a Redis Cluster's address to begin with redis+cluster:// or rediss+cluster://"
        )
    place, mark, options = rest.partition("?")
    credentials, at, hosts = place.rpartition("@")
    return [
        f"{scheme}://{credentials}{at}{host}{mark}{options}" for host in hosts.removesuffix("/").split(",")
    ]


def addresses(url: str) -> list[Address]:
    """The servers that this URL names; raises `ValueError` as `Address` does."""
    first, *others = map(Address.from_url, servers(url))
    # One context for TLS: by it, too, addresses are told apart.
    return [first, *(replace(first, host=other.host, port=other.port) for other in others)]


def slot_of(channel: str) -> int:
    slot: int = key_slot(channel.encode())
    return slot


def canary_in(slots: Container[int], member: bytes) -> str:
    """A channel by which the master that serves these slots can be proved."""
    names = (canary_channel(member, number) for number in itertools.count())
    return next(name for name in names if slot_of(name) in slots)


async def learn(known: Iterable[Address]) -> Topology:
    """Ask some of these servers, others if none of them answers, and believe who knows the newest epoch.

    Takes a second or two for every three that are silent. Raises what the last one raised.
    """
    left = random.sample(candidates := list(known), len(candidates))
    problem: BaseException = ConnectionError("no server is known")
    while left:
        some, left = left[:ASKED], left[ASKED:]
        answers = await asyncio.gather(*map(_ask, some), return_exceptions=True)
        if told := [answer for answer in answers if isinstance(answer, Topology)]:
            return max(told, key=lambda topology: topology.epoch)
        problem = next(answer for answer in answers if isinstance(answer, BaseException))
    raise problem


async def _ask(address: Address) -> Topology:
    connection = await connect(address, "coachwire-topology", lambda _reply: None)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            info = await connection.ask("CLUSTER", "INFO")
            slots = await connection.ask("CLUSTER", "SLOTS")
    finally:
        connection.abort("done")
    return Topology(_epoch(cast("bytes", info)), _masters(cast("list[Any]", slots), address))


def _epoch(info: bytes) -> int:
    """From lines such as `cluster_current_epoch:6`."""
    fields = dict(line.partition(":")[::2] for line in info.decode().splitlines())
    return int(fields.get("cluster_current_epoch", 0))


def _masters(slots: list[Any], asked: Address) -> Masters:
    """From `[first, last, [host, port, …], replicas…]` per range of slots."""
    masters: Masters = {}
    for first, last, (host, port, *_), *_ in slots:
        if host == b"?":
            continue  # the one who answers does not know where it is
        where = replace(asked, host=host.decode() if host else asked.host, port=port)
        masters.setdefault(where, set()).update(range(first, last + 1))
    if not masters:
        raise hiredis.ReplyError("the cluster serves no slots")
    return masters
