"""Everything that can be said: the sealed lists of requests, of events and of the server's frames."""

from enum import StrEnum
from typing import Final, get_args

from .comments import (
    Comment,
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    CommentErased,
    CreateComment,
    DeleteComment,
    EditComment,
)
from .envelopes import ErrorFrame, EventFrame, NoticeFrame, OkFrame, SignalFrame
from .memberships import AssignmentPublished, AssignmentRemoved, MembershipChanged, MembershipEnded
from .messages import (
    Deleted,
    DeleteMessage,
    Edited,
    EditMessage,
    Message,
    MessageDeleted,
    MessageErased,
    SendMessage,
    Sent,
)
from .metrics import Value, ValuesErased
from .receipts import HistoryTrimmed, MarkedRead, MessageRead, ReadMessages
from .session import (
    Ack,
    DeliveredSignal,
    DrainingNotice,
    Hello,
    Live,
    Online,
    Ping,
    Pong,
    PresenceSignal,
    Refreshed,
    RefreshToken,
    SetState,
    TokenExpiringNotice,
    Typing,
    TypingSignal,
    UnreadFrame,
    WatchPresence,
    Welcome,
)
from .shape import Wire
from .topics import CloseTopic, OpenTopic, TopicClosed, TopicOpened, TopicState

Request = (
    Hello
    | SendMessage
    | ReadMessages
    | EditMessage
    | DeleteMessage
    | CreateComment
    | EditComment
    | DeleteComment
    | Typing
    | WatchPresence
    | OpenTopic
    | CloseTopic
    | Ack
    | SetState
    | RefreshToken
    | Ping
)

Frame = (
    Welcome
    | Live
    | OkFrame
    | ErrorFrame
    | EventFrame
    | SignalFrame
    | NoticeFrame
    | UnreadFrame
    | TopicOpened
    | TopicClosed
    | Pong
)

REQUEST_TYPES: Final[dict[str, type[Wire]]] = {
    str(request.__struct_config__.tag): request for request in get_args(Request)
}

# The data of a request's `ok`; None: an empty object. Hello and ping have answers of their own kind.
OK_DATA: Final[dict[type[Wire], type[Wire] | None]] = {
    SendMessage: Sent,
    ReadMessages: MarkedRead,
    EditMessage: Edited,
    DeleteMessage: Deleted,
    CreateComment: CommentCreated,
    EditComment: CommentEdited,
    DeleteComment: CommentDeleted,
    Typing: None,
    WatchPresence: Online,
    OpenTopic: TopicState,
    CloseTopic: None,
    Ack: None,
    SetState: None,
    RefreshToken: Refreshed,
}


class EventKind(StrEnum):
    """The kinds of durable events. Clients ignore those that they do not know."""

    MESSAGE_CREATED = "message.created"
    MESSAGE_EDITED = "message.edited"
    MESSAGE_DELETED = "message.deleted"
    MESSAGE_ERASED = "message.erased"
    MESSAGE_READ = "message.read"
    HISTORY_TRIMMED = "history.trimmed"
    COMMENT_CREATED = "comment.created"
    COMMENT_EDITED = "comment.edited"
    COMMENT_DELETED = "comment.deleted"
    COMMENT_ERASED = "comment.erased"
    COMMENT_MENTIONED = "comment.mentioned"
    METRIC_RECORDED = "metric.recorded"
    METRIC_ERASED = "metric.erased"
    MEMBERSHIP_CHANGED = "membership.changed"
    MEMBERSHIP_ENDED = "membership.ended"
    ASSIGNMENT_PUBLISHED = "assignment.published"
    ASSIGNMENT_REMOVED = "assignment.removed"
    SKIPPED = "skipped"  # no data: covers a range of positions


class SignalKind(StrEnum):
    """What is sent without a position and may be lost."""

    TYPING = "typing"
    PRESENCE = "presence"
    DELIVERED = "delivered"


class NoticeKind(StrEnum):
    """What is said about the connection itself."""

    DRAINING = "draining"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a kind, not a secret


EVENT_DATA: Final[dict[EventKind, type[Wire]]] = {
    EventKind.MESSAGE_CREATED: Message,
    EventKind.MESSAGE_EDITED: Message,
    EventKind.MESSAGE_DELETED: MessageDeleted,
    EventKind.MESSAGE_ERASED: MessageErased,
    EventKind.MESSAGE_READ: MessageRead,
    EventKind.HISTORY_TRIMMED: HistoryTrimmed,
    EventKind.COMMENT_CREATED: Comment,
    EventKind.COMMENT_EDITED: Comment,
    EventKind.COMMENT_DELETED: Comment,
    EventKind.COMMENT_ERASED: CommentErased,
    EventKind.COMMENT_MENTIONED: Comment,
    EventKind.METRIC_RECORDED: Value,
    EventKind.METRIC_ERASED: ValuesErased,
    EventKind.MEMBERSHIP_CHANGED: MembershipChanged,
    EventKind.MEMBERSHIP_ENDED: MembershipEnded,
    EventKind.ASSIGNMENT_PUBLISHED: AssignmentPublished,
    EventKind.ASSIGNMENT_REMOVED: AssignmentRemoved,
}

EVENT_KINDS: Final = frozenset(EventKind)

SIGNAL_DATA: Final[dict[SignalKind, type[Wire]]] = {
    SignalKind.TYPING: TypingSignal,
    SignalKind.PRESENCE: PresenceSignal,
    SignalKind.DELIVERED: DeliveredSignal,
}

NOTICE_DATA: Final[dict[NoticeKind, type[Wire]]] = {
    NoticeKind.DRAINING: DrainingNotice,
    NoticeKind.TOKEN_EXPIRING: TokenExpiringNotice,
}
