"""Files before they are sent: a place for the bytes, and what became of them. Only who began an upload knows of it."""

from datetime import UTC, datetime
from typing import NamedTuple, cast
from uuid import UUID, uuid4

from coachwire_protocol.errors import FieldError, Forbidden, NotFound, RateLimited, TooLarge
from coachwire_protocol.times import wire_time
from coachwire_protocol.uploads import (
    MAX_IMAGE,
    MAX_VIDEO,
    CompleteUpload,
    ReadUpload,
    Reason,
    RequestUpload,
    Upload,
    UploadLink,
    UploadState,
)
from msgspec import UNSET, Struct

from coachwire.blobs import ENDINGS
from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership

MOST = 40  # uploads of a person that wait to be sent: four messages full. Beyond that `rate_limited`


class Begun(NamedTuple):
    code: str
    free_at: datetime | None


class UploadRow(NamedTuple):
    id: UUID
    mime_type: str
    size: int
    state: str
    reason: Reason | None
    upload_key: str


class Settled(NamedTuple):
    state: str


class Awaited(Struct, frozen=True):
    """An upload whose bytes nobody has looked at: the store is asked by who asked for this, not by an operation."""

    upload_id: str
    upload_key: str
    mime_type: str
    size: int


class NoteArrival(Struct, frozen=True, kw_only=True):
    """What was found at the upload's place. For the door, not on the wire."""

    organization_id: str
    upload_id: str
    reason: Reason | None  # to refuse it; None: it is what was asked for
    etag: str | None


BEGIN = Query("uploads/begin", Begun)
ONE = Query("uploads/one", UploadRow)
ARRIVED = Query("uploads/arrived", Settled)


@operation(RequestUpload)
async def request_upload(scope: Scope, actor: Actor, request: RequestUpload) -> Outcome:
    """Raises `TooLarge`, and `RateLimited` while too many wait to be sent."""
    kind = request.mime_type.partition("/")[0]
    limit = MAX_IMAGE if kind == "image" else MAX_VIDEO
    if request.file_size > limit:
        raise TooLarge(details=[FieldError("fileSize", f"Expected at most {limit} bytes.")])
    upload_id = str(uuid4())
    path = f"messages/{request.organization_id}/{actor.user_id}/{upload_id}"
    key = f"{path}.{ENDINGS[request.mime_type]}"
    upload_key = f"incoming/{key}"  # apart from what is shown: what lies here is nobody's yet
    link = scope.blobs.presign_put(upload_key, request.mime_type, request.file_size)
    begun = await BEGIN.one(
        scope.tx,
        upload_id,
        request.organization_id,
        actor.user_id,
        kind,
        request.mime_type,
        request.file_size,
        upload_key,
        key,
        f"{path}.thumb.webp",
        MOST,
    )
    if begun.code == "forbidden":
        raise Forbidden
    if begun.free_at is not None:
        raise RateLimited(
            "Too many files wait to be sent.", retry_after_ms=_milliseconds_until(begun.free_at)
        )
    return Outcome(
        data=UploadLink(
            upload_id=upload_id,
            upload_url=link.url,
            method="PUT",
            headers=link.headers,
            expires_at=wire_time(link.expires_at),
        )
    )


@operation(CompleteUpload)
async def complete_upload(scope: Scope, actor: Actor, request: CompleteUpload) -> Outcome:
    """What became of it, or that its bytes are to be looked at. Raises `NotFound`."""
    row = await _own(scope, actor, request.organization_id, request.upload_id)
    if row.state == "waiting":
        return Outcome(data=Awaited(request.upload_id, row.upload_key, row.mime_type, row.size))
    return Outcome(data=_shown(row))


@operation(ReadUpload)
async def read_upload(scope: Scope, actor: Actor, request: ReadUpload) -> Outcome:
    """As `complete_upload`, and changes nothing."""
    row = await _own(scope, actor, request.organization_id, request.upload_id)
    if row.state == "waiting":
        return Outcome(data=Awaited(request.upload_id, row.upload_key, row.mime_type, row.size))
    return Outcome(data=_shown(row))


@operation(NoteArrival)
async def note_arrival(scope: Scope, actor: Actor, request: NoteArrival) -> Outcome:
    """Whoever comes first decides; the others are answered what was decided."""
    settled = await ARRIVED.first(
        scope.tx,
        request.upload_id,
        request.organization_id,
        actor.user_id,
        request.reason,
        request.etag,
    )
    if settled is None:
        return Outcome(data=_shown(await _own(scope, actor, request.organization_id, request.upload_id)))
    return Outcome(
        data=Upload(
            upload_id=request.upload_id,
            state=cast("UploadState", settled.state),
            reason=request.reason or UNSET,
        )
    )


async def _own(scope: Scope, actor: Actor, organization_id: str, upload_id: str) -> UploadRow:
    await require_membership(scope.tx, actor, organization_id)
    row = await ONE.first(scope.tx, upload_id, organization_id, actor.user_id)
    if row is None:
        raise NotFound
    return row


def _shown(row: UploadRow) -> Upload:
    return Upload(upload_id=str(row.id), state=cast("UploadState", row.state), reason=row.reason or UNSET)


def _milliseconds_until(at: datetime) -> int:
    return max(1, int((at - datetime.now(UTC)).total_seconds() * 1000))
