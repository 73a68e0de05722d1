"""Messages by their words."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import BadRequest
from coachwire_protocol.messages import Message
from coachwire_protocol.search import MAX_WORDS, SearchMessages

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.search.terms import query
from coachwire.search.words import words_of
from coachwire.shown import MessageRow, show

NEAR = 2_000  # of the newest messages, looked at before the index is asked: common words are met there
FEW = 2_000  # matches that are all read and sorted; of more, the newest are met by going back through what was said
FAR = 20_000  # messages that one request goes back at most; its page may be short then, and leads on


class FoundRow(NamedTuple):
    created_at: datetime
    id: UUID
    message: MessageRow | None  # None: not found, but looked through so far

    @classmethod
    def of(cls, created_at: datetime, id_: UUID, *columns: object) -> "FoundRow":
        message = MessageRow._make(columns)
        return cls(created_at, id_, message if message.id is not None else None)


MESSAGES = Query("search/messages", FoundRow.of)


@operation(SearchMessages)
async def search_messages(scope: Scope, actor: Actor, request: SearchMessages) -> Outcome:
    """What the caller may see and stands as indexed, newest first. A page may be short, or empty, and lead on."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    words = words_of(request.q)
    if not words:
        raise BadRequest.at("q", "Expected at least one letter or digit.")
    if len(words) > MAX_WORDS:
        raise BadRequest.at("q", f"Expected at most {MAX_WORDS} words.")
    staff = own.role != "member"
    rows = await MESSAGES.rows(
        scope.tx,
        actor.user_id,
        staff,
        request.organization_id,
        query(UUID(request.organization_id), UUID(actor.user_id), staff=staff, words=words),
        *((None, None) if request.cursor is None else decode_cursor(request.cursor)),
        request.limit + 1,
        NEAR,
        FEW,
        FAR,
    )
    page = rows[: request.limit]
    # More than asked for, or the place that was reached: then the page ends there, found or not.
    more = len(rows) > request.limit or (page and page[-1].message is None)
    return Outcome(
        data=Page[Message](
            items=tuple(show(row.message, scope.links) for row in page if row.message is not None),
            next_cursor=encode_cursor(page[-1].created_at, str(page[-1].id)) if more else None,
        )
    )
