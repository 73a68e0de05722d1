"""Connections that take their time, against a real instance."""

import asyncio
from urllib.parse import urlsplit

from .gym import open_gym
from .instances import instances

LATEST = 13.0  # s; 10 and what a busy machine adds


async def test_who_does_not_get_on_with_a_request_is_cut_and_others_are_served(database_url: str) -> None:
    gym = await open_gym(database_url, "harbor")
    slow_body = (
        f"POST /v1/organizations/{gym.organization_id}/messages HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {gym.coach.token}\r\nContent-Length: 100\r\n\r\n{{"
    ).encode()
    async with instances(1, database_url) as (server,):
        address = urlsplit(server.url)

        async def ends_after(beginning: bytes) -> tuple[float, bytes]:
            began = asyncio.get_running_loop().time()
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(beginning)
            try:
                async with asyncio.timeout(LATEST):
                    heard = (
                        await reader.readuntil(b"\r\n\r\n") if b"POST" in beginning else await reader.read()
                    )
            except (ConnectionError, asyncio.IncompleteReadError):
                heard = b""
            finally:
                writer.transport.abort()
            return asyncio.get_running_loop().time() - began, heard

        silent, half_header, half_body, served = await asyncio.gather(
            ends_after(b""),
            ends_after(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow"),
            ends_after(slow_body),
            ends_after(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        )
    assert silent[1] == half_header[1] == b""
    assert half_body[1].startswith(b"HTTP/1.1 400 Bad Request")
    assert served[1].startswith(b"HTTP/1.1 200 OK")
    assert served[0] < min(silent[0], half_header[0], half_body[0])
