"""Workouts, who is to do them, and under which of them something was said."""

from typing import Final

from ...conversations import Page
from ...errors import NotFound
from ...workouts import ListAssignments, ListThreads, ReadWorkout, Workout, WorkoutAssignment, WorkoutThread
from .route import ORG, Route

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{ORG}/workout-threads",
        name="listThreads",
        summary="Threads of workouts in which something was said, newest first.",
        asks=ListThreads,
        answers=Page[WorkoutThread],
    ),
    Route(
        method="GET",
        path=f"{ORG}/workout-assignments",
        name="listAssignments",
        summary="Who is to do what, latest day first: one's own, or everybody's for staff.",
        asks=ListAssignments,
        answers=Page[WorkoutAssignment],
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{ORG}/workouts/{{workout}}",
        name="readWorkout",
        summary="A workout with its exercises.",
        asks=ReadWorkout,
        answers=Workout,
        refusals=(NotFound,),
    ),
)
