"""Sets of metrics: make, look at, change, remove; and where a member stands in one."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import BadRequest, Conflict, FieldError, Forbidden, NotFound
from coachwire_protocol.metric_sets import (
    ChangeSet,
    CreateSet,
    DeleteSet,
    ListSets,
    MetricSet,
    ReadSet,
    ResolvedDefinition,
    ResolvedSet,
    ResolveSet,
    SetOwner,
)
from msgspec import UNSET

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.metric_access import note_look, require_subject
from coachwire.shown import optional_id
from coachwire.shown.values import ValueRow, show_value

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # a cursor holds a time: levels are microseconds after it


class SetRow(NamedTuple):
    id: UUID
    name: str
    membership_id: UUID | None
    workout_id: UUID | None
    organization_id: UUID | None
    definitions: list[UUID]


class ListedSet(NamedTuple):
    id: UUID
    name: str
    membership_id: UUID | None
    workout_id: UUID | None
    organization_id: UUID | None
    definitions: list[UUID]
    level: int
    applies: bool


class Changed(NamedTuple):
    code: str
    place: int | None  # from 1


class Workout(NamedTuple):
    id: UUID


class ResolvedRow(NamedTuple):
    definition_id: UUID
    value: ValueRow

    @classmethod
    def of(cls, definition_id: UUID, *columns: object) -> "ResolvedRow":
        return cls(definition_id, ValueRow._make(columns))


LIST = Query("metric_sets/list", ListedSet)
ONE = Query("metric_sets/one", SetRow)
WORKOUT = Query("metric_sets/workout", Workout)
MAKE = Query("metric_sets/make", Changed)
CHANGE = Query("metric_sets/change", Changed)
REMOVE = Query("metric_sets/remove", Changed)
RESOLVE = Query("metrics/resolve", ResolvedRow.of)


@operation(ListSets)
async def list_sets(scope: Scope, actor: Actor, request: ListSets) -> Outcome:
    """Asked for a member or a workout, each says whether it applies there."""
    await require_membership(scope.tx, actor, request.organization_id)
    if request.member_id is not None:
        await require_subject(scope.tx, actor, request.organization_id, request.member_id)
    if request.workout_id is not None:
        where = (actor.user_id, request.organization_id, request.workout_id)
        if await WORKOUT.first(scope.tx, *where) is None:
            raise NotFound
    after = (None, None) if request.cursor is None else _place(request.cursor)
    rows = await LIST.rows(
        scope.tx,
        actor.user_id,
        request.organization_id,
        request.member_id,
        request.workout_id,
        *after,
        request.limit + 1,
    )
    shown = rows[: request.limit]
    asked = request.member_id is not None or request.workout_id is not None
    return Outcome(
        data=Page[MetricSet](
            items=tuple(_set(SetRow._make(row[:-2]), row.applies if asked else None) for row in shown),
            next_cursor=_cursor(shown[-1]) if len(rows) > request.limit else None,
        )
    )


@operation(ReadSet)
async def read_set(scope: Scope, actor: Actor, request: ReadSet) -> Outcome:
    await require_membership(scope.tx, actor, request.organization_id)
    return Outcome(data=await _one(scope, actor, request.organization_id, request.set_id))


@operation(CreateSet, durable=True)
async def create_set(scope: Scope, actor: Actor, request: CreateSet) -> Outcome:
    """Staff for the organization or a workout of it, everybody for themselves."""
    owner = request.owner
    if owner.organization_id not in (None, request.organization_id):
        raise BadRequest.at("owner.organizationId", "Expected the organization of the path.")
    id_ = request.id or str(uuid4())
    made = await MAKE.one(
        scope.tx,
        id_,
        actor.user_id,
        request.organization_id,
        request.name,
        owner.membership_id,
        owner.workout_id,
        request.definitions,
    )
    _require(made)
    return Outcome(data=await _one(scope, actor, request.organization_id, id_))


@operation(ChangeSet, durable=True)
async def change_set(scope: Scope, actor: Actor, request: ChangeSet) -> Outcome:
    changed = await CHANGE.one(
        scope.tx,
        request.set_id,
        actor.user_id,
        request.organization_id,
        None if request.name is UNSET else request.name,
        None if request.definitions is UNSET else request.definitions,
    )
    _require(changed)
    return Outcome(data=await _one(scope, actor, request.organization_id, request.set_id))


@operation(DeleteSet, durable=True)
async def delete_set(scope: Scope, actor: Actor, request: DeleteSet) -> Outcome:
    _require(await REMOVE.one(scope.tx, request.set_id, actor.user_id, request.organization_id))
    return Outcome()


@operation(ResolveSet)
async def resolve_set(scope: Scope, actor: Actor, request: ResolveSet) -> Outcome:
    """The newest visible value of each definition, by one statement for the whole set."""
    subject = await require_subject(scope.tx, actor, request.organization_id, request.member_id)
    await _one(scope, actor, request.organization_id, request.set_id)
    await note_look(scope.tx, actor, request.organization_id, subject, "resolve")
    rows = await RESOLVE.rows(
        scope.tx, actor.user_id, request.organization_id, request.member_id, request.set_id
    )
    return Outcome(
        data=ResolvedSet(
            set_id=request.set_id,
            membership_id=request.member_id,
            items=tuple(
                ResolvedDefinition(definition_id=str(row.definition_id), value=show_value(row.value))
                for row in rows
            ),
        )
    )


async def _one(scope: Scope, actor: Actor, organization_id: str, set_id: str) -> MetricSet:
    row = await ONE.first(scope.tx, actor.user_id, organization_id, set_id)
    if row is None:
        raise NotFound
    return _set(row, None)


def _set(row: SetRow, applies: bool | None) -> MetricSet:
    return MetricSet(
        id=str(row.id),
        name=row.name,
        owner=SetOwner(
            membership_id=optional_id(row.membership_id),
            workout_id=optional_id(row.workout_id),
            organization_id=optional_id(row.organization_id),
        ),
        definitions=tuple(map(str, row.definitions)),
        applies=UNSET if applies is None else applies,
    )


def _require(changed: Changed) -> None:
    match changed.code:
        case "forbidden":
            raise Forbidden
        case "conflict":
            raise Conflict(details=[FieldError("id", "There is such a set.")])
        case "not_found" if changed.place is not None:
            raise NotFound(
                details=[FieldError(f"definitions.{changed.place - 1}", "There is no such definition.")]
            )
        case "not_found":
            raise NotFound


def _cursor(row: ListedSet) -> str:
    return encode_cursor(_FIRST + timedelta(microseconds=row.level), str(row.id))


def _place(cursor: str) -> tuple[int, str]:
    at, id_ = decode_cursor(cursor)
    level = (at - _FIRST) // timedelta(microseconds=1)
    if not 0 <= level <= 2:
        raise BadRequest.at("cursor", "Expected a cursor from an earlier answer.")
    return level, id_
