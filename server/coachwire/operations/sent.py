"""What a message that was just stored is told as: to its parties, and to who watches its thread."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.frames import Event, encode
from coachwire_protocol.memberships import SenderRole
from coachwire_protocol.messages import Message, SendMessage, Sent
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import UNSET

from coachwire.blobs.links import Links
from coachwire.operation import Call, Delivery, Outcome, TopicDelivery
from coachwire.shown import FILES, membership
from coachwire.topics import thread_topic


class Resolved(NamedTuple):
    code: str
    sender_membership_id: UUID | None
    sender_as: SenderRole | None
    sender_name: str | None
    recipient_membership_id: UUID | None
    recipient_id: UUID | None
    first_created_at: datetime | None
    retry_after_ms: int


class Sending(NamedTuple):
    """A call that resolve let pass."""

    call: Call[SendMessage]
    resolved: Resolved
    hash: bytes

    @property
    def sender_id(self) -> str:
        return self.call.actor.user_id

    @property
    def recipient_id(self) -> str:
        return str(self.resolved.recipient_id)


class Place(NamedTuple):
    """Where it came to stand."""

    created_at: datetime
    sender_position: int
    recipient_position: int
    topic_position: int | None  # in its thread's topic
    files: str | None  # as in `shown.MessageRow`


def outcome(sending: Sending, place: Place, links: Links, *, told: bool) -> Outcome:
    """`told`: whether the recipient is."""
    request, resolved = sending.call.request, sending.resolved
    at = wire_time(place.created_at)
    recipient_membership_id = membership(resolved.recipient_membership_id)
    thread = request.to.workout_assignment_id
    data = encode(
        Message(
            id=request.id,
            organization_id=request.organization_id,
            sender_membership_id=membership(resolved.sender_membership_id),
            sender_name=resolved.sender_name or "",
            sender_role=resolved.sender_as or "member",
            recipient_membership_id=recipient_membership_id,
            workout_assignment_id=thread,
            content=request.content,
            attachments=() if place.files is None else links.show(FILES.decode(place.files)),
            created_at=at,
            read_at=None,
            edited_at=None,
            deleted_at=None,
            erased=False,
            delivered=UNSET,
        )
    )
    kind, organization_id = EventKind.MESSAGE_CREATED, request.organization_id
    own = data[:-1] + b',"delivered":false}'  # for the sender's eyes only
    topics: tuple[TopicDelivery, ...] = ()
    if thread is not None and place.topic_position is not None:
        watched = Event(kind, organization_id, data, thread_topic(thread))
        topics = (TopicDelivery(place.topic_position, watched),)
    return Outcome(
        data=Sent(id=request.id, recipient_membership_id=recipient_membership_id, created_at=at),
        deliveries=(
            Delivery(
                sending.recipient_id,
                place.recipient_position,
                Event(kind, organization_id, data) if told else None,
            ),
            Delivery(sending.sender_id, place.sender_position, Event(kind, organization_id, own)),
        ),
        topics=topics,
        position=place.sender_position,
    )
