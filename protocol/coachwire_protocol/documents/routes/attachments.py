"""Files of messages."""

from typing import Final

from ...attachments import AttachmentUrl, ReadAttachmentUrl
from ...errors import NotFound
from .route import ORG, Route

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{ORG}/attachments/{{attachment}}/url",
        name="readAttachmentUrl",
        summary="New links to a file of a message that the caller may see.",
        asks=ReadAttachmentUrl,
        answers=AttachmentUrl,
        refusals=(NotFound,),
    ),
)
