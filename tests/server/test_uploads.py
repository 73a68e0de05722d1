"""Files on their way into messages, through the routes, with either store behind them."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.keys import BLOBS, PROCESSING
from coachwire.settings import Settings

from ..files import box, film, head, picture, telling_picture, track
from ..gym import SECRET, Place, Someone, is_wire_time
from ..s3 import S3Server
from .platform import Tables, set_status
from .routes import call
from .uploading import complete, put, ready_upload, request_upload, upload

JPEG = {"fileName": "a.jpg", "fileSize": 100, "mimeType": "image/jpeg"}


@pytest.fixture(params=["folder", "bucket"])
def settings(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    s3_server: S3Server | None = request.getfixturevalue("s3_server") if request.param == "bucket" else None
    return Settings(
        database_url=database_url,
        jwt_secret=SECRET,
        home=tmp_path,
        s3=None if s3_server is None else s3_server.settings,
    )


async def test_a_picture_becomes_ready(gym: Place, http: ClientSession, database: Tables) -> None:
    body = telling_picture()
    link = await request_upload(http, gym.member, len(body))
    upload_id = link["uploadId"]
    key = f"messages/{gym.organization_id}/{gym.member.user_id}/{upload_id}.jpg"
    assert link == {
        "uploadId": upload_id,
        "uploadUrl": link["uploadUrl"],
        "method": "PUT",
        "headers": {"Content-Type": "image/jpeg", "If-None-Match": "*"},
        "expiresAt": link["expiresAt"],
    }
    assert is_wire_time(link["expiresAt"])
    assert link["uploadUrl"].split("?")[0].endswith(f"/incoming/{key}")

    assert await put(http, link, body) == 200
    assert await complete(http, gym.member, upload_id) == {"uploadId": upload_id, "state": "ready"}

    row = await database.fetchrow("select * from uploads where id = $1", upload_id)
    assert row is not None
    assert (row["key"], row["thumbnail_key"]) == (key, key.replace(".jpg", ".thumb.webp"))
    assert (row["mime_type"], row["type"], row["message_id"]) == ("image/jpeg", "image", None)


async def test_to_complete_again_changes_nothing(gym: Place, http: ClientSession) -> None:
    upload_id = await upload(http, gym.coach)
    answers = await asyncio.gather(*(complete(http, gym.coach, upload_id) for _ in range(4)))
    assert answers == [{"uploadId": upload_id, "state": "ready"}] * 4
    assert await complete(http, gym.coach, upload_id) == answers[0]


async def test_what_has_not_arrived_is_not_ready(gym: Place, http: ClientSession) -> None:
    body = picture()
    link = await request_upload(http, gym.coach, len(body))
    path = f"uploads/{link['uploadId']}"
    for method, where in (("POST", f"{path}/complete"), ("GET", path)):
        status, problem = await call(http, gym.coach, method, where)
        assert (status, problem["code"]) == (409, "attachment_not_ready")
    assert await put(http, link, body) == 200
    assert (await complete(http, gym.coach, link["uploadId"]))["state"] == "ready"


@pytest.mark.parametrize(
    ("mime_type", "size", "status", "code"),
    [
        ("image/jpeg", 10_000_000, 200, None),
        ("image/jpeg", 10_000_001, 413, "too_large"),
        ("image/gif", 10_000_001, 413, "too_large"),
        ("video/mp4", 50_000_000, 200, None),
        ("video/quicktime", 50_000_001, 413, "too_large"),
        ("video/mp4", 2**53 - 1, 413, "too_large"),
        ("image/jpeg", 0, 400, "bad_request"),
        ("image/jpeg", -1, 400, "bad_request"),
        ("image/jpeg", 1.5, 400, "bad_request"),
        ("image/jpeg", 10**30, 400, "bad_request"),
        ("image/svg+xml", 100, 400, "bad_request"),
        ("text/html", 100, 400, "bad_request"),
        ("image/jpg", 100, 400, "bad_request"),
        ("image/heic", 100, 400, "bad_request"),
        ("video/webm", 100, 400, "bad_request"),
        ("", 100, 400, "bad_request"),
        (None, 100, 400, "bad_request"),
    ],
)
async def test_sizes_and_types_have_their_limits(
    gym: Place, http: ClientSession, mime_type: str | None, size: float, status: int, code: str | None
) -> None:
    body = {"fileName": "x", "fileSize": size, "mimeType": mime_type}
    answered, problem = await call(http, gym.coach, "POST", "messages/upload-url", json=body)
    assert (answered, problem.get("code")) == (status, code)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("x" * 255, 200),
        ("🏋" * 255, 200),
        ("x" * 256, 400),
        ("", 400),
        ("a\0.jpg", 400),
        ("a\ud800.jpg", 400),
        ("../../../etc/passwd", 200),
        ("..\\..\\a.jpg", 200),
        ("\u202egpj.exe", 200),
        ("a.jpg?x=1#y%2e%2e/", 200),
        ("a\r\nSet-Cookie: x", 200),
    ],
)
async def test_a_name_is_held_to_its_length_and_never_part_of_a_key(
    gym: Place, http: ClientSession, name: str, status: int
) -> None:
    body = JPEG | {"fileName": name}
    answered, link = await call(http, gym.coach, "POST", "messages/upload-url", json=body)
    assert answered == status
    if status == 200:
        id_ = "[0-9a-f-]{36}"
        path = rf"(/v1/blobs|/files)/incoming/messages/{id_}/{id_}/{link['uploadId']}\.jpg"
        assert re.fullmatch(rf"http://127\.0\.0\.1:\d+{path}", link["uploadUrl"].split("?")[0])


async def test_nobody_else_knows_of_an_upload(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    upload_id = await upload(http, gym.member)

    async def refused(who: Someone, organization_id: str, of: str = upload_id) -> set[tuple[int, str]]:
        base = f"/v1/organizations/{organization_id}/uploads/{of}"
        answers = [await call(http, who, "POST", f"{base}/complete"), await call(http, who, "GET", base)]
        return {(status, problem["code"]) for status, problem in answers}

    for who in (gym.owner, gym.coach, gym.member2):
        assert await refused(who, gym.organization_id) == {(404, "not_found")}
    assert await refused(other_gym.coach, gym.organization_id) == {(403, "forbidden")}
    assert await refused(other_gym.coach, other_gym.organization_id) == {(404, "not_found")}
    assert await refused(gym.member, other_gym.organization_id) == {(403, "forbidden")}
    assert await refused(gym.member, str(uuid4())) == {(403, "forbidden")}
    assert await refused(gym.member, gym.organization_id, str(uuid4())) == {(404, "not_found")}
    await set_status(database, gym.member, "suspended")
    assert await refused(gym.member, gym.organization_id) == {(403, "forbidden")}
    status, problem = await call(http, gym.member, "POST", "messages/upload-url", json=JPEG)
    assert (status, problem["code"]) == (403, "forbidden")


async def test_so_many_may_wait_to_be_sent(gym: Place, http: ClientSession, database: Tables) -> None:
    async def ask(who: Someone) -> tuple[int, int | None]:
        status, answer = await call(http, who, "POST", "messages/upload-url", json=JPEG)
        return status, answer.get("retryAfterMs")

    answers = await asyncio.gather(*(ask(gym.member) for _ in range(43)))
    assert [status for status, _ in answers].count(200) == 40
    waits = [wait for status, wait in answers if status == 429]
    assert len(waits) == 3
    assert all(wait is not None and 800_000 < wait <= 900_000 for wait in waits)
    assert (await ask(gym.coach))[0] == 200
    await database.execute(
        "update uploads set message_id = id where id = (select max(id::text)::uuid from uploads where user_id = $1)",
        gym.member.user_id,
    )
    assert (await ask(gym.member))[0] == 200
    assert (await ask(gym.member))[0] == 429
    await _age(database, 901)
    assert (await ask(gym.member))[0] == 200


async def test_after_its_time_an_upload_is_gone(gym: Place, http: ClientSession, database: Tables) -> None:
    waiting = await upload(http, gym.coach)
    ready = await ready_upload(http, gym.coach)
    await _age(database, 901)
    for upload_id in (waiting, ready):
        for method, path in (("POST", f"uploads/{upload_id}/complete"), ("GET", f"uploads/{upload_id}")):
            status, problem = await call(http, gym.coach, method, path)
            assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "mime_type", "reason"),
    [
        (b"<html><script>alert(1)</script></html>", "image/jpeg", "type"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image/png", "type"),
        (b"\0", "image/jpeg", "type"),
        (picture("PNG"), "image/jpeg", "type"),
        (picture("JPEG"), "video/mp4", "type"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + b"\0" * 99, "video/mp4", "type"),
        (picture("JPEG")[:200], "image/jpeg", "unreadable"),
        (b"\xff\xd8\xff" + b"<html>" * 99, "image/jpeg", "unreadable"),
        (film(head(b"mvhd", 61), track(b"vide", 61, [])), "video/mp4", "too_long"),
        (film(box(b"free")), "video/mp4", "unreadable"),
    ],
)
async def test_what_is_not_what_it_says_is_refused(
    gym: Place, http: ClientSession, database: Tables, body: bytes, mime_type: str, reason: str
) -> None:
    upload_id = await upload(http, gym.coach, body, mime_type)
    refused = {"uploadId": upload_id, "state": "refused", "reason": reason}
    assert await complete(http, gym.coach, upload_id) == refused
    assert await complete(http, gym.coach, upload_id) == refused


async def test_what_is_put_in_its_place_later_is_never_shown(
    gym: Place, http: ClientSession, server: TestServer, database: Tables
) -> None:
    blobs = server.app[BLOBS]
    body = picture()
    link = await request_upload(http, gym.coach, len(body))
    assert await put(http, link, body) == 200
    assert await put(http, link, body[::-1]) == 412
    assert (await complete(http, gym.coach, link["uploadId"]))["state"] == "ready"
    row = await database.fetchrow("select key, upload_key from uploads where id = $1", link["uploadId"])
    assert row is not None
    shown = await blobs.head(row["key"])
    while (status := await put(http, link, body[::-1])) == 412:
        pass  # the original goes as soon as the file is ready
    assert status == 200  # the link lives on, its place is nobody's

    assert await blobs.head(row["key"]) == shown
    assert await database.fetchval("select count(*) from blob_garbage where key = $1", row["upload_key"]) == 1
    assert await complete(http, gym.coach, link["uploadId"]) == {
        "uploadId": link["uploadId"],
        "state": "ready",
    }


async def test_the_original_is_another_one_when_it_is_processed(
    gym: Place, http: ClientSession, server: TestServer, database: Tables
) -> None:
    upload_id = await upload(http, gym.coach)
    await database.execute(
        "update uploads set state = 'processing', etag = '\"another\"' where id = $1", upload_id
    )
    server.app[PROCESSING].wake()
    refused = {"uploadId": upload_id, "state": "refused", "reason": "changed"}
    assert await complete(http, gym.coach, upload_id) == refused
    assert await server.app[BLOBS].below(f"messages/{gym.organization_id}") == []


async def _age(database: Tables, seconds: int) -> None:
    await database.execute("update uploads set created_at = created_at - make_interval(secs => $1)", seconds)
