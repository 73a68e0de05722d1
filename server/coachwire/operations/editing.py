"""A message said otherwise by its sender, while the window for it is open."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.errors import (
    BadRequest,
    EditWindowOver,
    Forbidden,
    Gone,
    NotFound,
    ProtocolError,
    Unavailable,
)
from coachwire_protocol.frames import Event, encode
from coachwire_protocol.messages import Edited, EditMessage, Message, is_blank
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import UNSET, structs

from coachwire.database import Query
from coachwire.operation import Actor, Delivery, Outcome, Scope, operation
from coachwire.operations.messages import HELD_RETRY, ONE
from coachwire.shown import show


class Change(NamedTuple):
    """What an edit came to."""

    code: str
    at: datetime | None
    users: list[UUID] | None
    positions: list[int] | None
    belong: list[bool] | None  # whose user has left the organization is told nothing of it


EDIT = Query("messages/edit", Change)
REFUSALS: dict[str, type[ProtocolError]] = {
    error.code: error for error in (Forbidden, NotFound, Gone, EditWindowOver)
}


@operation(EditMessage, durable=True)
async def edit_message(scope: Scope, actor: Actor, request: EditMessage) -> Outcome:
    """Own, and within the window. The same content again: the former time is answered and no event made."""
    change = await EDIT.one(
        scope.tx,
        request.id,
        request.organization_id,
        actor.user_id,
        request.content,
        is_blank(request.content),
        scope.edit_window,
    )
    match change.code:
        case "edited" | "unchanged":
            pass
        case "unavailable":
            raise Unavailable(retry_after_ms=HELD_RETRY)
        case "bad_request":
            raise BadRequest.at("content", "Expected content that is not blank, or attachments.")
        case code:
            raise REFUSALS[code]
    assert change.at is not None  # noqa: S101 - both codes carry it
    positions = dict(zip(map(str, change.users or ()), change.positions or (), strict=True))
    return Outcome(
        data=Edited(id=request.id, edited_at=wire_time(change.at)),
        deliveries=await _deliveries(scope, actor, request, change) if positions else (),
        position=positions.get(actor.user_id),
    )


async def _deliveries(
    scope: Scope, actor: Actor, request: EditMessage, change: Change
) -> tuple[Delivery, ...]:
    """Committed: from here on a failure loses a push, which the stream's position reveals."""
    row = await ONE.first(scope.tx, request.id, request.organization_id, actor.user_id)
    # Gone or left since: the positions are vouched for as skipped.
    own = show(row, scope.links) if row is not None else None
    other = structs.replace(own, delivered=UNSET) if own is not None else None

    def event(message: Message | None) -> Event | None:
        if message is None:
            return None
        return Event(EventKind.MESSAGE_EDITED, request.organization_id, encode(message))

    return tuple(
        Delivery(str(user), at, event(own if str(user) == actor.user_id else other) if belongs else None)
        for user, at, belongs in zip(
            change.users or (), change.positions or (), change.belong or (), strict=True
        )
    )
