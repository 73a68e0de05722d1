"""Ids and refs: how a thing, and a question, is named on the wire."""

import re
from typing import Annotated, Final

from msgspec import Meta

UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MAX_INTEGER: Final = 2**53 - 1  # what a double holds exactly: the largest integer every client can read

# The lengths are not redundant: `$` alone would let a trailing newline through.
Id = Annotated[
    str, Meta(pattern=UUID_PATTERN, min_length=36, max_length=36, description="A lower-case UUID.")
]

Ref = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Position = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="A place in a stream.")]

_matches = re.compile(UUID_PATTERN).match


def is_id(text: str) -> bool:
    """Whether the text is an id as it stands on the wire: a UUID in lower case, nothing before or after."""
    return len(text) == 36 and _matches(text) is not None
