"""What goes wrong, when, and to whom: a seed's plan. The same seed makes the same plan."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

# Kind, and for how many seconds at least and at most it lasts.
INSTANCE = (
    ("kill -9", 0.5, 3.0),
    ("SIGTERM", 0.5, 3.0),
    ("SIGSTOP", 5.0, 5.0),
)
SERVICE = (
    ("Redis killed", 1.0, 4.0),
    ("Redis frozen", 2.0, 6.0),
    ("Redis emptied", 0.0, 0.0),
    ("PostgreSQL crash", 0.0, 2.5),
    ("backends terminated", 0.5, 1.5),
    ("LISTEN cut", 2.0, 4.0),
)
KINDS = INSTANCE + SERVICE
TOGETHER = 0.5  # of the faults of an instance meet one of Redis or PostgreSQL
FIRST = 2.0  # s until something happens
PAUSE = (0.5, 1.5)  # s between the end of a fault and the next
CALM = 5.0  # s, after every third fault: what must be prompt is judged only where nothing is broken
EVERY = (2.0, 5.0)  # s from a suspension to the next
SUSPENDED = (2.0, 6.0)  # s


class Planned(NamedTuple):
    pause: float  # s after the former was over
    kind: str
    instance: int  # to which it happens, where it happens to one
    lasts: float
    beside: "Planned | None" = None  # begins so many seconds after this one has begun


class PlannedSuspension(NamedTuple):
    at: float
    person: int
    lasts: float


def faults(seed: int) -> Iterator[Planned]:
    """Without end. Each kind comes once before any comes again."""
    random = Random(f"{seed} faults")  # noqa: S311 - to be repeated, not to be secret
    number = 0
    while True:
        for kind, least, most in random.sample(KINDS, len(KINDS)):
            pause = FIRST if number == 0 else random.uniform(*PAUSE) + (CALM if number % 3 == 0 else 0)
            planned = Planned(pause, kind, random.randrange(2), random.uniform(least, most))
            if (kind, least, most) in INSTANCE and random.random() < TOGETHER:
                kind, least, most = random.choice(SERVICE)
                beside = Planned(random.uniform(0, 2), kind, 0, random.uniform(least, most))
                planned = planned._replace(beside=beside)
            yield planned
            number += 1


def suspensions(seed: int, seconds: float, people: Sequence[int]) -> list[PlannedSuspension]:
    """Nobody twice at a time; the last one ends with the run."""
    random = Random(f"{seed} suspensions")  # noqa: S311 - as above
    planned = []
    free = dict.fromkeys(people, 0.0)
    at = random.uniform(*EVERY)
    while at < seconds - SUSPENDED[0]:
        person = random.choice([one for one in people if free[one] <= at] or list(people))
        at = max(at, free[person])
        lasts = random.uniform(*SUSPENDED)
        planned.append(PlannedSuspension(at, person, lasts))
        free[person] = at + lasts + 10.0  # pages read meanwhile are no longer on their way
        at += random.uniform(*EVERY)
    return planned
