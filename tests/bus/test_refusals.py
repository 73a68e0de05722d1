"""What Redis says when it refuses, as far as it may be told."""

import asyncio

from coachwire.bus.connection import Address, connect, pack


async def test_a_refusal_does_not_quote_what_was_sent(redis_url: str) -> None:
    connection = await connect(Address.from_url(redis_url), "coachwire-test", lambda _: None)
    connection.send((pack((b"NOSUCHTHING", b"cw:user:1", b"canary")),))
    async with asyncio.timeout(5):
        assert await connection.lost == "ERR unknown command 'NOSUCHTHING'"
