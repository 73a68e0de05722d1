"""Exercise comments: writing, editing, deleting, and what is told of them."""

import hashlib
from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from .conversations import Cursor, PageLimit
from .ids import Id
from .messages import EventIds, is_blank
from .shape import Asking, Rule, Wire
from .times import Time

MAX_BODY: Final = 5_000  # code points
MAX_DEPTH: Final = 4  # levels below the root

Body = Annotated[str, Meta(min_length=1, max_length=MAX_BODY)]


def _blank_body(body: str) -> str | None:
    return "Expected a body that is not blank." if is_blank(body) else None


class CreateComment(Asking, frozen=True, kw_only=True, tag="comment.create"):
    """Comment on an exercise, or reply to a comment: at most four levels below the root."""

    organization_id: Id
    id: Id  # chosen by the author: a retry with the same id is the same comment
    workout_movement_id: Id
    body: Body
    parent_comment_id: Id | None = None

    RULES: ClassVar = (Rule("body", ("body",), _blank_body),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class PostComment(CreateComment, frozen=True, kw_only=True, tag="comment.create"):
    """The same over REST, where the path names the workout as well: the exercise must be one of its."""

    workout_id: Id


class EditComment(Asking, frozen=True, kw_only=True, tag="comment.edit"):
    """Write one's own comment anew."""

    organization_id: Id
    id: Id
    body: Body

    RULES: ClassVar = (Rule("body", ("body",), _blank_body),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class DeleteComment(Asking, frozen=True, kw_only=True, tag="comment.delete"):
    """Delete one's own comment; with living replies it stays, without a body."""

    organization_id: Id
    id: Id


class ReadComments(Wire, frozen=True, kw_only=True):
    """What is said on an exercise, oldest first: a parent always comes before its replies."""

    organization_id: Id
    workout_id: Id
    workout_movement_id: Id
    limit: PageLimit = 50
    cursor: Cursor | None = None


class ReadComment(Wire, frozen=True, kw_only=True):
    """One comment, in its place."""

    organization_id: Id
    workout_id: Id
    workout_movement_id: Id
    id: Id


class CommentCreated(Wire, frozen=True, kw_only=True):
    """The `ok` of a comment; a duplicate answers what the first one answered."""

    id: Id
    created_at: Time
    duplicate: bool | UnsetType = UNSET


class CommentEdited(Wire, frozen=True, kw_only=True):
    """The `ok` of an edit."""

    id: Id
    updated_at: Time


class CommentDeleted(Wire, frozen=True, kw_only=True):
    """The `ok` of a deletion."""

    id: Id
    deleted_at: Time


class Comment(Wire, frozen=True, kw_only=True):
    """Also the event data of every `comment.` kind but `erased`. `body` is null when deleted or erased."""

    id: Id
    organization_id: Id
    workout_movement_id: Id
    author_membership_id: Id
    author_name: str
    body: str | None
    parent_comment_id: Id | None
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    erased: bool


class CommentErased(Wire, frozen=True, kw_only=True):
    """Event data: the bodies of these comments are gone, the comments stay."""

    author_membership_id: Id
    comment_ids: EventIds


def payload_hash(
    organization_id: str, workout_movement_id: str, parent_comment_id: str | None, body: str
) -> bytes:
    """SHA-256 that tells whether a repeated id repeats the comment. It is stored: the encoding never changes.

    Organization (36 bytes) · `c` and the exercise (37) · `0`, or `1` and the parent (37) · the body in UTF-8. Only the
    last part varies freely, so no two payloads share an encoding.
    """
    parent = "0" if parent_comment_id is None else f"1{parent_comment_id}"
    return hashlib.sha256(f"{organization_id}c{workout_movement_id}{parent}{body}".encode()).digest()
