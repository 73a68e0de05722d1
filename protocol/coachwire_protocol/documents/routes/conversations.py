"""Conversations: the list, the history of one, and reading it."""

from typing import Final

from ...conversations import Conversation, HistoryPage, ListConversations, Page, ReadHistory
from ...errors import NotFound
from ...receipts import MarkedRead, ReadMessages
from .route import ORG, Route

CONVERSATION: Final = f"{ORG}/conversations/{{membership}}"

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{ORG}/conversations",
        name="listConversations",
        summary="The caller's conversations, newest first.",
        asks=ListConversations,
        answers=Page[Conversation],
    ),
    Route(
        method="GET",
        path=CONVERSATION,
        name="readHistory",
        summary="Messages with one person, newest first.",
        asks=ReadHistory,
        answers=HistoryPage,
        refusals=(NotFound,),
    ),
    Route(
        method="PUT",
        path=f"{CONVERSATION}/read",
        name="markConversationRead",
        summary="Mark a conversation as read: all of it, or through one message.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=("upTo",),
    ),
)
