"""The settings of where files lie: whole, or one line that says what is wrong."""

from pathlib import Path

import pytest
from coachwire.settings import S3, Settings, SettingsError

BUCKET = {
    "S3_ENDPOINT_URL": "https://0123.r2.cloudflarestorage.com/",
    "S3_BUCKET": "coachwire",
    "S3_ACCESS_KEY_ID": "0123abcd",
    "S3_SECRET_ACCESS_KEY": "+/= secret",
}


def test_a_bucket_is_read_with_the_region_of_r2() -> None:
    assert Settings.from_environment(BUCKET).s3 == S3(
        endpoint_url="https://0123.r2.cloudflarestorage.com",
        bucket="coachwire",
        access_key_id="0123abcd",
        secret_access_key="+/= secret",
        region="auto",
    )
    told = Settings.from_environment(BUCKET | {"S3_REGION": "eu-central-1"})
    assert told.s3 is not None
    assert told.s3.region == "eu-central-1"
    assert "secret" not in repr(told.s3)


def test_without_a_bucket_files_lie_at_home() -> None:
    settings = Settings.from_environment({})
    assert (settings.s3, settings.home, settings.public_url) == (None, Path(".coachwire"), None)
    told = Settings.from_environment({"COACHWIRE_PUBLIC_URL": "https://chat.example.com/"})
    assert told.public_url == "https://chat.example.com"


HTTPS = "expected an https:// address (http:// on this machine only)"
BARE = "expected an address that ends after host and port"
NAME = "expected a bucket's name of 3 to 63 small letters, digits, points and hyphens, got"
TOGETHER = "is not set: the S3_ settings go together"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("S3_BUCKET", "", f"S3_BUCKET {TOGETHER}"),
        ("S3_ENDPOINT_URL", "", f"S3_ENDPOINT_URL {TOGETHER}"),
        ("S3_SECRET_ACCESS_KEY", "", f"S3_SECRET_ACCESS_KEY {TOGETHER}"),
        ("S3_ENDPOINT_URL", "http://s3.example.com", f"S3_ENDPOINT_URL: {HTTPS}"),
        ("S3_ENDPOINT_URL", "https://s3.example.com/bucket", f"S3_ENDPOINT_URL: {BARE}"),
        ("S3_ENDPOINT_URL", "https://me:word@s3.example.com", f"S3_ENDPOINT_URL: {BARE}"),
        ("S3_BUCKET", "My Bucket", f"S3_BUCKET: {NAME} 'My Bucket'"),
        ("S3_BUCKET", "ab", f"S3_BUCKET: {NAME} 'ab'"),
        ("S3_ACCESS_KEY_ID", "a b", "S3_ACCESS_KEY_ID: expected letters, digits, hyphens and points"),
        ("S3_REGION", "../x", "S3_REGION: expected letters, digits, hyphens and points"),
        ("S3_SECRET_ACCESS_KEY", "ab\ncd", "S3_SECRET_ACCESS_KEY: expected printable ASCII"),
        ("COACHWIRE_PUBLIC_URL", "chat.example.com", f"COACHWIRE_PUBLIC_URL: {HTTPS}"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(BUCKET | {name: text})
    assert str(refused.value) == said
