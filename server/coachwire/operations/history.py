"""The direct messages of two people."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import ReadHistory
from coachwire_protocol.errors import NotFound

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.messages import ONE
from coachwire.operations.pages import IdRow, Place, Rows, read_page
from coachwire.shown import MessageRow


class PartnerRow(NamedTuple):
    user_id: UUID


PARTNER = Query("conversations/partner", PartnerRow)
OLDER = Query("conversations/history", MessageRow)
NEWER = Query("conversations/newer", MessageRow)
FIRST = Query("conversations/first_unread", IdRow)


@operation(ReadHistory)
async def read_history(scope: Scope, actor: Actor, request: ReadHistory) -> Outcome:
    """Direct messages with one person, newest first; also with somebody who has left."""
    await require_membership(scope.tx, actor, request.organization_id)
    partner = await PARTNER.first(scope.tx, actor.user_id, request.organization_id, request.membership_id)
    if partner is None:
        raise NotFound
    pair = _Pair(
        scope.tx, actor.user_id, request.organization_id, partner.user_id, UUID(request.membership_id)
    )
    return Outcome(data=await read_page(pair, request, scope.links))


class _Pair(NamedTuple):
    """Whose messages are read, by whom."""

    tx: Tx
    user_id: str
    organization_id: str
    partner_id: UUID
    membership_id: UUID

    async def older(self, than: Place | None, limit: int) -> Rows:
        return await OLDER.rows(
            self.tx, self.user_id, self.organization_id, self.partner_id, *(than or (None, None)), limit
        )

    async def newer(self, than: Place, limit: int) -> Rows:
        return await NEWER.rows(self.tx, self.user_id, self.organization_id, self.partner_id, *than, limit)

    async def first_unread(self) -> IdRow | None:
        return await FIRST.first(self.tx, self.user_id, self.organization_id, self.partner_id)

    async def anchor(self, message_id: str) -> MessageRow:
        found = await ONE.first(self.tx, message_id, self.organization_id, self.user_id)
        if found is None or found.workout_assignment_id is not None:
            raise NotFound
        if self.membership_id not in (found.sender_membership_id, found.recipient_membership_id):
            raise NotFound
        return found
