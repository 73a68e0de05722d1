"""The routes of REST, a table a noun. A new route is one entry in its table and its handler."""

from typing import Final

from . import (
    attachments,
    comments,
    conversations,
    me,
    messages,
    metrics,
    organization,
    privacy,
    threads,
    uploads,
    workouts,
)
from .route import PATH, QUERY, Route

__all__ = ["PATH", "QUERY", "ROUTES", "Route"]

# In this order they stand in the document.
ROUTES: Final = (
    *uploads.ROUTES,
    *messages.ROUTES,
    *attachments.ROUTES,
    *conversations.ROUTES,
    *workouts.ROUTES,
    *comments.ROUTES,
    *threads.ROUTES,
    *organization.ROUTES,
    *metrics.ROUTES,
    *me.ROUTES,
    *privacy.ROUTES,
)
