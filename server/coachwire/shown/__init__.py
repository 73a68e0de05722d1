"""Messages as they are shown: from the columns of `shown_to` (migration 0016) to what the wire carries."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.memberships import SenderRole
from coachwire_protocol.messages import Message
from coachwire_protocol.times import wire_time
from msgspec import UNSET
from msgspec.json import Decoder

from coachwire.blobs.links import File, Links

NOBODY = "00000000-0000-0000-0000-000000000000"  # a membership that the platform has taken away altogether


class MessageRow(NamedTuple):
    id: UUID
    organization_id: UUID
    sender_membership_id: UUID | None
    sender_name: str
    sender_role: SenderRole
    recipient_membership_id: UUID | None
    workout_assignment_id: UUID | None
    content: str | None
    created_at: datetime
    read_at: datetime | None
    edited_at: datetime | None
    deleted_at: datetime | None
    erased: bool
    delivered: bool | None  # null for everyone but the sender
    attachments: str | None  # a JSON array of `File`; null: none


FILES = Decoder(tuple[File, ...])


def show(row: MessageRow, links: Links) -> Message:
    """A deleted message is shown as a tombstone: without content, without attachments."""
    return Message(
        id=str(row.id),
        organization_id=str(row.organization_id),
        sender_membership_id=membership(row.sender_membership_id),
        sender_name=row.sender_name,
        sender_role=row.sender_role,
        recipient_membership_id=membership(row.recipient_membership_id),
        workout_assignment_id=optional_id(row.workout_assignment_id),
        content=None if row.deleted_at else row.content,
        attachments=() if row.attachments is None else links.show(FILES.decode(row.attachments)),
        created_at=wire_time(row.created_at),
        read_at=optional_time(row.read_at),
        edited_at=optional_time(row.edited_at),
        deleted_at=optional_time(row.deleted_at),
        erased=row.erased,
        delivered=UNSET if row.delivered is None else row.delivered,
    )


def membership(membership_id: UUID | None) -> str:
    return NOBODY if membership_id is None else str(membership_id)


def optional_id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def optional_time(value: datetime | None) -> str | None:
    return None if value is None else wire_time(value)
