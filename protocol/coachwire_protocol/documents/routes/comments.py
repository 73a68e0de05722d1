"""What is said on exercises."""

from typing import Final

from ...comments import Comment, CommentDeleted, DeleteComment, EditComment, PostComment, ReadComments
from ...conversations import Page
from ...errors import Conflict, Gone, NotFound, RateLimited
from .route import ORG, Route

COMMENTS: Final = f"{ORG}/workouts/{{workout}}/movements/{{movement}}/comments"

ROUTES: Final = (
    Route(
        method="GET",
        path=COMMENTS,
        name="readComments",
        summary="What is said on an exercise, oldest first.",
        asks=ReadComments,
        answers=Page[Comment],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=COMMENTS,
        name="postComment",
        summary="Comment on an exercise, or reply to a comment.",
        asks=PostComment,
        answers=Comment,
        refusals=(NotFound, Conflict, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was used before: the comment that it names."},
        optional=frozenset({"id"}),
    ),
    Route(
        method="PATCH",
        path=f"{COMMENTS}/{{comment}}",
        name="editComment",
        summary="Edit a comment of one's own.",
        asks=EditComment,
        answers=Comment,
        refusals=(NotFound, Gone),
    ),
    Route(
        method="DELETE",
        path=f"{COMMENTS}/{{comment}}",
        name="deleteComment",
        summary="Delete a comment of one's own, or as owner or admin.",
        asks=DeleteComment,
        answers=CommentDeleted,
        refusals=(NotFound,),
    ),
)
