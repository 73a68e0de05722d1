"""Workouts as the platform has them, read only: who is to do what, and what a workout is made of."""

from datetime import UTC, date, datetime, time
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import NotFound
from coachwire_protocol.workouts import (
    AssignmentKind,
    AssignmentStatus,
    ListAssignments,
    Movement,
    ReadWorkout,
    Workout,
    WorkoutAssignment,
)
from msgspec import Raw

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.shown import optional_id


class AssignmentRow(NamedTuple):
    id: UUID
    membership_id: UUID
    workout_id: UUID | None
    title: str | None
    kind: AssignmentKind
    date: date
    status: AssignmentStatus
    published: bool


class MemberRow(NamedTuple):
    own: bool


class WorkoutRow(NamedTuple):
    id: UUID
    title: str
    movement_ids: list[UUID] | None
    names: list[str] | None
    sort_orders: list[int] | None
    prescriptions: list[str | None] | None


ASSIGNMENTS = Query("workouts/assignments", AssignmentRow)
MEMBER = Query("workouts/member", MemberRow)
ONE = Query("workouts/one", WorkoutRow)


@operation(ListAssignments)
async def list_assignments(scope: Scope, actor: Actor, request: ListAssignments) -> Outcome:
    """A member's own that are published; for staff those of everybody. Latest day first."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    staff = own.role != "member"
    if request.member_id is not None:
        member = await MEMBER.first(scope.tx, actor.user_id, request.organization_id, request.member_id)
        if member is None or not (staff or member.own):
            raise NotFound
    rows = await ASSIGNMENTS.rows(
        scope.tx,
        actor.user_id,
        request.organization_id,
        staff,
        request.member_id,
        request.from_,
        request.to,
        *((None, None) if request.cursor is None else _day(request.cursor)),
        request.limit + 1,
    )
    shown = rows[: request.limit]
    return Outcome(
        data=Page(
            items=tuple(map(_assignment, shown)),
            next_cursor=encode_cursor(datetime.combine(shown[-1].date, time(), tzinfo=UTC), str(shown[-1].id))
            if len(rows) > request.limit
            else None,
        )
    )


@operation(ReadWorkout)
async def read_workout(scope: Scope, actor: Actor, request: ReadWorkout) -> Outcome:
    """A workout of the organization: staff all, members those that are assigned to them and published."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    row = await ONE.first(
        scope.tx, actor.user_id, request.organization_id, request.workout_id, own.role != "member"
    )
    if row is None:
        raise NotFound
    movements = zip(
        row.movement_ids or (), row.names or (), row.sort_orders or (), row.prescriptions or (), strict=True
    )
    return Outcome(
        data=Workout(
            id=str(row.id),
            title=row.title,
            movements=tuple(
                Movement(
                    id=str(id_),
                    name=name,
                    sort_order=sort_order,
                    prescription=None if prescription is None else Raw(prescription.encode()),
                )
                for id_, name, sort_order, prescription in movements
            ),
        )
    )


def _assignment(row: AssignmentRow) -> WorkoutAssignment:
    return WorkoutAssignment(
        workout_assignment_id=str(row.id),
        membership_id=str(row.membership_id),
        workout_id=optional_id(row.workout_id),
        title=row.title,
        kind=row.kind,
        date=row.date,
        status=row.status,
        published=row.published,
    )


def _day(cursor: str) -> tuple[date, str]:
    at, id_ = decode_cursor(cursor)
    return at.date(), id_
