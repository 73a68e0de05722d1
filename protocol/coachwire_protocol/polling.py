"""The user stream over REST, for who has no socket: ask for what follows a position, and wait for it."""

from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from .envelopes import EventFrame
from .ids import Position
from .shape import Rule, Wire
from .topics import ResetReason, Resumption

MAX_WAIT: Final = 25  # s
MAX_EVENTS: Final = 256


def _no_position(epoch: str | None, position: int | None) -> str | None:
    return "Expected a position beside epoch." if epoch is not None and position is None else None


class PollEvents(Wire, frozen=True, kw_only=True):
    """Without `epoch`: where the stream is. `wait` (s): how long an answer without events may be held back."""

    epoch: Annotated[str, Meta(max_length=16)] | None = None
    position: Position | None = None
    wait: Annotated[int, Meta(ge=0, le=MAX_WAIT)] = 0

    RULES: ClassVar = (Rule("position", ("epoch", "position"), _no_position),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class StreamPart(Wire, frozen=True, kw_only=True):
    """At most 256 frames as on the socket. `position`: through which one they go; ask on from there."""

    resume: Resumption
    reason: ResetReason | UnsetType = UNSET
    epoch: str
    position: int
    events: tuple[EventFrame, ...] = ()
