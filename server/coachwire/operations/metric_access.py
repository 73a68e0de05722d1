"""Whose values a caller may look at, and the note of it: every look of staff at a member's values is written down."""

from typing import Literal, NamedTuple
from uuid import UUID

from coachwire_protocol.errors import NotFound

from coachwire.database import Query, Tx
from coachwire.operation import Actor
from coachwire.operations.access import require_membership

Look = Literal["history", "resolve", "prescription"]


class Subject(NamedTuple):
    user_id: UUID
    own: bool


SUBJECT = Query("metrics/subject", Subject)
LOOK = Query("audit/look", tuple)


async def require_subject(tx: Tx, actor: Actor, organization_id: str, membership_id: str) -> Subject:
    """Raises `Forbidden` without an active membership, `NotFound` for one whose values are not the caller's to see."""
    await require_membership(tx, actor, organization_id)
    subject = await SUBJECT.first(tx, actor.user_id, organization_id, membership_id)
    if subject is None:
        raise NotFound
    return subject


async def note_look(tx: Tx, actor: Actor, organization_id: str, subject: Subject, at: Look) -> None:
    """Before the values are read: nobody looks unseen. Whoever looks at their own leaves no trace."""
    if not subject.own:
        await LOOK.run(tx, actor.user_id, organization_id, subject.user_id, at)
