"""Workouts as the platform has them, who is to do them, and the threads under them: asked for over REST, read only."""

import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Raw, field

from .conversations import Cursor, PageLimit
from .ids import Id
from .messages import Message
from .shape import Wire

Day = Annotated[datetime.date, Meta(description="A day in the gym's calendar, such as 2026-01-31.")]
AssignmentKind: TypeAlias = Literal["workout", "rest", "note"]
AssignmentStatus: TypeAlias = Literal["assigned", "completed", "skipped"]


class ListThreads(Wire, frozen=True, kw_only=True):
    """`unread`: only those in which something is."""

    organization_id: Id
    unread: bool = False
    limit: PageLimit = 50
    cursor: Cursor | None = None


class WorkoutThread(Wire, frozen=True, kw_only=True):
    """The talk under an assigned workout. `unread_count`: for its member what is addressed to them; for staff what
    others wrote since they last looked. `mine`: what is addressed to the caller and unread, as the badge counts it."""

    workout_assignment_id: Id
    membership_id: Id
    workout_id: Id | None
    title: str
    date: Day
    published: bool
    last_message: Message | None
    unread_count: int
    mine: int


class ListAssignments(Wire, frozen=True, kw_only=True):
    """`member_id`: of this membership only; `from_` and `to`: the first and the last day."""

    organization_id: Id
    member_id: Id | None = None
    from_: Day | None = field(default=None, name="from")
    to: Day | None = None
    limit: PageLimit = 50
    cursor: Cursor | None = None


class WorkoutAssignment(Wire, frozen=True, kw_only=True):
    """What a member is to do on a day."""

    workout_assignment_id: Id
    membership_id: Id
    workout_id: Id | None
    title: str | None
    kind: AssignmentKind
    date: Day
    status: AssignmentStatus
    published: bool


class ReadWorkout(Wire, frozen=True, kw_only=True):
    """A workout with its exercises."""

    organization_id: Id
    workout_id: Id


class Movement(Wire, frozen=True, kw_only=True):
    """An exercise of a workout; the prescription is the platform's, as it stands there."""

    id: Id
    name: str
    sort_order: int
    prescription: Raw | None


class Workout(Wire, frozen=True, kw_only=True):
    """A training plan, its exercises in order."""

    id: Id
    title: str
    movements: tuple[Movement, ...]
