"""The talk under an assigned workout: its pages, and the list of those in which something was said."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page, ReadThread, decode_cursor, encode_cursor
from coachwire_protocol.errors import NotFound
from coachwire_protocol.workouts import ListThreads, WorkoutThread

from coachwire.blobs.links import Links
from coachwire.database import Query, Tx
from coachwire.operation import Actor, Outcome, Scope, operation
from coachwire.operations.access import require_membership
from coachwire.operations.messages import ONE
from coachwire.operations.pages import IdRow, Place, Rows, read_page
from coachwire.shown import MessageRow, membership, optional_id, show


class Access(NamedTuple):
    own: bool  # the caller takes part as the assignment's member


class ThreadRow(NamedTuple):
    workout_assignment_id: UUID
    membership_id: UUID | None
    workout_id: UUID | None
    title: str
    date: date
    published: bool
    last_at: datetime
    unread_count: int
    mine: int
    last_message: MessageRow | None

    @classmethod
    def of(cls, *columns: object) -> "ThreadRow":
        message = MessageRow._make(columns[9:])
        return cls._make((*columns[:9], message if message.id is not None else None))


ACCESS = Query("threads/access", Access)
OLDER = Query("threads/older", MessageRow)
NEWER = Query("threads/newer", MessageRow)
FIRST = Query("threads/first_unread", IdRow)
LIST = Query("threads/list", ThreadRow.of)


@operation(ReadThread)
async def read_thread(scope: Scope, actor: Actor, request: ReadThread) -> Outcome:
    """Messages under a workout, newest first: for its member once it is published, and for staff."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    access = await ACCESS.first(
        scope.tx,
        actor.user_id,
        request.organization_id,
        request.workout_assignment_id,
        own.role != "member",
    )
    if access is None:
        raise NotFound
    thread = _Thread(
        scope.tx, actor.user_id, request.organization_id, request.workout_assignment_id, access.own
    )
    return Outcome(data=await read_page(thread, request, scope.links))


@operation(ListThreads)
async def list_threads(scope: Scope, actor: Actor, request: ListThreads) -> Outcome:
    """Threads in which something was said, newest first: a member's own, all of the organization for staff."""
    own = await require_membership(scope.tx, actor, request.organization_id)
    rows = await LIST.rows(
        scope.tx,
        actor.user_id,
        request.organization_id,
        own.role != "member",
        request.unread,
        *((None, None) if request.cursor is None else decode_cursor(request.cursor)),
        request.limit + 1,
    )
    return Outcome(data=_threads(rows, request.limit, scope.links))


def _threads(rows: Sequence[ThreadRow], limit: int, links: Links) -> Page[WorkoutThread]:
    shown = rows[:limit]
    return Page(
        items=tuple(
            WorkoutThread(
                workout_assignment_id=str(row.workout_assignment_id),
                membership_id=membership(row.membership_id),
                workout_id=optional_id(row.workout_id),
                title=row.title,
                date=row.date,
                published=row.published,
                last_message=show(row.last_message, links) if row.last_message else None,
                unread_count=row.unread_count,
                mine=row.mine,
            )
            for row in shown
        ),
        next_cursor=encode_cursor(shown[-1].last_at, str(shown[-1].workout_assignment_id))
        if len(rows) > limit
        else None,
    )


class _Thread(NamedTuple):
    """Which thread is read, by whom."""

    tx: Tx
    user_id: str
    organization_id: str
    workout_assignment_id: str
    own: bool

    async def older(self, than: Place | None, limit: int) -> Rows:
        return await OLDER.rows(
            self.tx, self.user_id, self.workout_assignment_id, *(than or (None, None)), limit
        )

    async def newer(self, than: Place, limit: int) -> Rows:
        return await NEWER.rows(self.tx, self.user_id, self.workout_assignment_id, *than, limit)

    async def first_unread(self) -> IdRow | None:
        return await FIRST.first(self.tx, self.user_id, self.workout_assignment_id, self.own)

    async def anchor(self, message_id: str) -> MessageRow:
        found = await ONE.first(self.tx, message_id, self.organization_id, self.user_id)
        if found is None or found.workout_assignment_id != UUID(self.workout_assignment_id):
            raise NotFound
        return found
