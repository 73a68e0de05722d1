"""Uploads as a phone does them: a place, the bytes, `complete`, and a look until it is decided."""

import asyncio
import io
from typing import Any

from aiohttp import ClientSession

from ..files import picture
from ..gym import Someone
from .routes import call

LIMIT = 60.0  # s
TRIES = 10


async def request_upload(
    http: ClientSession, who: Someone, size: int, mime_type: str = "image/jpeg", name: str = "photo.jpg"
) -> Any:
    """The link."""
    body = {"fileName": name, "fileSize": size, "mimeType": mime_type}
    status, link = await call(http, who, "POST", "messages/upload-url", json=body)
    assert status == 200, link
    return link


async def put(http: ClientSession, link: Any, body: bytes) -> int:
    """The status. versitygw fails where it removes an empty folder meanwhile; a phone tries again as well."""
    for _ in range(TRIES):
        data = io.BytesIO(body)
        async with http.request(
            link["method"], link["uploadUrl"], data=data, headers=link["headers"]
        ) as answer:
            await answer.read()
            if answer.status not in (409, 500):
                break
    return answer.status


async def upload(
    http: ClientSession, who: Someone, body: bytes | None = None, mime_type: str = "image/jpeg"
) -> str:
    """The id of an upload whose bytes are there; nobody was told of them."""
    body = picture() if body is None else body
    link = await request_upload(http, who, len(body), mime_type)
    status = await put(http, link, body)
    assert status == 200, status
    return str(link["uploadId"])


async def complete(http: ClientSession, who: Someone, upload_id: str) -> Any:
    """What became of it."""
    status, upload = await call(http, who, "POST", f"uploads/{upload_id}/complete")
    assert status == 200, upload
    async with asyncio.timeout(LIMIT):
        while upload["state"] == "processing":
            await asyncio.sleep(0.02)
            status, upload = await call(http, who, "GET", f"uploads/{upload_id}")
            assert status == 200, upload
    return upload


async def ready_upload(
    http: ClientSession, who: Someone, body: bytes | None = None, mime_type: str = "image/jpeg"
) -> str:
    """The id of a file that may be sent."""
    upload_id = await upload(http, who, body, mime_type)
    assert await complete(http, who, upload_id) == {"uploadId": upload_id, "state": "ready"}
    return upload_id
