"""Signs links to an S3 bucket: AWS Signature Version 4 in the query, as `botocore` writes it, letter by letter.

Pure computation, some microseconds a link: a page of messages has hundreds. The key of a day is made once."""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"
ATTACHMENT: Final = "response-content-disposition=attachment"  # what lies there is never a page of its own


class Signer:
    """Of one bucket, addressed by path. Keys are of letters, digits, `-_./` only: nothing needs to be quoted."""

    def __init__(
        self, *, endpoint_url: str, bucket: str, access_key_id: str, secret_access_key: str, region: str
    ) -> None:
        self._endpoint_url = endpoint_url
        parts = urlsplit(endpoint_url)
        standard = {"http": 80, "https": 443}[parts.scheme]
        self._host = parts.netloc.lower().removesuffix(f":{standard}")  # as clients send it
        self._bucket = bucket
        self._access_key_id = access_key_id
        self._secret = secret_access_key
        self._region = region
        self._day = ""
        self._day_key = b""
        self._scope = ""
        self._last_asked: tuple[datetime, int] | None = None
        self._last = ("", "")

    def get(self, key: str, at: datetime, seconds: int) -> str:
        """A link that shows the object, from this time on."""
        if (at, seconds) != self._last_asked:  # a page's links are made in the same second
            stamp = self._stamp(at)
            self._last_asked, self._last = (at, seconds), (stamp, self._query(stamp, seconds, "host"))
        stamp, signed = self._last
        path = f"/{self._bucket}/{key}"
        signature = self._sign(
            stamp, f"GET\n{path}\n{signed}&{ATTACHMENT}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        )
        return f"{self._endpoint_url}{path}?{ATTACHMENT}&{signed}&X-Amz-Signature={signature}"

    def put(self, key: str, mime_type: str, size: int, at: datetime, seconds: int) -> str:
        """A link that takes such an object where there is none."""
        stamp = self._stamp(at)
        headers = "content-length;content-type;host;if-none-match"
        signed = self._query(stamp, seconds, headers.replace(";", "%3B"))
        path = f"/{self._bucket}/{key}"
        signature = self._sign(
            stamp,
            f"PUT\n{path}\n{signed}\ncontent-length:{size}\ncontent-type:{mime_type}\nhost:{self._host}\n"
            f"if-none-match:*\n\n{headers}\nUNSIGNED-PAYLOAD",
        )
        return f"{self._endpoint_url}{path}?{signed}&X-Amz-Signature={signature}"

    def _query(self, stamp: str, seconds: int, headers: str) -> str:
        """In the order of the letters, as it is signed."""
        credential = quote(f"{self._access_key_id}/{self._scope}", safe="")
        return (
            f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={stamp}"
            f"&X-Amz-Expires={seconds}&X-Amz-SignedHeaders={headers}"
        )

    def _stamp(self, at: datetime) -> str:
        """The time as it is signed; makes the day's key with the first link of a day."""
        stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        if (day := stamp[:8]) != self._day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), sha256)
            self._day, self._day_key, self._scope = day, key, f"{day}/{self._region}/s3/aws4_request"
        return stamp

    def _sign(self, stamp: str, request: str) -> str:
        told = f"{ALGORITHM}\n{stamp}\n{self._scope}\n{sha256(request.encode()).hexdigest()}"
        return hmac.digest(self._day_key, told.encode(), sha256).hex()
