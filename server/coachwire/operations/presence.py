"""Who may know who is online: active members of the organization, and members of the staff only."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.session import WatchPresence
from msgspec import Struct

from coachwire.database import Query, Tx
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.presence import Belonging


class MembershipRow(NamedTuple):
    user_id: UUID
    organization_id: UUID
    membership_id: UUID
    staff: bool


class MayWatch(Struct, frozen=True):
    """As whom the caller watches."""

    own: Belonging


MEMBERSHIPS = Query("presence/memberships", MembershipRow)


@operation(WatchPresence)
async def may_watch(scope: Scope, actor: Actor, request: WatchPresence) -> Outcome:
    """The door does what is asked. Raises `Forbidden` without an active membership."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    return Outcome(data=MayWatch(Belonging(request.organization_id, str(own.id), own.role != "member")))


async def memberships_of(tx: Tx, user_ids: Sequence[str]) -> dict[str, list[Belonging]]:
    """The active memberships of these users, read now; a user without any has an empty list."""
    found: dict[str, list[Belonging]] = defaultdict(list)
    for row in await MEMBERSHIPS.rows(tx, user_ids):
        found[str(row.user_id)].append(Belonging(str(row.organization_id), str(row.membership_id), row.staff))
    return {user_id: found[user_id] for user_id in user_ids}
