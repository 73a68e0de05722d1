"""redis-py's client, for what is rare: of a server or of a cluster, as `REDIS_URL` says."""

from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from coachwire.bus.topology import addresses, is_cluster, servers


def redis_client(url: str, *, connections: int, deadline: float) -> Redis:
    """Connects when it is first used; a server is asked once, a cluster twice.

    Of a cluster only what both have may be used: single commands, and pipelines without a transaction.
    """
    if not is_cluster(url):
        return Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=deadline,
                socket_timeout=deadline,
                socket_connect_timeout=deadline,
                retry=Retry(NoBackoff(), 0),
            )
        )
    cluster = RedisCluster.from_url(
        servers(url)[0],
        startup_nodes=[ClusterNode(address.host, address.port) for address in addresses(url)],
        max_connections=8 * connections,  # there is no waiting for one: beyond this it is an error
        # Half, so that a silent master is told from a silent cluster before the caller gives up, and replaced.
        socket_timeout=deadline / 2,
        socket_connect_timeout=deadline / 2,
        retry=Retry(NoBackoff(), 1),  # without a second try it never looks where the slots are now
        require_full_coverage=False,
    )
    return cast("Redis", cluster)
