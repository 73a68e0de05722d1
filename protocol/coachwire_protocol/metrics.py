"""Recorded metric values and the events that tell of them."""

from .ids import Id
from .messages import EventIds
from .shape import Wire
from .times import Time


class Value(Wire, frozen=True, kw_only=True):
    """One recorded value; also the event data of `metric.recorded`."""

    id: Id
    membership_id: Id
    definition_id: Id
    value: str  # a decimal as text: no client may round it
    unit: str
    recorded_at: Time
    source: str | None


class ValuesErased(Wire, frozen=True, kw_only=True):
    """Event data of `metric.erased`."""

    membership_id: Id
    value_ids: EventIds
