"""The server's frames as a client reads them: what stands around the data."""

from typing import Any

from msgspec import UNSET, UnsetType

from .errors import ErrorBody
from .ids import Id, Ref
from .shape import Wire


class OkFrame(Wire, frozen=True, kw_only=True, tag="ok", tag_field="type"):
    """Committed. A `position` stands for the caller's own event: the connection's next one."""

    ref: Ref
    data: dict[str, Any]
    position: int | UnsetType = UNSET


class ErrorFrame(Wire, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """The request was refused; `ref` is null when it had none, or none that could be read."""

    ref: Ref | None
    error: ErrorBody


class EventFrame(Wire, frozen=True, kw_only=True, tag="event", tag_field="type"):
    """Something durable. Kind `skipped` covers `position` to `through` and carries nothing else."""

    kind: str  # any text: clients ignore the kinds they do not know
    organization_id: Id | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET
    position: int
    through: int | UnsetType = UNSET


class SignalFrame(Wire, frozen=True, kw_only=True, tag="signal", tag_field="type"):
    """Something that may be lost."""

    kind: str
    organization_id: Id
    data: dict[str, Any]


class NoticeFrame(Wire, frozen=True, kw_only=True, tag="notice", tag_field="type"):
    """Something about the connection itself."""

    kind: str
    data: dict[str, Any]
