"""Who may enter an organization. Read from the tables at every request: rights are never remembered."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Forbidden
from coachwire_protocol.memberships import Role

from coachwire.database import Query, Tx
from coachwire.operation import Actor


class OwnMembership(NamedTuple):
    id: UUID
    role: Role


MEMBERSHIP = Query("session/membership", OwnMembership)


async def require_membership(tx: Tx, actor: Actor, organization_id: str) -> OwnMembership:
    """The caller's active membership. Raises `Forbidden` without one, whether the organization exists or not."""
    found = await MEMBERSHIP.first(tx, actor.user_id, organization_id)
    if found is None:
        raise Forbidden
    return found
