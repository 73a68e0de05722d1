"""Recorded values: record them, look at a member's, work out what a workout asks of somebody."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import asyncpg
from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    ProtocolError,
    Unavailable,
)
from coachwire_protocol.frames import Event
from coachwire_protocol.metrics import (
    NewValue,
    ReadValues,
    RecordedValues,
    RecordValues,
    Value,
    moment,
    value_hash,
)
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import parse_time
from msgspec.structs import replace

from coachwire.database import Query
from coachwire.operation import Actor, Delivery, Outcome, Scope, TopicDelivery, operation
from coachwire.operations.metric_access import note_look, require_subject
from coachwire.shown.values import ValueRow, show_value

HELD_RETRY = 200  # ms; a row that the platform holds is usually free again by then
TAKEN = "CW002"  # somebody else recorded under one of these ids in this very moment
RACES = 3  # times that a request is tried again for that


class Recorded(NamedTuple):
    """What a recording came to. `positions` are parallel to what was asked, null for what was recorded before; the
    `topic_*` are parallel to each other."""

    code: str
    place: int | None
    user_id: UUID | None
    positions: list[int | None] | None
    topics: list[str] | None
    topic_memberships: list[UUID] | None
    topic_organizations: list[UUID] | None
    topic_values: list[UUID] | None
    topic_positions: list[int] | None


RECORD = Query("metrics/record", Recorded)
VALUES = Query("metrics/values", ValueRow)
HISTORY = Query("metrics/history", ValueRow)


@operation(RecordValues, durable=True)
async def record_values(scope: Scope, actor: Actor, request: RecordValues) -> Outcome:
    """All of them or none, once. Whoever records: staff for active members, everybody for themselves."""
    entries = request.entries
    times = _times(request, entries)
    recorded = await _record(
        scope,
        actor.user_id,
        request.organization_id,
        request.membership_id,
        [entry.id for entry in entries],
        [entry.definition_id for entry in entries],
        [Decimal(entry.value) for entry in entries],
        [entry.unit for entry in entries],
        times,
        [entry.source for entry in entries],
        [value_hash(request.organization_id, request.membership_id, entry) for entry in entries],
    )
    if recorded.code not in ("recorded", "duplicate"):
        raise _refusal(request, recorded)
    rows = await VALUES.rows(scope.tx, actor.user_id, request.membership_id, [entry.id for entry in entries])
    values = {value.id: value for row in rows if (value := show_value(row)) is not None}
    if len(values) < len(entries):  # erased since, or taken away by the platform
        raise Gone
    shown = tuple(values[entry.id] for entry in entries)
    deliveries, topics = _told(request, recorded, shown)
    return Outcome(
        data=RecordedValues(values=shown) if request.values is not None else shown[0],
        deliveries=deliveries,
        topics=topics,
    )


@operation(ReadValues)
async def read_values(scope: Scope, actor: Actor, request: ReadValues) -> Outcome:
    """Staff: a member's, as far as the organization may see them; everybody all of their own. Newest first."""
    first, last = _from_to(request)
    subject = await require_subject(scope.tx, actor, request.organization_id, request.membership_id)
    before = (None, None) if request.cursor is None else decode_cursor(request.cursor)
    await note_look(scope.tx, actor, request.organization_id, subject, "history")
    rows = await HISTORY.rows(
        scope.tx,
        actor.user_id,
        request.organization_id,
        request.membership_id,
        request.definition_id,
        first,
        last,
        *before,
        request.limit + 1,
    )
    page = rows[: request.limit]
    return Outcome(
        data=Page[Value](
            items=tuple(value for row in page if (value := show_value(row)) is not None),
            next_cursor=encode_cursor(page[-1].recorded_at, str(page[-1].id))
            if len(rows) > request.limit
            else None,
        )
    )


def was_recorded_before(outcome: Outcome) -> bool:
    """Whether a request brought nothing new."""
    return not outcome.deliveries


async def _record(scope: Scope, *arguments: object) -> Recorded:
    for _ in range(RACES):
        try:
            return await RECORD.one(scope.tx, *arguments)
        except asyncpg.PostgresError as error:
            if error.sqlstate != TAKEN:
                raise
    raise Unavailable(retry_after_ms=HELD_RETRY)


def _told(
    request: RecordValues, recorded: Recorded, shown: tuple[Value, ...]
) -> tuple[tuple[Delivery, ...], tuple[TopicDelivery, ...]]:
    """To the member everything, and to each organization what it may see, under the membership there."""
    by_id = {value.id: value for value in shown}
    deliveries = tuple(
        Delivery(
            str(recorded.user_id),
            position,
            Event(EventKind.METRIC_RECORDED, request.organization_id, value),
        )
        for value, position in zip(shown, recorded.positions or (), strict=False)
        if position is not None
    )
    topics = tuple(
        TopicDelivery(
            position,
            Event(
                EventKind.METRIC_RECORDED,
                str(organization_id),
                replace(by_id[str(value_id)], membership_id=str(membership_id)),
                topic=topic,
            ),
        )
        for topic, membership_id, organization_id, value_id, position in zip(
            recorded.topics or (),
            recorded.topic_memberships or (),
            recorded.topic_organizations or (),
            recorded.topic_values or (),
            recorded.topic_positions or (),
            strict=True,
        )
    )
    return deliveries, topics


def _refusal(request: RecordValues, recorded: Recorded) -> ProtocolError:
    def at(kind: type[ProtocolError], name: str, message: str) -> ProtocolError:
        return kind(details=[FieldError(_field(request, recorded.place, name), message)])

    match recorded.code:
        case "forbidden":
            return Forbidden()
        case "not_found" if recorded.place is not None:
            return at(NotFound, "definitionId", "There is no such definition.")
        case "not_found":
            return NotFound()
        case "gone" if recorded.place is not None:
            return at(Gone, "id", "It was recorded, and is no more.")
        case "gone":
            return Gone("This membership is not active.")
        case "conflict":
            return at(Conflict, "id", "This id was used for something else.")
        case "unit":
            return at(BadRequest, "unit", "Expected a unit that the definition's converts into.")
        case "unknown_unit":
            return at(BadRequest, "unit", "Expected a unit that there is.")
        case "future":
            return at(BadRequest, "recordedAt", "Expected a time not more than five minutes ahead.")
        case _:
            return Unavailable(retry_after_ms=HELD_RETRY)


def _times(request: RecordValues, entries: tuple[NewValue, ...]) -> list[datetime | None]:
    """Raises `BadRequest` with all that are none."""
    times: list[datetime | None] = []
    wrong = []
    for place, entry in enumerate(entries, 1):
        try:
            times.append(None if entry.recorded_at is None else parse_time(entry.recorded_at))
        except ValueError:
            wrong.append(
                FieldError(_field(request, place, "recordedAt"), "Expected a time in UTC, ending in Z.")
            )
    if wrong:
        raise BadRequest(details=wrong)
    return times


def _field(request: RecordValues, place: int | None, name: str) -> str:
    """Where a field of a value stands in the request; places are from 1."""
    return name if request.values is None or place is None else f"values.{place - 1}.{name}"


def _from_to(request: ReadValues) -> tuple[datetime | None, datetime | None]:
    wrong = []
    found: list[datetime | None] = []
    for name, text, end in (("from", request.from_, False), ("to", request.to, True)):
        try:
            found.append(None if text is None else moment(text, end=end))
        except ValueError:
            wrong.append(FieldError(name, "Expected a day such as 2026-01-31, or a time in UTC."))
    if wrong:
        raise BadRequest(details=wrong)
    return found[0], found[1]
