"""Times on the wire: RFC 3339 in UTC, six digits of a second, `Z`."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

Time = Annotated[
    str,
    Meta(
        description="RFC 3339 in UTC with microseconds, such as 2026-01-31T09:30:00.000000Z.",
        extra_json_schema={"format": "date-time"},
    ),
]

_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z", re.ASCII
)


def wire_time(at: datetime) -> str:
    """Six digits even when they are zero. Raises ValueError for a time without a zone: it names no moment."""
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError("expected a time with a zone, got one without")
        at = at.astimezone(UTC)
    text = at.isoformat()
    return f"{text[:26]}Z" if len(text) == 32 else f"{text[:19]}.000000Z"  # isoformat drops zero microseconds


def parse_time(text: str) -> datetime:
    """The moment in UTC; digits of the second may be missing. Raises ValueError for any other form."""
    if _FORM.fullmatch(text) is None:
        raise ValueError("expected a time such as 2026-01-31T09:30:00.000000Z")
    whole, _, fraction = text[:-1].partition(".")
    return datetime.fromisoformat(whole).replace(microsecond=int(fraction.ljust(6, "0")), tzinfo=UTC)
