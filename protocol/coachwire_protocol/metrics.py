"""What can be measured, recorded values, and the events that tell of them."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from msgspec import Meta, Raw, field

from .conversations import Cursor, PageLimit
from .ids import Id
from .messages import EventIds
from .shape import Rule, Wire
from .times import Time, parse_time

MAX_VALUES: Final = 100  # a request
VALUE_PATTERN: Final = r"^[0-9]{1,10}(\.[0-9]{1,4})?(?!\n)$"
DAY_OR_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z)?(?!\n)$"

Amount = Annotated[
    str,
    Meta(
        pattern=VALUE_PATTERN,
        max_length=15,
        description="A decimal as text: at most ten digits before the point and four after it.",
    ),
]
Unit = Annotated[str, Meta(min_length=1, max_length=32, description="Such as kg, lb, seconds, %.")]
Source = Annotated[str, Meta(max_length=50, description="Such as coach_input, self_report, workout_result.")]
DayOrTime = Annotated[str, Meta(pattern=DAY_OR_TIME, description="A day in UTC, or a moment.")]
Language = Annotated[str, Meta(max_length=35, description="en, he or ru; all others are answered in en.")]


class ListDefinitions(Wire, frozen=True, kw_only=True):
    """All that can be measured, by slug."""

    lang: Language = "en"


class MetricDefinition(Wire, frozen=True, kw_only=True):
    """Something that can be measured; the same in every organization."""

    id: Id
    slug: str
    name: str
    unit: str
    kind: str
    description: str | None


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
    """Event data of `metric.erased`: these values are to be dropped; they are gone, or no longer to be seen here."""

    membership_id: Id
    value_ids: EventIds


class NewValue(Wire, frozen=True, kw_only=True):
    """A value to record. The id is chosen by the client: a retry with the same one records nothing twice."""

    id: Id
    definition_id: Id
    value: Amount
    unit: Unit
    recorded_at: Time | None = None
    source: Source | None = None


def _one_or_many(*given: object) -> str | None:
    *one, recorded_at, source, many = given
    if many is None and None not in one:
        return None
    if many is not None and {*one, recorded_at, source} == {None}:
        return None
    return "Expected either id, definitionId, value and unit, or values."


def _repeated(values: Sequence[NewValue] | None) -> str | None:
    ids = [value.id for value in values or ()]
    return "Expected every id once." if len(set(ids)) < len(ids) else None


class RecordValues(Wire, frozen=True, kw_only=True):
    """Values of one member, all or none: one in the fields themselves, or up to 100 in `values`."""

    organization_id: Id
    membership_id: Id
    id: Id | None = None
    definition_id: Id | None = None
    value: Amount | None = None
    unit: Unit | None = None
    recorded_at: Time | None = None
    source: Source | None = None
    values: Annotated[tuple[NewValue, ...], Meta(min_length=1, max_length=MAX_VALUES)] | None = None

    RULES: ClassVar = (
        Rule("", ("id", "definition_id", "value", "unit", "recorded_at", "source", "values"), _one_or_many),
        Rule("values", ("values",), _repeated),
    )

    def __post_init__(self) -> None:
        self._hold_to_rules()

    @property
    def entries(self) -> tuple[NewValue, ...]:
        """What is to be recorded, however it was asked."""
        if self.values is not None:
            return self.values
        if self.id is None or self.definition_id is None or self.value is None or self.unit is None:
            raise ValueError("the rules were not kept")
        return (
            NewValue(
                id=self.id,
                definition_id=self.definition_id,
                value=self.value,
                unit=self.unit,
                recorded_at=self.recorded_at,
                source=self.source,
            ),
        )


class RecordedValues(Wire, frozen=True, kw_only=True):
    """What a request with `values` recorded, in its order."""

    values: tuple[Value, ...]


class ReadValues(Wire, frozen=True, kw_only=True):
    """A member's values, newest first; `from_` and `to` are included."""

    organization_id: Id
    membership_id: Id
    definition_id: Id | None = None
    from_: DayOrTime | None = field(default=None, name="from")
    to: DayOrTime | None = None
    limit: PageLimit = 50
    cursor: Cursor | None = None


class ReadPrescription(Wire, frozen=True, kw_only=True):
    """What an assigned workout asks of its member, loads in percent of a one-rep maximum worked out."""

    organization_id: Id
    workout_assignment_id: Id


class PrescribedLoad(Wire, frozen=True, kw_only=True):
    """So much of so much: `value` is the one-rep maximum that it came from, in the definition's unit."""

    percent: str
    load: str
    unit: str
    value: Value


class PrescribedMovement(Wire, frozen=True, kw_only=True):
    """An exercise for this member. `load` is null where nothing is asked in percent, or no value is to be seen."""

    id: Id
    name: str
    sort_order: int
    prescription: Raw | None
    load: PrescribedLoad | None


class Prescription(Wire, frozen=True, kw_only=True):
    """An assigned workout as its member is to do it."""

    workout_assignment_id: Id
    membership_id: Id
    movements: tuple[PrescribedMovement, ...]


def value_hash(organization_id: str, membership_id: str, value: NewValue) -> bytes:
    """SHA-256 of what was asked: a retry is the same value, or a conflict."""
    parts = (
        organization_id,
        membership_id,
        value.definition_id,
        value.unit,
        value.recorded_at or "",
        value.source,
    )
    said = [*("" if part is None else part for part in parts), str(value.source is None), amount(value.value)]
    return hashlib.sha256("\0".join(said).encode()).digest()


def amount(text: str | Decimal) -> str:
    """A decimal as it stands on the wire: without zeros that say nothing."""
    plain = format(Decimal(text), "f")  # of "007.50": 007.50 → 7.50
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def moment(text: str, *, end: bool = False) -> datetime:
    """The moment that a `DayOrTime` names: of a day the first, or with `end` the last. Raises ValueError for no such
    day."""
    if "T" in text:
        return parse_time(text)
    day = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return day.replace(hour=23, minute=59, second=59, microsecond=999_999) if end else day
