"""The thread under a workout: its messages, and reading them."""

from typing import Final

from ...conversations import HistoryPage, ReadThread
from ...errors import AttachmentNotReady, Conflict, Gone, NotFound, RateLimited
from ...messages import Message, SendMessage
from ...receipts import MarkedRead, ReadMessages
from .route import ASSIGNMENT, Route

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{ASSIGNMENT}/comments",
        name="readThread",
        summary="Messages under a workout, newest first.",
        asks=ReadThread,
        answers=HistoryPage,
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ASSIGNMENT}/comments",
        name="postInThread",
        summary="Write under a workout.",
        asks=SendMessage,
        answers=Message,
        refusals=(NotFound, Conflict, AttachmentNotReady, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was sent before: the message that it names."},
        fields=("id", "content", "attachmentIds"),
        optional=frozenset({"id"}),
    ),
    Route(
        method="PUT",
        path=f"{ASSIGNMENT}/read",
        name="markThreadRead",
        summary="Mark a thread as read: all of it, or through one message. Staff have seen it by that.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=("upTo",),
    ),
)
