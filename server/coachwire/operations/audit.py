"""What was done to others, for the owners and admins of an organization."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from coachwire_protocol.audit import AuditRow, ReadAudit
from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import Forbidden
from coachwire_protocol.times import wire_time
from msgspec.json import Decoder

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.shown import membership, optional_id


class Deed(NamedTuple):
    id: UUID
    at: datetime
    actor_membership_id: UUID | None
    action: str
    subject_membership_id: UUID | None
    subject_id: UUID | None
    details: str  # a JSON object


PAGE = Query("audit/page", Deed)
DETAILS = Decoder(dict[str, Any])


@operation(ReadAudit)
async def read_audit(scope: Scope, actor: Actor, request: ReadAudit) -> Outcome:
    """Newest first. Raises `Forbidden` for whoever is neither owner nor admin."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    if own.role not in ("owner", "admin"):
        raise Forbidden
    before = (None, None) if request.cursor is None else decode_cursor(request.cursor)
    rows = await PAGE.rows(scope.tx, request.organization_id, *before, request.limit + 1)
    shown, more = rows[: request.limit], len(rows) > request.limit
    return Outcome(
        data=Page[AuditRow](
            items=tuple(_shown(row) for row in shown),
            next_cursor=encode_cursor(shown[-1].at, str(shown[-1].id)) if more else None,
        )
    )


def _shown(row: Deed) -> AuditRow:
    return AuditRow(
        id=str(row.id),
        at=wire_time(row.at),
        actor_membership_id=membership(row.actor_membership_id),
        action=row.action,
        subject_membership_id=optional_id(row.subject_membership_id),
        subject_id=optional_id(row.subject_id),
        details=DETAILS.decode(row.details),
    )
