"""Files that are to be sent."""

from typing import Final

from ...errors import AttachmentNotReady, NotFound, RateLimited
from ...uploads import CompleteUpload, ReadUpload, RequestUpload, Upload, UploadLink
from .route import ORG, Route

ROUTES: Final = (
    Route(
        method="POST",
        path=f"{ORG}/messages/upload-url",
        name="requestUpload",
        summary="A place for the bytes of a file that is to be sent.",
        asks=RequestUpload,
        answers=UploadLink,
        refusals=(RateLimited,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/uploads/{{upload}}/complete",
        name="completeUpload",
        summary="Say that the bytes are there.",
        asks=CompleteUpload,
        answers=Upload,
        refusals=(NotFound, AttachmentNotReady),
    ),
    Route(
        method="GET",
        path=f"{ORG}/uploads/{{upload}}",
        name="readUpload",
        summary="What became of a file that is to be sent.",
        asks=ReadUpload,
        answers=Upload,
        refusals=(NotFound, AttachmentNotReady),
    ),
)
