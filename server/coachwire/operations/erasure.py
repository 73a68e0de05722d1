"""Erasure is asked for here; it is done by a job (see migration 0019), step by step."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import Forbidden, NotFound
from coachwire_protocol.jobs import EraseMe, EraseMembership, JobStarted
from coachwire_protocol.memberships import Role

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership


class Begun(NamedTuple):
    job_id: UUID


class BegunMembership(NamedTuple):
    role: Role
    job_id: UUID | None


BEGIN_PERSON = Query("erasure/begin_person", Begun)
BEGIN_MEMBERSHIP = Query("erasure/begin_membership", BegunMembership)


@operation(EraseMe, durable=True)
async def erase_me(scope: Scope, actor: Actor, request: EraseMe) -> Outcome:
    """Of a person there is one erasure: asking again finds it."""
    begun = await BEGIN_PERSON.first(scope.tx, actor.user_id, actor.user_id)
    if begun is None:
        raise NotFound
    return Outcome(data=JobStarted(job_id=str(begun.job_id)))


@operation(EraseMembership, durable=True)
async def erase_membership(scope: Scope, actor: Actor, request: EraseMembership) -> Outcome:
    """By an owner, of anyone but an owner; also of somebody who has left."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    if own.role != "owner":
        raise Forbidden
    begun = await BEGIN_MEMBERSHIP.first(
        scope.tx, request.membership_id, request.organization_id, actor.user_id
    )
    if begun is None:
        raise NotFound
    if begun.job_id is None:
        raise Forbidden
    return Outcome(data=JobStarted(job_id=str(begun.job_id)))
