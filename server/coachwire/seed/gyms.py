"""Organizations with people and workouts, made up and written: the ground for seeds and the demo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID, uuid4

import orjson

from coachwire.seed.talk import Party, Tx

WORKOUTS = (
    ("Lower body strength", ("Back squat", "Romanian deadlift", "Walking lunge", "Plank")),
    ("Push and pull", ("Bench press", "Pull-up", "Overhead press", "Barbell row", "Face pull")),
    ("Engine", ("Row 500 m", "Kettlebell swing", "Box jump")),
)
DRAFT = ("Deload week", ("Goblet squat", "Push-up", "Easy bike"))
DRAFTED = 2  # members to whom the deload week is assigned, unpublished


@dataclass(frozen=True, slots=True)
class Person:
    user_id: UUID
    membership_id: UUID
    email: str
    first_name: str
    last_name: str
    role: str  # of the membership

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def party(self) -> Party:
        return Party(self.user_id, self.role)


@dataclass(frozen=True, slots=True)
class Assignment:
    assignment_id: UUID
    member: Person
    published: bool


@dataclass(frozen=True, slots=True)
class Workout:
    workout_id: UUID
    movement_ids: Sequence[UUID]
    assignments: Sequence[Assignment]


@dataclass(frozen=True, slots=True)
class Gym:
    organization_id: UUID
    name: str
    slug: str
    people: Sequence[Person]  # owner, admin, coaches, members
    workouts: list[Workout] = field(default_factory=list)

    def who(self, *roles: str) -> list[Person]:
        return [person for person in self.people if person.role in roles]


async def write_gym(tx: Tx, gym: Gym, *, known: frozenset[UUID] = frozenset()) -> None:
    """Writes the organization, its people (the users `known` are there already), workouts for its members. In the
    caller's transaction, and silently: whoever is new is not connected yet, so nobody is to be told."""
    await tx.execute("set local coachwire.quiet = on")
    await tx.execute(
        "insert into organizations (id, name, slug, timezone) values ($1, $2, $3, 'Asia/Jerusalem')",
        gym.organization_id,
        gym.name,
        gym.slug,
    )
    await tx.copy_records_to_table(
        "users",
        records=[
            (p.user_id, p.email, p.first_name, p.last_name) for p in gym.people if p.user_id not in known
        ],
        columns=["id", "email", "first_name", "last_name"],
    )
    now = await tx.fetchval("select now()")
    await tx.copy_records_to_table(
        "memberships",
        records=[
            (p.membership_id, p.user_id, gym.organization_id, p.role, "active", now) for p in gym.people
        ],
        columns=["id", "user_id", "organization_id", "role", "status", "joined_at"],
    )
    for number, (title, movements) in enumerate(WORKOUTS):
        # Published to nearly all: about one in ten is still a draft.
        members = [(member, (place + 7 * number) % 10 != 9) for place, member in enumerate(gym.who("member"))]
        gym.workouts.append(await _write_workout(tx, gym, number, title, movements, members))
    drafted = [(member, False) for member in gym.who("member")[:DRAFTED]]
    gym.workouts.append(await _write_workout(tx, gym, len(WORKOUTS), *DRAFT, drafted))


async def _write_workout(
    tx: Tx,
    gym: Gym,
    number: int,
    title: str,
    movements: Sequence[str],
    members: Sequence[tuple[Person, bool]],
) -> Workout:
    staff = gym.who("coach") or gym.who("owner", "admin")
    author = staff[number % len(staff)]
    workout = Workout(
        uuid4(),
        [uuid4() for _ in movements],
        [Assignment(uuid4(), member, public) for member, public in members],
    )
    await tx.execute(
        "insert into workouts (id, organization_id, author_id, title) values ($1, $2, $3, $4)",
        workout.workout_id,
        gym.organization_id,
        author.user_id,
        title,
    )
    await tx.copy_records_to_table(
        "workout_movements",
        records=[
            (movement_id, workout.workout_id, name, place, _prescription(place))
            for place, (movement_id, name) in enumerate(zip(workout.movement_ids, movements, strict=True))
        ],
        columns=["id", "workout_id", "name", "sort_order", "prescription"],
    )
    day: date = await tx.fetchval("select current_date")
    day += timedelta(days=number)
    await tx.copy_records_to_table(
        "workout_assignments",
        records=[
            (
                assignment.assignment_id, gym.organization_id, assignment.member.user_id, "workout",
                workout.workout_id, day, assignment.published, "assigned", author.user_id,
            )
            for assignment in workout.assignments
        ],
        columns=[
            "id", "organization_id", "user_id", "kind", "workout_id", "date", "published", "status",
            "assigned_by",
        ],
    )  # fmt: skip
    return workout


def _prescription(place: int) -> str:
    return orjson.dumps({"sets": 3 + place % 3, "reps": 5 + place, "percent_1rm": 80 - 5 * place}).decode()
