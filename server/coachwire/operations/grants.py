"""What a person lets organizations see beyond what was recorded there: given and withdrawn by the person alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import BadRequest, FieldError, Forbidden, NotFound, Unavailable
from coachwire_protocol.frames import Event
from coachwire_protocol.metrics import ValuesErased
from coachwire_protocol.privacy import Grant, ListGrants, PutGrant, WithdrawGrant
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import parse_time

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, TopicDelivery, operation
from coachwire.shown import optional_id, optional_time

HELD_RETRY = 200  # ms; a membership that the platform holds is usually free again by then


class GrantRow(NamedTuple):
    id: UUID
    organization_id: UUID
    definition_id: UUID | None
    from_at: datetime | None
    until_at: datetime | None
    given_at: datetime


class Changed(NamedTuple):
    """What a change hides is told on `topic`; `sizes` says how many of `ids`, in order, each position tells of."""

    code: str
    membership_id: UUID | None
    topic: str | None
    positions: list[int] | None
    sizes: list[int] | None
    ids: list[UUID] | None


LIST = Query("grants/list", GrantRow)
CHANGE = Query("grants/change", Changed)


@operation(ListGrants)
async def list_grants(scope: Scope, actor: Actor, request: ListGrants) -> Outcome:
    before = (None, None) if request.cursor is None else decode_cursor(request.cursor)
    rows = await LIST.rows(scope.tx, actor.user_id, *before, request.limit + 1)
    shown = rows[: request.limit]
    return Outcome(
        data=Page[Grant](
            items=tuple(map(_grant, shown)),
            next_cursor=encode_cursor(shown[-1].given_at, str(shown[-1].id))
            if len(rows) > request.limit
            else None,
        )
    )


@operation(PutGrant, durable=True)
async def put_grant(scope: Scope, actor: Actor, request: PutGrant) -> Outcome:
    """To an organization in which the person is active. What it may no longer see by that, it is told to drop."""
    first, until = _time("from", request.from_), _time("until", request.until)
    if until is not None and until <= (first or datetime.min.replace(tzinfo=UTC)):
        raise BadRequest.at("until", "Expected a time after from.")
    where = (actor.user_id, request.organization_id, request.definition_id)
    changed = await CHANGE.one(scope.tx, *where, True, first, until)
    if changed.code == "forbidden":
        raise Forbidden
    if changed.code == "unavailable":
        raise Unavailable(retry_after_ms=HELD_RETRY)
    if changed.code == "not_found":
        raise NotFound(details=[FieldError("definitionId", "There is no such definition.")])
    return Outcome(
        data=Grant(
            organization_id=request.organization_id,
            definition_id=request.definition_id,
            from_=optional_time(first),
            until=optional_time(until),
        ),
        topics=tuple(_hidden(request.organization_id, changed)),
    )


@operation(WithdrawGrant, durable=True)
async def withdraw_grant(scope: Scope, actor: Actor, request: WithdrawGrant) -> Outcome:
    """At once; also from an organization that the person has left."""
    where = (actor.user_id, request.organization_id, request.definition_id)
    changed = await CHANGE.one(scope.tx, *where, False, None, None)
    if changed.code == "not_found":
        raise NotFound
    return Outcome(topics=tuple(_hidden(request.organization_id, changed)))


def _hidden(organization_id: str, changed: Changed) -> Iterator[TopicDelivery]:
    sizes, ids = changed.sizes or [], [str(id_) for id_ in changed.ids or ()]
    for position, size, end in zip(changed.positions or (), sizes, accumulate(sizes), strict=True):
        erased = ValuesErased(
            membership_id=str(changed.membership_id), value_ids=tuple(ids[end - size : end])
        )
        yield TopicDelivery(
            position, Event(EventKind.METRIC_ERASED, organization_id, erased, topic=changed.topic)
        )


def _grant(row: GrantRow) -> Grant:
    return Grant(
        organization_id=str(row.organization_id),
        definition_id=optional_id(row.definition_id),
        from_=optional_time(row.from_at),
        until=optional_time(row.until_at),
    )


def _time(field: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        raise BadRequest.at(field, "Expected a time in UTC, ending in Z.") from None
