"""Links to a file of a message, asked for anew."""

from coachwire_protocol.attachments import AttachmentUrl, ReadAttachmentUrl
from coachwire_protocol.errors import NotFound

from coachwire.blobs.links import File
from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership

FILE = Query("attachments/file", File)


@operation(ReadAttachmentUrl)
async def read_attachment_url(scope: Scope, actor: Actor, request: ReadAttachmentUrl) -> Outcome:
    """For whoever may see the message; nobody, once it is deleted or erased."""
    await require_membership(scope.tx, actor, request.organization_id)
    file = await FILE.first(scope.tx, request.attachment_id, request.organization_id, actor.user_id)
    if file is None:
        raise NotFound
    (shown,) = scope.links.show([file])
    return Outcome(
        data=AttachmentUrl(
            url=shown.url, thumbnail_url=shown.thumbnail_url, url_expires_at=shown.url_expires_at
        )
    )
