"""The direct messages of two people: by pages in both directions, or around one of them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import (
    FIRST_UNREAD,
    HistoryPage,
    ReadHistory,
    decode_cursor,
    decode_newer_cursor,
    encode_cursor,
    encode_newer_cursor,
    leads_to_newer,
)
from coachwire_protocol.errors import NotFound
from msgspec import UNSET, UnsetType

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.messages import ONE
from coachwire.shown import MessageRow, show


class PartnerRow(NamedTuple):
    user_id: UUID


class IdRow(NamedTuple):
    id: UUID


PARTNER = Query("conversations/partner", PartnerRow)
OLDER = Query("conversations/history", MessageRow)
NEWER = Query("conversations/newer", MessageRow)
FIRST = Query("conversations/first_unread", IdRow)

Place = tuple[datetime, str]
Rows = list[MessageRow]


@operation(ReadHistory)
async def read_history(scope: Scope, actor: Actor, request: ReadHistory) -> Outcome:
    """Direct messages with one person, newest first; also with somebody who has left."""
    await require_membership(scope.tx, actor, request.organization_id)
    partner = await PARTNER.first(scope.tx, actor.user_id, request.organization_id, request.membership_id)
    if partner is None:
        raise NotFound
    pair = _Pair(scope.tx, actor.user_id, request.organization_id, partner.user_id)
    around, cursor = request.around, request.cursor
    if around == FIRST_UNREAD:
        first = await FIRST.first(scope.tx, pair.user_id, pair.organization_id, pair.partner_id)
        if first is None:
            return Outcome(data=await _newest(pair, request.limit))
        around = str(first.id)
    if around is not None:
        return Outcome(data=await _around(pair, request, around))
    if cursor is not None and leads_to_newer(cursor):
        rows, more = await pair.newer(decode_newer_cursor(cursor), request.limit)
        return Outcome(data=_page(rows, older=bool(rows), newer=more))
    rows, more = await pair.older(None if cursor is None else decode_cursor(cursor), request.limit)
    return Outcome(data=_page(rows, older=more))


class _Pair(NamedTuple):
    """Whose messages are read, by whom."""

    tx: Tx
    user_id: str
    organization_id: str
    partner_id: UUID

    async def older(self, than: Place | None, limit: int) -> tuple[Rows, bool]:
        """Newest first, and whether there are more."""
        rows = await OLDER.rows(
            self.tx, self.user_id, self.organization_id, self.partner_id, *(than or (None, None)), limit + 1
        )
        return rows[:limit], len(rows) > limit

    async def newer(self, than: Place, limit: int) -> tuple[Rows, bool]:
        """The nearest ones, newest first, and whether there are more."""
        rows = await NEWER.rows(
            self.tx, self.user_id, self.organization_id, self.partner_id, *than, limit + 1
        )
        return rows[:limit][::-1], len(rows) > limit


async def _newest(pair: _Pair, limit: int) -> HistoryPage:
    rows, more = await pair.older(None, limit)
    return _page(rows, older=more, newer=False)


async def _around(pair: _Pair, request: ReadHistory, message_id: str) -> HistoryPage:
    """Half of the page is newer than the message; older ones fill what is left. A deleted one still marks its place."""
    anchor = await ONE.first(pair.tx, message_id, pair.organization_id, pair.user_id)
    if anchor is None or anchor.workout_assignment_id is not None:
        raise NotFound
    if UUID(request.membership_id) not in (anchor.sender_membership_id, anchor.recipient_membership_id):
        raise NotFound
    place = anchor.created_at, message_id
    newer, more_newer = await pair.newer(place, (request.limit - 1) // 2)
    middle = [anchor] if anchor.deleted_at is None else []
    older, more_older = await pair.older(place, request.limit - len(newer) - len(middle))
    return _page([*newer, *middle, *older], older=more_older, newer=more_newer)


def _page(rows: Rows, *, older: bool, newer: bool | None = None) -> HistoryPage:
    """`newer` is None for a page that leads down only."""
    previous: str | UnsetType | None = UNSET
    if newer is not None:
        previous = encode_newer_cursor(rows[0].created_at, str(rows[0].id)) if newer and rows else None
    return HistoryPage(
        items=tuple(map(show, rows)),
        next_cursor=encode_cursor(rows[-1].created_at, str(rows[-1].id)) if older and rows else None,
        previous_cursor=previous,
    )
