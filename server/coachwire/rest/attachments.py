"""Routes of files in messages."""

from aiohttp import web
from coachwire_protocol.attachments import ReadAttachmentUrl

from coachwire.rest.door import answer

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/attachments/{attachment}/url")
async def url(request: web.Request) -> web.Response:
    return await answer(request, ReadAttachmentUrl, {"attachmentId": request.match_info["attachment"]})
