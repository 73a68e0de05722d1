"""An organization as its people see it: who is in it, and what its owner decides."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from .conversations import Cursor, PageLimit
from .ids import Id
from .memberships import Role, Status
from .shape import Wire

MAX_SEARCH: Final = 100  # code points
MAX_EDIT_WINDOW: Final = 366 * 86_400  # s
MAX_RETENTION_DAYS: Final = 36_500

EditWindow = Annotated[int, Meta(ge=0, le=MAX_EDIT_WINDOW, description="Seconds; 0: nothing may be edited.")]
RetentionDays = Annotated[int, Meta(ge=1, le=MAX_RETENTION_DAYS)]


class ListMembers(Wire, frozen=True, kw_only=True):
    """`search`: a part of the name, in whatever case."""

    organization_id: Id
    search: Annotated[str, Meta(max_length=MAX_SEARCH)] = ""
    limit: PageLimit = 50
    cursor: Cursor | None = None


class Member(Wire, frozen=True, kw_only=True):
    """Somebody in the organization."""

    membership_id: Id
    name: str
    role: Role
    status: Status
    image_url: str | None
    online: bool


class ReadSettings(Wire, frozen=True, kw_only=True):
    """What the organization's owner has decided."""

    organization_id: Id


class ChangeSettings(Wire, frozen=True, kw_only=True):
    """What is left out stays; null goes back to what the installation says."""

    organization_id: Id
    edit_window: EditWindow | UnsetType | None = UNSET
    message_retention_days: RetentionDays | UnsetType | None = UNSET
    content_in_notifications: bool | UnsetType = UNSET


class OrganizationSettings(Wire, frozen=True, kw_only=True):
    """`edit_window` null: the installation's; `message_retention_days` null: messages are kept."""

    edit_window: int | None
    message_retention_days: int | None
    content_in_notifications: bool
