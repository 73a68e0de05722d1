"""Recorded values as they are shown: from the columns of a statement to what the wire carries."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.metrics import Value
from coachwire_protocol.times import wire_time

from coachwire.shown import membership


class ValueRow(NamedTuple):
    """All are null where there is no value, or none to be seen."""

    id: UUID | None
    membership_id: UUID | None
    definition_id: UUID
    value: str
    unit: str
    recorded_at: datetime
    source: str | None


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
