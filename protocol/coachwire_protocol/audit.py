"""What was done to others in an organization, as its owners and admins may see it."""

from typing import Any

from .conversations import Cursor, PageLimit
from .ids import Id
from .shape import Wire
from .times import Time


class ReadAudit(Wire, frozen=True, kw_only=True):
    """Newest first."""

    organization_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None


class AuditRow(Wire, frozen=True, kw_only=True):
    """A deed: who did what, to whom, to which message or other thing. Ids and facts, never words."""

    id: Id
    at: Time
    actor_membership_id: Id
    action: str
    subject_membership_id: Id | None
    subject_id: Id | None
    details: dict[str, Any]
