"""What every store does: objects by links, as phones put and get them, and as the server does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from coachwire.blobs import Changed, Stored

from .conftest import JPEG, Store


@pytest.fixture
def key() -> str:
    return f"messages/{uuid4()}/{uuid4()}/{uuid4()}.jpg"


async def test_what_is_put_by_a_link_is_shown_by_another(store: Store, key: str) -> None:
    link = store.blobs.presign_put(key, "image/jpeg", len(JPEG))
    assert (link.method, link.headers) == ("PUT", {"Content-Type": "image/jpeg", "If-None-Match": "*"})
    left = link.expires_at - datetime.now(UTC)
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)
    assert await store.blobs.head(key) is None

    assert await store.put(link, JPEG) == 200

    found = await store.blobs.head(key)
    assert found is not None
    assert found == Stored(len(JPEG), "image/jpeg", found.etag)
    async with store.http.get(store.blobs.presign_get(key)) as answer:
        assert (answer.status, await answer.read()) == (200, JPEG)
        assert answer.content_type == "image/jpeg"
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_a_link_takes_exactly_what_was_signed(store: Store, key: str) -> None:
    link = store.blobs.presign_put(key, "image/jpeg", len(JPEG))
    for body, headers in (
        (JPEG + b"!", {}),
        (JPEG[:-1], {}),
        (b"", {}),
        (JPEG * 10, {}),
        (JPEG, {"Content_Type": "text/html"}),
        (JPEG, {"Content_Type": "image/jpeg; charset=utf-8"}),
        (JPEG, {"Content_Type": None}),
        (JPEG, {"If_None_Match": None}),
        (JPEG, {"If_None_Match": '"other"'}),
    ):
        assert await store.put(link, body, **headers) == 403, (body, headers)
    assert await store.blobs.head(key) is None
    assert await store.put(link, JPEG) == 200


async def test_a_body_of_no_told_length_is_refused(store: Store, key: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield JPEG

    link = store.blobs.presign_put(key, "image/jpeg", len(JPEG))
    async with store.http.put(link.url, data=chunks(), headers=link.headers) as answer:
        assert answer.status in (403, 411)
    assert await store.blobs.head(key) is None


async def test_a_changed_link_opens_nothing(store: Store, key: str) -> None:
    await store.stored(key)
    other = key.replace("messages/", "messages/x")
    put = store.blobs.presign_put(other, "image/jpeg", len(JPEG))
    get = store.blobs.presign_get(key)
    for url in _forged(put.url):
        assert await store.put(put, JPEG, url=url) in (400, 403, 404), url
    assert await store.blobs.head(other) is None
    for url in _forged(get):
        async with store.http.get(url) as answer:
            assert answer.status in (400, 403, 404), url
            assert JPEG not in await answer.read()


async def test_a_link_serves_one_purpose(store: Store, key: str) -> None:
    put = store.blobs.presign_put(key, "image/jpeg", len(JPEG))
    async with store.http.get(put.url) as answer:
        assert answer.status == 403
    assert await store.put(put, JPEG, url=store.blobs.presign_get(key)) == 403
    await store.stored(key)
    for url in (put.url, store.blobs.presign_get(key)):
        async with store.http.delete(url) as answer:
            assert answer.status in (403, 405)
    assert await store.blobs.head(key) is not None


async def test_a_link_ends_with_its_time(store: Store, key: str) -> None:
    assert await store.put(store.earlier.presign_put(key, "image/jpeg", len(JPEG)), JPEG) == 403
    await store.stored(key)
    async with store.http.get(store.earlier.presign_get(key)) as answer:
        assert answer.status == 403


async def test_a_link_puts_once(store: Store, key: str) -> None:
    link = store.blobs.presign_put(key, "image/jpeg", len(JPEG))
    assert await store.put(link, JPEG) == 200
    assert await store.put(link, JPEG[::-1]) == 412
    assert await store.shown(key) == (200, JPEG)


async def test_of_two_who_put_at_once_one_is_stored_whole(store: Store, key: str) -> None:
    bodies = [bytes([letter]) * 300_000 for letter in b"abcd"]
    link = store.blobs.presign_put(key, "image/jpeg", 300_000)
    statuses = await asyncio.gather(*(store.put(link, body) for body in bodies))
    assert statuses.count(200) >= 1
    assert set(statuses) <= {200, 409, 412}
    status, body = await store.shown(key)
    assert status == 200
    assert body in bodies


async def test_parts_of_an_object_are_shown(store: Store, key: str) -> None:
    await store.stored(key)
    assert await store.shown(key, Range="bytes=2-5") == (206, JPEG[2:6])
    assert await store.shown(key, Range="bytes=-4") == (206, JPEG[-4:])
    assert (await store.shown(key, Range="bytes=1000-"))[0] == 416


async def test_nothing_is_shown_where_nothing_is(store: Store, key: str) -> None:
    assert (await store.shown(key))[0] == 404


async def test_the_server_reads_the_object_that_it_means(store: Store, key: str, tmp_path: Path) -> None:
    etag = await store.stored(key)
    assert await store.blobs.start_of(key, etag, 3) == b"\xff\xd8\xff"
    assert await store.blobs.start_of(key, etag, 1000) == JPEG
    await store.blobs.get(key, etag, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == JPEG


async def test_an_object_that_was_replaced_is_not_read(store: Store, key: str, tmp_path: Path) -> None:
    etag = await store.stored(key)
    await store.blobs.delete([key])
    for changed in (False, True):
        if changed:
            await store.stored(key, JPEG[::-1])
        with pytest.raises(Changed):
            await store.blobs.start_of(key, etag, 3)
        with pytest.raises(Changed):
            await store.blobs.get(key, etag, tmp_path / "copy")


async def test_the_server_writes_over_what_was_there(store: Store, key: str, tmp_path: Path) -> None:
    await store.stored(key)
    (tmp_path / "new").write_bytes(b"new")
    await store.blobs.put(key, tmp_path / "new", "image/jpeg")
    assert await store.shown(key) == (200, b"new")


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: Store, key: str) -> None:
    await store.stored(key)
    other = key.replace("messages/", "messages/x")
    await store.stored(other)
    for _ in range(2):
        await store.blobs.delete([key, f"{key}.never"])
        assert await store.blobs.head(key) is None
    await store.blobs.delete([])
    assert await store.shown(other) == (200, JPEG)


def _forged(url: str) -> list[str]:
    """The link, changed in each of its parts."""
    address, _, query = url.partition("?")
    parts = query.split("&")
    changed = [
        "&".join([*parts[:i], part[:-1] + ("1" if part[-1] != "1" else "2"), *parts[i + 1 :]])
        for i, part in enumerate(parts)
    ]
    return [
        address,
        f"{address[:-4]}0.jpg?{query}",
        f"{address[:-4]}.html?{query}",
        *(f"{address}?{one}" for one in changed),
        *(f"{address}?{'&'.join(parts[:i] + parts[i + 1 :])}" for i in range(len(parts))),
    ]


async def test_the_keys_below_a_folder_are_told_in_order(store: Store, tmp_path: Path) -> None:
    assert await store.blobs.below("ledger") == []
    (tmp_path / "file").write_bytes(b"{}")
    for key in ("ledger/b/2.json", "ledger/a/1.json", "ledger-not/3.json"):
        await store.blobs.put(key, tmp_path / "file", "application/json")
    assert await store.blobs.below("ledger") == ["ledger/a/1.json", "ledger/b/2.json"]
    await store.blobs.delete(["ledger/b/2.json", "ledger/a/1.json", "ledger-not/3.json"])
    assert await store.blobs.below("ledger") == []
