"""What a person lets organizations see: asked for over REST, given and withdrawn by the person alone."""

from msgspec import field

from .conversations import Cursor, PageLimit
from .ids import Id
from .shape import Wire
from .times import Time


class ListGrants(Wire, frozen=True, kw_only=True):
    """The caller's grants, newest first."""

    limit: PageLimit = 50
    cursor: Cursor | None = None


class Grant(Wire, frozen=True, kw_only=True):
    """This organization sees the person's values of this definition, or of all, wherever they were recorded, from
    `from_` until `until`."""

    organization_id: Id
    definition_id: Id | None
    from_: Time | None = field(name="from")
    until: Time | None


class PutGrant(Wire, frozen=True, kw_only=True):
    """Give a grant, or change the times of the one for this organization and definition."""

    organization_id: Id
    definition_id: Id | None = None
    from_: Time | None = field(default=None, name="from")
    until: Time | None = None


class WithdrawGrant(Wire, frozen=True, kw_only=True):
    """Take back the grant for this organization and definition; without one, the grant for all definitions."""

    organization_id: Id
    definition_id: Id | None = None
