"""Messages by pages, newest first: in both directions, or around one of them."""

from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from coachwire_protocol.conversations import (
    FIRST_UNREAD,
    HistoryPage,
    ReadHistory,
    ReadThread,
    decode_cursor,
    decode_newer_cursor,
    encode_cursor,
    encode_newer_cursor,
    leads_to_newer,
)
from msgspec import UNSET, UnsetType

from coachwire.blobs.links import Links
from coachwire.shown import MessageRow, show

Place = tuple[datetime, str]
Rows = list[MessageRow]


class IdRow(NamedTuple):
    id: UUID


class Talk(Protocol):
    """Whose messages are read, by whom; without those deleted."""

    async def older(self, than: Place | None, limit: int) -> Rows:
        """Newest first."""

    async def newer(self, than: Place, limit: int) -> Rows:
        """Oldest first."""

    async def first_unread(self) -> IdRow | None:
        """The oldest one that the caller has not read."""

    async def anchor(self, message_id: str) -> MessageRow:
        """A message of this talk, also a deleted one. Raises `NotFound`."""


class Part(NamedTuple):
    """Rows, newest first, and whether there are older and newer ones; `newer` is None when it leads down only."""

    rows: Rows
    older: bool
    newer: bool | None = None


async def read_page(talk: Talk, request: ReadHistory | ReadThread, links: Links) -> HistoryPage:
    """The page that is asked for. Raises `NotFound` around what is not in this talk."""
    rows, older, newer = await _part(talk, request)
    previous: str | UnsetType | None = UNSET
    if newer is not None:
        previous = encode_newer_cursor(rows[0].created_at, str(rows[0].id)) if newer and rows else None
    return HistoryPage(
        items=tuple(show(row, links) for row in rows),
        next_cursor=encode_cursor(rows[-1].created_at, str(rows[-1].id)) if older and rows else None,
        previous_cursor=previous,
    )


async def _part(talk: Talk, request: ReadHistory | ReadThread) -> Part:
    around, cursor = request.around, request.cursor
    if around == FIRST_UNREAD:
        first = await talk.first_unread()
        if first is None:
            rows, more = await _older(talk, None, request.limit)
            return Part(rows, older=more, newer=False)
        around = str(first.id)
    if around is not None:
        return await _around(talk, around, request.limit)
    if cursor is not None and leads_to_newer(cursor):
        rows, more = await _newer(talk, decode_newer_cursor(cursor), request.limit)
        return Part(rows, older=bool(rows), newer=more)
    rows, more = await _older(talk, None if cursor is None else decode_cursor(cursor), request.limit)
    return Part(rows, older=more)


async def _older(talk: Talk, than: Place | None, limit: int) -> tuple[Rows, bool]:
    """Newest first, and whether there are more."""
    rows = await talk.older(than, limit + 1)
    return rows[:limit], len(rows) > limit


async def _newer(talk: Talk, than: Place, limit: int) -> tuple[Rows, bool]:
    """The nearest ones, newest first, and whether there are more."""
    rows = await talk.newer(than, limit + 1)
    return rows[:limit][::-1], len(rows) > limit


async def _around(talk: Talk, message_id: str, limit: int) -> Part:
    """Half of the page is newer than the message; older ones fill what is left. A deleted one still marks its place."""
    anchor = await talk.anchor(message_id)
    place = anchor.created_at, message_id
    newer, more_newer = await _newer(talk, place, (limit - 1) // 2)
    middle = [anchor] if anchor.deleted_at is None else []
    older, more_older = await _older(talk, place, limit - len(newer) - len(middle))
    return Part([*newer, *middle, *older], older=more_older, newer=more_newer)
