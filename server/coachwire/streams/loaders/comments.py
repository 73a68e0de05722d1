"""What exercises' topics and people's own streams tell of comments, read as they are now."""

from collections.abc import Sequence
from typing import NamedTuple

from coachwire_protocol.comments import CommentErased
from coachwire_protocol.schema import EventKind
from msgspec import Struct

from coachwire.blobs.links import Links
from coachwire.database import Query, Tx
from coachwire.shown import membership
from coachwire.shown.comments import CommentRow, show_comment
from coachwire.streams import EventRow, loads_for_user
from coachwire.streams.topics import TopicRow, loads_for_topic


class ToldComment(NamedTuple):
    """A comment, or what the ledger keeps of one whose row is gone: as much as its deletion tells."""

    is_there: bool
    comment: CommentRow

    @classmethod
    def of(cls, is_there: bool, *columns: object) -> "ToldComment":
        return cls(is_there, CommentRow._make(columns))


TOLD = Query("comments/told", ToldComment.of)
MENTIONED = Query("comments/mentioned", CommentRow)


@loads_for_topic(EventKind.COMMENT_CREATED, EventKind.COMMENT_EDITED, EventKind.COMMENT_DELETED)
async def read_told(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    found = await TOLD.rows(tx, [row.subject_ids[0] for row in rows], [row.at for row in rows])
    return [_data(row, one) for row, one in zip(rows, found, strict=True)]


@loads_for_topic(EventKind.COMMENT_ERASED)
async def read_erased(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    found = await TOLD.rows(tx, [row.subject_ids[0] for row in rows], [row.at for row in rows])
    return [
        CommentErased(
            author_membership_id=membership(one.comment.author_membership_id),
            comment_ids=tuple(map(str, row.subject_ids)),
        )
        for row, one in zip(rows, found, strict=True)
    ]


@loads_for_user(EventKind.COMMENT_MENTIONED)
async def read_mentioned(tx: Tx, _: Links, rows: Sequence[EventRow]) -> list[Struct | None]:
    users, comments = [row.user_id for row in rows], [row.subject_ids[0] for row in rows]
    found = await MENTIONED.rows(tx, users, comments)
    return [None if row.id is None else show_comment(row) for row in found]


def _data(row: TopicRow, found: ToldComment) -> Struct | None:
    if not found.is_there and (row.kind != EventKind.COMMENT_DELETED or found.comment.id is None):
        return None
    return show_comment(found.comment)
