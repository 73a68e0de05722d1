"""What an exercise's topic tells of its comments, read as they are now."""

from collections.abc import Sequence
from typing import NamedTuple

from coachwire_protocol.schema import EventKind
from msgspec import Struct

from coachwire.database import Query, Tx
from coachwire.links import Links
from coachwire.shown_comments import CommentRow, show_comment
from coachwire.topic_streams import TopicRow, loads


class ToldComment(NamedTuple):
    """A comment, or what the ledger keeps of one whose row is gone: as much as its deletion tells."""

    is_there: bool
    comment: CommentRow

    @classmethod
    def of(cls, is_there: bool, *columns: object) -> "ToldComment":
        return cls(is_there, CommentRow._make(columns))


COMMENTS = Query("comments/told", ToldComment.of)


@loads(EventKind.COMMENT_CREATED, EventKind.COMMENT_EDITED, EventKind.COMMENT_DELETED)
async def read_comments(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    found = await COMMENTS.rows(tx, [row.subject_ids[0] for row in rows], [row.at for row in rows])
    return [_data(row, one) for row, one in zip(rows, found, strict=True)]


def _data(row: TopicRow, found: ToldComment) -> Struct | None:
    if not found.is_there and (row.kind != EventKind.COMMENT_DELETED or found.comment.id is None):
        return None
    return show_comment(found.comment)
