"""Routes of files that are to be sent."""

import asyncio

import structlog
from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.errors import AttachmentNotReady, Unavailable
from coachwire_protocol.uploads import CompleteUpload, ReadUpload, Reason, RequestUpload

from coachwire.blobs import Blobs, Changed, what_failed
from coachwire.files.media import START, is_what_it_says
from coachwire.keys import BLOBS, PROCESSING, RUNNER
from coachwire.operations.uploads import Awaited, NoteArrival
from coachwire.rest.door import actor_of, answer_body, data, within

log = structlog.get_logger()

LOOK = 5.0  # s that the store may take to say what is there

routes = web.RouteTableDef()


@routes.post("/v1/organizations/{org}/messages/upload-url")
async def request_upload(request: web.Request) -> web.Response:
    return await answer_body(request, RequestUpload, {})


@routes.post("/v1/organizations/{org}/uploads/{upload}/complete")
async def complete(request: web.Request) -> web.Response:
    """Look at what was put there, with no connection to the database held meanwhile; what comes next is done beside."""
    actor = await actor_of(request)
    asked = checked(CompleteUpload, within(request) | _upload(request))
    outcome = await request.app[RUNNER].run(actor, asked)
    if isinstance(outcome.data, Awaited):
        reason, etag = await _look(request.app[BLOBS], outcome.data)
        outcome = await request.app[RUNNER].run(
            actor,
            NoteArrival(
                organization_id=asked.organization_id,
                upload_id=asked.upload_id,
                reason=reason,
                etag=etag,
            ),
        )
        request.app[PROCESSING].wake()
    return data(outcome)


@routes.get("/v1/organizations/{org}/uploads/{upload}")
async def upload(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    outcome = await request.app[RUNNER].run(actor, checked(ReadUpload, within(request) | _upload(request)))
    if isinstance(outcome.data, Awaited):
        raise AttachmentNotReady("Its bytes were not completed yet.")
    return data(outcome)


async def _look(blobs: Blobs, upload: Awaited) -> tuple[Reason | None, str | None]:
    """Why it is refused, if it is, and the etag of what was looked at."""
    try:
        async with asyncio.timeout(LOOK):
            found = await blobs.head(upload.upload_key)
            if found is None:
                raise AttachmentNotReady("Its bytes have not arrived.")
            if found.size != upload.size:
                return "size", found.etag
            start = await blobs.start_of(upload.upload_key, found.etag, START)
    except (Unavailable, TimeoutError) as error:
        log.warning("blobs_away", doing="look", error=what_failed(error))
        raise Unavailable from error
    except Changed:
        return "changed", None
    if not is_what_it_says(upload.mime_type, start) or found.mime_type != upload.mime_type:
        return "type", found.etag
    return None, found.etag


def _upload(request: web.Request) -> dict[str, str]:
    return {"uploadId": request.match_info["upload"]}
