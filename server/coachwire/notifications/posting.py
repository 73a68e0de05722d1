"""A POST to an address that is not ours, and how it ended: nothing is followed, no answer is read beyond a bound."""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from aiohttp import ClientConnectorCertificateError, ClientError, ClientResponse, ClientSession

from coachwire.notifications.gate import RefusedAddress

DRAINED = 16_384  # bytes of an answer; read so that the connection can serve again, beyond that closed
DRAIN = 1.0  # s for that


class Answer(NamedTuple):
    """`status` is None when there was none; then `problem` says why, in a word or two that name nobody."""

    status: int | None
    problem: str = ""
    retry_after: float | None = None  # s

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Ending(NamedTuple):
    """What is written down of an attempt. `again`: to be tried again, not before `wait` (s)."""

    state: Literal["sent", "again", "dropped", "dead"]
    problem: str | None = None
    wait: float = 0.0
    forget: bool = False  # the browser's subscription is no more


async def post(http: ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Raises nothing that a receiver could bring about."""
    try:
        async with http.post(url, data=body, headers=headers, allow_redirects=False) as response:
            await _drain(response)
            status = response.status
            kind = "redirect" if 300 <= status < 400 else "status"
            return Answer(status, f"{kind} {status}", _retry_after(response.headers.get("Retry-After")))
    except TimeoutError:
        return Answer(None, "timeout")
    except ClientConnectorCertificateError:
        return Answer(None, "certificate")
    except (ClientError, OSError, ValueError) as error:
        refused = isinstance(getattr(error, "os_error", error), RefusedAddress)
        return Answer(None, "refused address" if refused else "unreachable")


async def _drain(response: ClientResponse) -> None:
    read = 0
    try:
        async with asyncio.timeout(DRAIN):
            async for chunk in response.content.iter_any():
                read += len(chunk)
                if read > DRAINED:
                    break
            else:
                return
    except (TimeoutError, ClientError):
        pass
    response.close()  # the status has been said; the rest concerns nobody


def _retry_after(value: str | None) -> float | None:
    """Seconds, as a number or until a date; None for anything else."""
    if value is None:
        return None
    try:
        return float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
