"""What an assigned workout asks of its member, in kilograms and not in percent."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import NotFound
from coachwire_protocol.metrics import PrescribedLoad, PrescribedMovement, Prescription, ReadPrescription
from msgspec import Raw

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.metric_access import note_look, require_subject
from coachwire.shown.values import ValueRow, show_value


class Assigned(NamedTuple):
    membership_id: UUID
    workout_id: UUID | None


class MovementRow(NamedTuple):
    id: UUID
    name: str
    sort_order: int
    prescription: str | None
    percent: str | None
    load: str | None
    unit: str | None
    value: ValueRow

    @classmethod
    def of(cls, *columns: object) -> "MovementRow":
        own = len(cls._fields) - 1
        return cls._make([*columns[:own], ValueRow._make(columns[own:])])


ASSIGNED = Query("metrics/assigned", Assigned)
PRESCRIPTION = Query("metrics/prescription", MovementRow.of)


@operation(ReadPrescription)
async def read_prescription(scope: Scope, actor: Actor, request: ReadPrescription) -> Outcome:
    """For staff, and for its member once it is published; loads from the values that the caller may see."""
    organization_id = request.organization_id
    await require_membership(scope.tx, actor, organization_id)
    assigned = await ASSIGNED.first(scope.tx, actor.user_id, organization_id, request.workout_assignment_id)
    if assigned is None:
        raise NotFound
    member = str(assigned.membership_id)
    subject = await require_subject(scope.tx, actor, organization_id, member)
    await note_look(scope.tx, actor, organization_id, subject, "prescription")
    rows = await PRESCRIPTION.rows(scope.tx, actor.user_id, organization_id, member, assigned.workout_id)
    return Outcome(
        data=Prescription(
            workout_assignment_id=request.workout_assignment_id,
            membership_id=member,
            movements=tuple(map(_movement, rows)),
        )
    )


def _movement(row: MovementRow) -> PrescribedMovement:
    return PrescribedMovement(
        id=str(row.id),
        name=row.name,
        sort_order=row.sort_order,
        prescription=None if row.prescription is None else Raw(row.prescription.encode()),
        load=_load(row),
    )


def _load(row: MovementRow) -> PrescribedLoad | None:
    value = show_value(row.value)
    if value is None or row.percent is None or row.load is None or row.unit is None:
        return None
    return PrescribedLoad(percent=row.percent, load=row.load, unit=row.unit, value=value)
