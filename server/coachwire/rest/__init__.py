"""The REST door: routes under /v1, a module a noun. Each builds a request and ends in `Runner`, as the socket does."""

from coachwire.rest import (
    attachments,
    blobs,
    comments,
    conversations,
    documents,
    me,
    messages,
    metrics,
    organization,
    uploads,
    workouts,
)

MAX_BODY = 1_000_000  # bytes

routes = (
    *messages.routes,
    *attachments.routes,
    *conversations.routes,
    *workouts.routes,
    *comments.routes,
    *metrics.routes,
    *organization.routes,
    *me.routes,
    *documents.routes,
    *uploads.routes,
    *blobs.routes,
)
