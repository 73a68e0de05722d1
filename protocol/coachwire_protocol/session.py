"""A connection's life: hello and welcome, acks, tokens, heartbeat, and what comes without a position."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from .ids import Id, Position
from .memberships import MembershipView
from .messages import MAX_ATTACHMENTS, MAX_CONTENT, Party
from .shape import Asking, Wire
from .times import Time
from .topics import MAX_TOPICS, ResetReason, Resume, Resumption, TopicAsk

HEARTBEAT_SECONDS: Final = 25  # phones' NATs drop idle sockets after about a minute
MAX_FRAME_BYTES: Final = 65_536
MAX_FRAMES: Final = 32  # requests in one array
MAX_IN_FLIGHT: Final = 64
MAX_WATCH: Final = 200
MESSAGES_PER_MINUTE: Final = 30

Token = Annotated[str, Meta(min_length=1)]
State = Literal["foreground", "background"]


class Hello(Wire, frozen=True, kw_only=True, omit_defaults=True, tag="hello", tag_field="type"):
    """The first frame of a connection, and alone in it."""

    token: Token
    device: Id  # per installation of an app, per tab of a browser
    resume: Resume | UnsetType = UNSET
    topics: Annotated[tuple[TopicAsk, ...], Meta(max_length=MAX_TOPICS)] = ()
    state: State = "foreground"


class UnreadOrganization(Wire, frozen=True, kw_only=True):
    """What is unread in one organization."""

    organization_id: Id
    count: int


class Unread(Wire, frozen=True, kw_only=True):
    """Unread messages, exact when sent."""

    total: int
    organizations: tuple[UnreadOrganization, ...]


class UnreadFrame(Wire, frozen=True, kw_only=True, tag="unread", tag_field="type"):
    """Without position: may be lost, the next one makes it good."""

    total: int
    organizations: tuple[UnreadOrganization, ...]


class Limits(Wire, frozen=True, kw_only=True):
    """What a client must keep to."""

    frame_bytes: int = MAX_FRAME_BYTES
    frames: int = MAX_FRAMES
    content: int = MAX_CONTENT
    attachments: int = MAX_ATTACHMENTS
    in_flight: int = MAX_IN_FLIGHT
    topics: int = MAX_TOPICS
    watch: int = MAX_WATCH
    messages_per_minute: int | None = MESSAGES_PER_MINUTE  # null when the limit is off


class Welcome(Wire, frozen=True, kw_only=True, tag="welcome", tag_field="type"):
    """The answer to hello. `position` is the head; `events` positions follow before `live`."""

    user_id: Id
    session: str
    resume: Resumption
    reason: ResetReason | UnsetType = UNSET
    epoch: str
    position: int
    events: int
    memberships: tuple[MembershipView, ...]
    unread: Unread
    heartbeat_seconds: int = HEARTBEAT_SECONDS
    token_expires_at: Time
    server_time: Time
    limits: Limits


class Live(Wire, frozen=True, kw_only=True, tag="live", tag_field="type"):
    """The replay is over; repeats the last position, uses none up."""

    position: int


class Ack(Asking, frozen=True, kw_only=True, tag="ack"):
    """Everything up to here is stored on this device."""

    position: Position


class SetState(Asking, frozen=True, kw_only=True, tag="state"):
    """In the background, typing and presence are held back."""

    state: State


class RefreshToken(Asking, frozen=True, kw_only=True, tag="token.refresh"):
    """A newer token of the same user, before the present one expires."""

    token: Token


class Refreshed(Wire, frozen=True, kw_only=True):
    """The `ok` of `token.refresh`."""

    token_expires_at: Time


class Ping(Asking, frozen=True, kw_only=True, tag="ping"):
    """Answered by a `pong` frame, `ref` repeated if given."""


class Pong(Asking, frozen=True, kw_only=True, tag="pong"):
    """The answer to ping."""


class Typing(Asking, frozen=True, kw_only=True, tag="typing"):
    """Fire and forget."""

    organization_id: Id
    to: Party
    active: bool


class WatchPresence(Asking, frozen=True, kw_only=True, tag="presence.watch"):
    """Replaces the former list."""

    organization_id: Id
    membership_ids: Annotated[tuple[Id, ...], Meta(max_length=MAX_WATCH)]


class Online(Wire, frozen=True, kw_only=True):
    """The `ok` of `presence.watch`: who of them is online now."""

    online: tuple[Id, ...]


class TypingSignal(Wire, frozen=True, kw_only=True):
    """Somebody types to the receiver, or has stopped."""

    from_membership_id: Id
    workout_assignment_id: Id | None
    active: bool


class PresenceSignal(Wire, frozen=True, kw_only=True):
    """Somebody came or went."""

    membership_id: Id
    online: bool


class DeliveredSignal(Wire, frozen=True, kw_only=True):
    """All of the receiver's messages to that recipient are delivered up to this one."""

    recipient_membership_id: Id
    workout_assignment_id: Id | None
    up_to: Id


class DrainingNotice(Wire, frozen=True, kw_only=True):
    """Come back at a random moment of the window."""

    reconnect_within_ms: tuple[int, int]


class TokenExpiringNotice(Wire, frozen=True, kw_only=True):
    """Refresh the token now; the socket closes 30 s after it has expired."""

    expires_at: Time
