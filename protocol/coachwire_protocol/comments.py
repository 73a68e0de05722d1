"""Exercise comments: writing, editing, deleting, and what is told of them."""

from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from .ids import Id
from .messages import EventIds, is_blank
from .shape import Asking, Rule, Wire
from .times import Time

MAX_BODY: Final = 5_000  # code points

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
