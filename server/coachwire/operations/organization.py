"""An organization: who is in it, and what its owner decides."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page, decode_cursor, encode_cursor
from coachwire_protocol.errors import Forbidden
from coachwire_protocol.memberships import Role, Status
from coachwire_protocol.organization import (
    ChangeSettings,
    ListMembers,
    Member,
    OrganizationSettings,
    ReadSettings,
)
from msgspec import UNSET

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership


class MemberRow(NamedTuple):
    membership_id: UUID
    name: str
    role: Role
    status: Status
    image_url: str | None
    created_at: datetime


class SettingsRow(NamedTuple):
    edit_window: int | None = None
    message_retention_days: int | None = None
    content_in_notifications: bool = False

    def shown(self) -> OrganizationSettings:
        return OrganizationSettings(**self._asdict())


MEMBERS = Query("organization/members", MemberRow)
SETTINGS = Query("organization/settings", SettingsRow)
CHANGE = Query("organization/change_settings", SettingsRow)


@operation(ListMembers)
async def list_members(scope: Scope, actor: Actor, request: ListMembers) -> Outcome:
    """To staff everybody, whatever their status; to members the active staff. Newest membership first."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    before = (None, None) if request.cursor is None else decode_cursor(request.cursor)
    rows = await MEMBERS.rows(
        scope.tx,
        request.organization_id,
        own.role == "member",
        request.search.strip(),
        *before,
        request.limit + 1,
    )
    shown, more = rows[: request.limit], len(rows) > request.limit
    return Outcome(
        data=Page[Member](
            items=tuple(_member(row) for row in shown),
            next_cursor=encode_cursor(shown[-1].created_at, str(shown[-1].membership_id)) if more else None,
        )
    )


@operation(ReadSettings)
async def read_settings(scope: Scope, actor: Actor, request: ReadSettings) -> Outcome:
    """For staff."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    if own.role == "member":
        raise Forbidden
    row = await SETTINGS.first(scope.tx, request.organization_id)
    return Outcome(data=(row or SettingsRow()).shown())


@operation(ChangeSettings)
async def change_settings(scope: Scope, actor: Actor, request: ChangeSettings) -> Outcome:
    """By an owner. Answers what holds now."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    if own.role != "owner":
        raise Forbidden
    given = (request.edit_window, request.message_retention_days, request.content_in_notifications)
    changes = (part for value in given for part in (value is not UNSET, None if value is UNSET else value))
    row = await CHANGE.one(scope.tx, request.organization_id, *changes)
    return Outcome(data=row.shown())


def _member(row: MemberRow) -> Member:
    return Member(
        membership_id=str(row.membership_id),
        name=row.name,
        role=row.role,
        status=row.status,
        image_url=row.image_url,
        online=False,
    )
