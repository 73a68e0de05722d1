"""What a page's links cost: 50 messages of 10 files, each with a thumbnail. `python -m bench.links`

Pure computation: nothing is asked of any store."""

import asyncio
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from coachwire.blobs.links import Links
from coachwire.blobs.local import LocalBlobs
from coachwire.blobs.s3 import S3Blobs
from coachwire.settings import S3
from coachwire.shown import MessageRow, show

MESSAGES = 50
FILES = 10  # a message
PAGES = 200


def page() -> list[MessageRow]:
    now = datetime.now(UTC)
    return [
        MessageRow(
            uuid4(), uuid4(), uuid4(), "Noa Lev", "coach", uuid4(), None, "look at these", now, now, None, None, False,
            None, json.dumps([file() for _ in range(FILES)]),
        )
        for _ in range(MESSAGES)
    ]  # fmt: skip


def file() -> tuple[str, str, str, int, str, str]:
    return str(uuid4()), "image", "image/jpeg", 3_000_000, key(".jpg"), key("-small.jpg")


def key(ending: str) -> str:
    return f"organizations/{uuid4()}/{uuid4()}{ending}"


def measure(name: str, links: Links, rows: list[MessageRow]) -> None:
    taken = []
    for _ in range(PAGES):
        begin = time.perf_counter()
        for row in rows:
            show(row, links)
        taken.append((time.perf_counter() - begin) * 1000)
    print(
        f"{name:<24} median {statistics.median(taken):6.2f} ms   p95 {sorted(taken)[PAGES * 95 // 100]:6.2f} ms"
    )


async def main() -> None:
    s3 = S3(
        endpoint_url="https://files.example.com",
        bucket="gym",
        access_key_id="id",
        secret_access_key="key" * 10,
        region="auto",
    )
    with TemporaryDirectory() as folder:
        bucket = await S3Blobs.open(s3)
        try:
            local, rows = Links(LocalBlobs(Path(folder), lambda: "http://127.0.0.1:8080")), page()
            measure("without files", local, [row._replace(attachments=None) for row in rows])
            measure("a folder", local, rows)
            measure("a bucket", Links(bucket), rows)
        finally:
            await bucket.close()


if __name__ == "__main__":
    asyncio.run(main())
