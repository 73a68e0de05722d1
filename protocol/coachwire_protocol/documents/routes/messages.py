"""Single messages, and their words."""

from typing import Final

from ...conversations import Page, ReadMessage
from ...errors import AttachmentNotReady, Conflict, EditWindowOver, Gone, NotFound, RateLimited
from ...messages import Deleted, DeleteMessage, EditMessage, Message, SendMessage
from ...receipts import MarkedRead, ReadMessages
from ...search import SearchMessages
from .route import ORG, Route

MESSAGE: Final = f"{ORG}/messages/{{id}}"

ROUTES: Final = (
    Route(
        method="POST",
        path=f"{ORG}/messages",
        name="sendMessage",
        summary="Send a message.",
        asks=SendMessage,
        answers=Message,
        refusals=(NotFound, Conflict, AttachmentNotReady, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was sent before: the message that it names."},
        optional=frozenset({"id"}),
    ),
    Route(
        method="GET",
        path=f"{ORG}/messages/search",
        name="searchMessages",
        summary="Messages by their words, newest first; a page may be short, or empty, and lead on.",
        asks=SearchMessages,
        answers=Page[Message],
    ),
    Route(
        method="GET",
        path=MESSAGE,
        name="readMessage",
        summary="One message; a deleted one as its tombstone.",
        asks=ReadMessage,
        answers=Message,
        refusals=(NotFound,),
    ),
    Route(
        method="PATCH",
        path=MESSAGE,
        name="editMessage",
        summary="Edit a message of one's own.",
        asks=EditMessage,
        answers=Message,
        refusals=(NotFound, EditWindowOver, Gone),
    ),
    Route(
        method="DELETE",
        path=MESSAGE,
        name="deleteMessage",
        summary="Delete a message of one's own, or as owner or admin.",
        asks=DeleteMessage,
        answers=Deleted,
        refusals=(NotFound,),
    ),
    Route(
        method="PUT",
        path=f"{MESSAGE}/read",
        name="markMessageRead",
        summary="Mark a message as read, as its recipient.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=(),
    ),
)
