"""Who is what in an organization, and the events that tell of a change."""

from typing import Literal

from .ids import Id
from .shape import Wire

Role = Literal["owner", "admin", "coach", "member"]
SenderRole = Literal["admin", "coach", "member"]  # at the time of sending; an owner counts as admin
Status = Literal["active", "invited", "pending_invitation", "suspended", "cancelled"]


class MembershipView(Wire, frozen=True, kw_only=True):
    """One of the caller's own active memberships."""

    membership_id: Id
    organization_id: Id
    role: Role


class MembershipChanged(Wire, frozen=True, kw_only=True):
    """Event data. With `reload` the client calls `GET /v1/sync?organizationId=` and merges."""

    membership_id: Id
    role: Role
    status: Status
    reload: bool


class MembershipEnded(Wire, frozen=True, kw_only=True):
    """Event data. The client drops what it holds of that organization."""

    membership_id: Id


class AssignmentPublished(Wire, frozen=True, kw_only=True):
    """Event data, to the assignment's member: load that thread."""

    workout_assignment_id: Id


class AssignmentRemoved(Wire, frozen=True, kw_only=True):
    """Event data: deleted, or no longer published."""

    workout_assignment_id: Id
