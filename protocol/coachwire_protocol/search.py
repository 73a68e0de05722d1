"""Messages by their words: asked for over REST, in pages."""

from typing import Annotated, Final

from msgspec import Meta

from .conversations import Cursor, PageLimit
from .ids import Id
from .shape import Wire

MAX_SEARCH: Final = 200  # code points
MAX_WORDS: Final = 12

Words = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SEARCH,
        description="Beginnings of words, all of which must stand in a message.",
    ),
]


class SearchMessages(Wire, frozen=True, kw_only=True):
    """The caller's own conversations and the threads that they see. `q` has 1 to 12 words, of letters or digits."""

    organization_id: Id
    q: Words
    limit: PageLimit = 50
    cursor: Cursor | None = None
