"""Files put into the server's own folder: what a bucket would see to by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings

from ..files import picture
from ..gym import SECRET, Place
from .uploading import put, ready_upload, request_upload


async def test_who_puts_slowly_holds_up_nobody_else(gym: Place, http: ClientSession) -> None:
    body = picture()
    release = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def slowly(link: Any) -> int:
        async def trickle() -> AsyncIterator[bytes]:
            yield body[:10]
            begun.release()
            await release.wait()
            yield body[10:]

        headers = link["headers"] | {"Content-Length": str(len(body))}
        async with http.put(link["uploadUrl"], data=trickle(), headers=headers) as answer:
            return answer.status

    links = [await request_upload(http, gym.member, len(body)) for _ in range(7)]
    slow = [asyncio.create_task(slowly(link)) for link in links[:6]]
    for _ in slow:
        await begun.acquire()
    while (status := await put(http, links[6], body)) == 200:  # the sixth had not come in yet
        links[6] = await request_upload(http, gym.member, len(body))
    assert status == 503
    await ready_upload(http, gym.coach)
    release.set()
    assert await asyncio.gather(*slow) == [200] * 6
    assert await put(http, links[6], body) == 200


async def test_pages_of_allowed_origins_put_and_see_files(
    database_url: str, gym: Place, tmp_path: Path
) -> None:
    page = "https://app.example.com"
    settings = Settings(
        database_url=database_url, jwt_secret=SECRET, home=tmp_path, allowed_origins=frozenset({page})
    )
    async with TestServer(init_app(settings)) as server, ClientSession(server.make_url("/")) as http:
        link = await request_upload(http, gym.coach, len(body := picture()))
        asked = {
            "Origin": page,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,if-none-match",
        }
        async with http.options(link["uploadUrl"], headers=asked) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == page
            assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]
        async with http.put(
            link["uploadUrl"], data=body, headers=link["headers"] | {"Origin": page}
        ) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, page)
