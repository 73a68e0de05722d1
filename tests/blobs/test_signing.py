"""Links to a bucket are, letter by letter, those of the library that everybody signs with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth  # type: ignore[import-untyped] # it has no types
import botocore.session  # type: ignore[import-untyped] # it has no types
import pytest
from botocore.config import Config  # type: ignore[import-untyped] # it has no types
from coachwire.blobs.sigv4 import Signer

KEY = "messages/0b9f3c52-4d0e-4f3f-9f0d-0a8f5ad1c001/u-1/7f.thumb.webp"
NOW = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("endpoint_url", "region", "access_key_id"),
    [
        ("https://0123456789abcdef.r2.cloudflarestorage.com", "auto", "AKIDEXAMPLE"),
        ("http://127.0.0.1:9000", "us-east-1", "the.tests-1_2"),
        ("https://S3.example.com:443", "eu-central-1", "AKID"),
    ],
)
def test_links_are_signed_as_botocore_signs_them(
    monkeypatch: pytest.MonkeyPatch, endpoint_url: str, region: str, access_key_id: str
) -> None:
    clock = NOW
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: clock)
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY EXAMPLEKEY"
    theirs: Any = botocore.session.Session().create_client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
        ),
    )
    ours = Signer(
        endpoint_url=endpoint_url,
        bucket="the-bucket",
        access_key_id=access_key_id,
        secret_access_key=secret,
        region=region,
    )
    for _ in range(3):  # over midnight
        params: dict[str, object] = {"Bucket": "the-bucket", "Key": KEY}
        assert ours.get(KEY, clock, 900) == theirs.generate_presigned_url(
            "get_object", params | {"ResponseContentDisposition": "attachment"}, ExpiresIn=900
        )
        assert ours.put(KEY, "video/quicktime", 50_000_000, clock, 600) == theirs.generate_presigned_url(
            "put_object",
            params | {"ContentType": "video/quicktime", "ContentLength": 50_000_000, "IfNoneMatch": "*"},
            ExpiresIn=600,
        )
        clock += timedelta(seconds=1)
