"""What it costs to sign the links of a page: 50 messages with ten attachments each. `python -m bench.links`"""

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from coachwire.blobs import Blobs
from coachwire.blobs_local import LocalBlobs
from coachwire.blobs_s3 import S3Blobs
from coachwire.settings import S3

PAGE = 500
RUNS = 200
BUCKET = S3(
    endpoint_url="https://0123456789abcdef.r2.cloudflarestorage.com",
    bucket="coachwire",
    access_key_id="0123456789abcdef0123456789abcdef",
    secret_access_key="0123456789abcdef" * 4,
)


async def main() -> None:
    with TemporaryDirectory() as folder:
        bucket = await S3Blobs.open(BUCKET)
        _measure("S3", bucket)
        await bucket.close()
        _measure("folder", LocalBlobs(Path(folder), lambda: "http://127.0.0.1:8080"))


def _measure(name: str, blobs: Blobs) -> None:
    keys = [f"messages/{uuid4()}/{uuid4()}/{uuid4()}.jpg" for _ in range(PAGE)]
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for key in keys:
            blobs.presign_get(key)
        times.append((time.perf_counter() - started) * 1000)
    print(f"{name}: {PAGE} links in {statistics.median(times):.2f} ms (worst of {RUNS}: {max(times):.2f} ms)")


if __name__ == "__main__":
    asyncio.run(main())
