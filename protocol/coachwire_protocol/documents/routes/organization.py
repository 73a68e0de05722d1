"""An organization: what is unread in it, who is in it, what was done in it, what its owner decides."""

from typing import Final

from ...audit import AuditRow, ReadAudit
from ...conversations import Badge, Page, ReadBadge
from ...organization import ChangeSettings, ListMembers, Member, OrganizationSettings, ReadSettings
from .route import ORG, Route

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{ORG}/badge",
        name="readBadge",
        summary="How much the caller has not read, counted now.",
        asks=ReadBadge,
        answers=Badge,
    ),
    Route(
        method="GET",
        path=f"{ORG}/members",
        name="listMembers",
        summary="Who is in the organization; members see staff only.",
        asks=ListMembers,
        answers=Page[Member],
    ),
    Route(
        method="GET",
        path=f"{ORG}/audit",
        name="readAudit",
        summary="What was done to others, newest first, for owners and admins.",
        asks=ReadAudit,
        answers=Page[AuditRow],
    ),
    Route(
        method="GET",
        path=f"{ORG}/settings",
        name="readSettings",
        summary="What the owner has decided, for staff.",
        asks=ReadSettings,
        answers=OrganizationSettings,
    ),
    Route(
        method="PATCH",
        path=f"{ORG}/settings",
        name="changeSettings",
        summary="Decide, as owner.",
        asks=ChangeSettings,
        answers=OrganizationSettings,
    ),
)
