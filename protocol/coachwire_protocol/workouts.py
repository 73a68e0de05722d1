"""Workouts as the platform has them, who is to do them, and the threads under them: asked for over REST, read only."""

import datetime
from typing import Annotated

from msgspec import Meta

from .conversations import Cursor, PageLimit
from .ids import Id
from .messages import Message
from .shape import Wire

Day = Annotated[datetime.date, Meta(description="A day in the gym's calendar, such as 2026-01-31.")]


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
