"""Recorded values as they are shown, and as streams and topics tell of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.metrics import Value, ValuesErased
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import Struct

from coachwire import streams
from coachwire.blobs.links import Links
from coachwire.database import Query, Tx
from coachwire.shown import membership
from coachwire.streams import EventRow
from coachwire.streams import topics as topic_streams
from coachwire.streams.topics import TopicRow


class ValueRow(NamedTuple):
    """All are null where there is no value, or none to be seen."""

    id: UUID | None
    membership_id: UUID | None
    definition_id: UUID
    value: str
    unit: str
    recorded_at: datetime
    source: str | None


TOLD = Query("metrics/told", ValueRow)
WATCHED = Query("metrics/watched", ValueRow)


def show_value(row: ValueRow) -> Value | None:
    """None where there is none."""
    if row.id is None:
        return None
    return Value(
        id=str(row.id),
        membership_id=membership(row.membership_id),
        definition_id=str(row.definition_id),
        value=row.value,
        unit=row.unit,
        recorded_at=wire_time(row.recorded_at),
        source=row.source,
    )


@streams.loads(EventKind.METRIC_RECORDED)
async def read_told(tx: Tx, _: Links, rows: Sequence[EventRow]) -> list[Struct | None]:
    """For the member: all that was recorded of them."""
    found = await TOLD.rows(
        tx,
        [row.user_id for row in rows],
        [row.organization_id for row in rows],
        [row.subject_ids[0] for row in rows],
    )
    return [show_value(row) for row in found]


@topic_streams.loads(EventKind.METRIC_RECORDED)
async def read_watched(tx: Tx, _: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    """For an organization: what it may see now."""
    return [show_value(row) for row in await _visible(tx, [(row, row.subject_ids[0]) for row in rows])]


@topic_streams.loads(EventKind.METRIC_ERASED)
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
