"""What a client loads: the list of conversations, how much is unread, and the state to begin from."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import (
    Badge,
    Conversation,
    ListConversations,
    OrganizationState,
    Page,
    ReadBadge,
    Sync,
    SyncState,
    decode_cursor,
    encode_cursor,
)
from coachwire_protocol.errors import Forbidden, Unauthenticated
from coachwire_protocol.memberships import MembershipView, Role
from coachwire_protocol.times import wire_time

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.session import unread_of
from coachwire.shown import MessageRow, show


class ConversationRow(NamedTuple):
    membership_id: UUID
    name: str
    role: Role
    image_url: str | None
    last_at: datetime
    unread_count: int
    last_message: MessageRow | None

    @classmethod
    def of(cls, *columns: object) -> "ConversationRow":
        message = MessageRow._make(columns[6:])
        return cls._make((*columns[:6], message if message.id is not None else None))


class StateRow(NamedTuple):
    epoch: str
    position: int
    membership_ids: list[UUID] | None
    organization_ids: list[UUID] | None
    roles: list[Role] | None


LIST = Query("conversations/list", ConversationRow.of)
STATE = Query("session/sync", StateRow)

Cursor = tuple[datetime, str]


@operation(ListConversations)
async def list_conversations(scope: Scope, actor: Actor, request: ListConversations) -> Outcome:
    """The caller's conversations in an organization, newest first."""
    await require_membership(scope.tx, actor, request.organization_id)
    return Outcome(data=await _conversations(scope, actor, request))


@operation(ReadBadge)
async def read_badge(scope: Scope, actor: Actor, request: ReadBadge) -> Outcome:
    """How much the caller has not read in an organization, direct messages and threads, counted now."""
    await require_membership(scope.tx, actor, request.organization_id)
    unread = (await unread_of(scope.tx, [actor.user_id]))[actor.user_id]
    counts = {organization.organization_id: organization.count for organization in unread.organizations}
    return Outcome(data=Badge(count=counts.get(request.organization_id, 0)))


@operation(Sync)
async def sync(scope: Scope, actor: Actor, request: Sync) -> Outcome:
    """The position first, then the state, in one snapshot: events above the position follow it. Raises `Forbidden` for
    one organization in which the caller has no active membership."""
    async with scope.tx.transaction(isolation="repeatable_read", readonly=True):
        state = await STATE.first(scope.tx, actor.user_id, request.organization_id)
        if state is None:
            raise Unauthenticated
        if request.organization_id is not None and not state.organization_ids:
            raise Forbidden
        unread = (await unread_of(scope.tx, [actor.user_id]))[actor.user_id]
        counts = {organization.organization_id: organization.count for organization in unread.organizations}
        organizations = [
            OrganizationState(
                organization_id=organization_id,
                conversations=await _conversations(
                    scope, actor, ListConversations(organization_id=organization_id)
                ),
                unread=counts.get(organization_id, 0),
            )
            for organization_id in map(str, state.organization_ids or ())
        ]
    memberships = zip(
        state.membership_ids or (), state.organization_ids or (), state.roles or (), strict=True
    )
    return Outcome(
        data=SyncState(
            epoch=state.epoch,
            position=state.position,
            memberships=tuple(
                MembershipView(membership_id=str(id_), organization_id=str(organization), role=role)
                for id_, organization, role in memberships
            ),
            organizations=tuple(organizations),
        )
    )


async def _conversations(scope: Scope, actor: Actor, request: ListConversations) -> Page[Conversation]:
    before = _cursor(request.cursor)
    rows = await LIST.rows(scope.tx, actor.user_id, request.organization_id, *before, request.limit + 1)
    shown, more = rows[: request.limit], len(rows) > request.limit
    return Page(
        items=tuple(
            Conversation(
                membership_id=str(row.membership_id),
                name=row.name,
                role=row.role,
                image_url=row.image_url,
                last_message=show(row.last_message, scope.links) if row.last_message else None,
                last_message_at=wire_time(row.last_at),
                unread_count=row.unread_count,
            )
            for row in shown
        ),
        next_cursor=encode_cursor(shown[-1].last_at, str(shown[-1].membership_id)) if more else None,
    )


def _cursor(text: str | None) -> Cursor | tuple[None, None]:
    return (None, None) if text is None else decode_cursor(text)
