"""What a thread's topic tells of its messages, read as they are now."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.messages import MessageDeleted, MessageErased
from coachwire_protocol.schema import EventKind
from coachwire_protocol.times import wire_time
from msgspec import Struct

from coachwire.blobs.links import Links
from coachwire.database import Query, Tx
from coachwire.shown import MessageRow, membership, optional_id, show
from coachwire.streams.topics import TopicRow, loads_for_topic


class ThreadMessage(NamedTuple):
    """A message as whoever watches its thread sees it, and what the ledger keeps of it."""

    sender_membership_id: UUID | None
    workout_assignment_id: UUID | None
    message: MessageRow

    @classmethod
    def of(cls, sender: UUID | None, assignment: UUID | None, *columns: object) -> "ThreadMessage":
        return cls(sender, assignment, MessageRow._make(columns))


MESSAGES = Query("topics/messages", ThreadMessage.of)


@loads_for_topic(
    EventKind.MESSAGE_CREATED,
    EventKind.MESSAGE_EDITED,
    EventKind.MESSAGE_DELETED,
    EventKind.MESSAGE_ERASED,
)
async def read_messages(tx: Tx, links: Links, rows: Sequence[TopicRow]) -> list[Struct | None]:
    found = await MESSAGES.rows(tx, [row.subject_ids[0] for row in rows])
    return [_data(row, one, links) for row, one in zip(rows, found, strict=True)]


def _data(row: TopicRow, found: ThreadMessage, links: Links) -> Struct | None:
    match row.kind:
        case EventKind.MESSAGE_DELETED:
            return MessageDeleted(
                id=str(row.subject_ids[0]),
                sender_membership_id=membership(found.sender_membership_id),
                workout_assignment_id=optional_id(found.workout_assignment_id),
                deleted_at=wire_time(row.at),
            )
        case EventKind.MESSAGE_ERASED:
            return MessageErased(
                sender_membership_id=membership(found.sender_membership_id),
                message_ids=tuple(map(str, row.subject_ids)),
            )
        case _:
            return None if found.message.id is None else show(found.message, links)
