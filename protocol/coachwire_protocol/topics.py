"""Topics: what is open on somebody's screen, and how it is opened, resumed and closed."""

import re
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from .ids import UUID_PATTERN, Position
from .shape import Asking, Wire

MAX_TOPICS: Final = 64  # a connection

# `$` alone would let a trailing newline through.
TOPIC_PATTERN: Final = rf"^(thread|exercise|metrics):{UUID_PATTERN[1:-1]}(?!\n)$"

Topic = Annotated[str, Meta(pattern=TOPIC_PATTERN, description="A kind of topic, and what it is about.")]
Resumption = Literal["fresh", "resumed", "reset"]
ResetReason = Literal["epoch", "ahead", "too_many", "too_old"]

_matches = re.compile(TOPIC_PATTERN).match


class Resume(Wire, frozen=True, kw_only=True):
    """The last position that the client holds, and the epoch it belongs to."""

    epoch: Annotated[str, Meta(max_length=16)]
    position: Position


class TopicAsk(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """A topic to open after hello. Any text: one of an unknown kind must not cost the connection."""

    topic: Annotated[str, Meta(max_length=64)]
    resume: Resume | UnsetType = UNSET


class OpenTopic(Asking, frozen=True, kw_only=True, tag="topic.open"):
    """From now on tell what happens in this topic; with `resume`, what was missed as well."""

    topic: Topic
    resume: Resume | UnsetType = UNSET


class CloseTopic(Asking, frozen=True, kw_only=True, tag="topic.close"):
    """No more of this topic on this connection."""

    topic: Topic


class TopicState(Wire, frozen=True, kw_only=True):
    """The `ok` of `topic.open`."""

    topic: str
    resume: Resumption
    reason: ResetReason | UnsetType = UNSET
    epoch: str
    position: int


class TopicOpened(Wire, frozen=True, kw_only=True, tag="topic.opened", tag_field="type"):
    """The frame that answers a topic asked for in hello."""

    topic: str
    resume: Resumption
    reason: ResetReason | UnsetType = UNSET
    epoch: str
    position: int


class TopicClosed(Wire, frozen=True, kw_only=True, tag="topic.closed", tag_field="type"):
    """The frame that tells that the right, or the thing, has ended."""

    topic: str
    reason: Literal["forbidden", "gone"]


def is_topic(text: str) -> bool:
    """Whether the text names a topic of a known kind."""
    return _matches(text) is not None
