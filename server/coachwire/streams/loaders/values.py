"""What people's own streams and members' topics tell of recorded values, read as they are now."""

from collections.abc import Sequence
from uuid import UUID

from coachwire_protocol.metrics import ValuesErased
from coachwire_protocol.schema import EventKind
from msgspec import Struct

from coachwire.blobs.links import Links
from coachwire.database import Query, Tx
from coachwire.shown.values import ValueRow, show_value
from coachwire.streams import EventRow, loads_for_user
from coachwire.streams.topics import TopicRow, loads_for_topic

TOLD = Query("metrics/told", ValueRow)
WATCHED = Query("metrics/watched", ValueRow)


@loads_for_user(EventKind.METRIC_RECORDED)
async def read_told(tx: Tx, _: Links, rows: Sequence[EventRow]) -> list[Struct | None]:
    """For the member: all that was recorded of them."""
    found = await TOLD.rows(
        tx,
        [row.user_id for row in rows],
        [row.organization_id for row in rows],
        [row.subject_ids[0] for row in rows],
    )
    return [show_value(row) for row in found]


@loads_for_topic(EventKind.METRIC_RECORDED)
async def read_watched(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    """For an organization: what it may see now."""
    return [show_value(row) for row in await _visible(tx, [(row, row.subject_ids[0]) for row in rows])]


@loads_for_topic(EventKind.METRIC_ERASED)
async def read_hidden(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    """What is to be dropped: not what the organization may see again by now."""
    asked = [(row, subject) for row in rows for subject in row.subject_ids]
    seen = iter(await _visible(tx, asked))
    hidden = [tuple(str(subject) for subject in row.subject_ids if next(seen).id is None) for row in rows]
    return [
        ValuesErased(membership_id=_membership(row), value_ids=ids) if ids else None
        for row, ids in zip(rows, hidden, strict=True)
    ]


async def _visible(tx: Tx, asked: Sequence[tuple[TopicRow, UUID]]) -> list[ValueRow]:
    return await WATCHED.rows(
        tx,
        [_membership(row) for row, _ in asked],
        [row.organization_id for row, _ in asked],
        [subject for _, subject in asked],
    )


def _membership(row: TopicRow) -> str:
    return row.topic.partition(":")[2]
