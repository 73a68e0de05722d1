"""Files put into the server's own folder: what a bucket would see to by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.keys import BLOBS, SETTINGS
from coachwire.rest.receiving import RECEIVING
from coachwire.settings import Settings
from yarl import URL

from ..files import picture
from ..gym import SECRET, Place
from ..phone import PATIENCE
from .platform import Tables, join
from .uploading import put, ready_upload, request_upload

SIZE = 100_000  # bytes that are promised and do not come


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


async def begin_put(link: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The head of a request and one byte of its body, on a socket of its own."""
    url = URL(link["uploadUrl"])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [f"PUT {url.raw_path_qs} HTTP/1.1", f"Host: {url.host}:{url.port}", f"Content-Length: {SIZE}"]
    head += [f"{name}: {value}" for name, value in link["headers"].items()]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode() + b"x")
    await writer.drain()
    return reader, writer


async def until_there(server: TestServer, bodies: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if len(server.app[RECEIVING]) >= bodies:
                return
            await asyncio.sleep(0.01)


async def status_of(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


async def test_a_body_that_comes_byte_by_byte_is_given_up(
    gym: Place, http: ClientSession, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.rest.receiving.GRACE", 0.3)
    reader, writer = await begin_put(await request_upload(http, gym.member, SIZE))

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        assert await status_of(reader) == 403
    finally:
        dripping.cancel()
        writer.close()
    assert len(server.app[RECEIVING]) == 0
    assert list((server.app[SETTINGS].home / "blobs").glob(".parts/*")) == []
    await ready_upload(http, gym.member)


async def test_few_people_who_hold_all_places_make_room_for_others(
    gym: Place, other_gym: Place, http: ClientSession, server: TestServer
) -> None:
    store = server.app[BLOBS]
    opened = []
    for _ in range(11):
        folder = f"incoming/messages/{gym.organization_id}/{uuid4()}"
        for _ in range(6):
            signed = store.presign_put(f"{folder}/{uuid4()}.jpg", "image/jpeg", SIZE)
            url = URL(signed.url).with_host(str(server.host)).with_port(server.port)
            opened.append(await begin_put({"uploadUrl": str(url), "headers": signed.headers}))
    await until_there(server, 64)
    await ready_upload(http, gym.member)
    cut = [asyncio.create_task(status_of(reader)) for reader, _ in opened]
    done, waiting = await asyncio.wait(cut, timeout=0.5)
    assert {task.result() for task in done} == {503}
    assert len(waiting) >= 60
    for task in waiting:
        task.cancel()
    for _, writer in opened:
        writer.close()


async def test_the_places_of_one_person_are_the_same_in_all_their_gyms(
    gym: Place, other_gym: Place, http: ClientSession, server: TestServer, database: Tables
) -> None:
    elsewhere = await join(database, gym.member, other_gym, "member")
    opened = [await begin_put(await request_upload(http, gym.member, SIZE)) for _ in range(6)]
    await until_there(server, 6)
    body = picture()
    assert await put(http, await request_upload(http, elsewhere, len(body)), body) == 503
    for _, writer in opened:
        writer.close()


async def test_what_comes_long_after_its_link_is_over_is_not_taken(
    gym: Place, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.blobs.local.PUT_SECONDS", 1)
    monkeypatch.setattr("coachwire.rest.blobs.LATE", 0.2)
    reader, writer = await begin_put(await request_upload(http, gym.member, SIZE))
    assert await status_of(reader) == 403
    writer.close()
