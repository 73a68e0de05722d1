"""Organizations full of people, workouts and conversations, for benchmarks and for tools from outside."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from coachwire.connect import connection
from coachwire.seed.gyms import Gym, Person, write_gym
from coachwire.seed.phrases import dice, line
from coachwire.seed.talk import Party, Talk, Tx, database_time, make_partitions

HISTORY = timedelta(days=14)  # how far back the oldest message lies; within the streams' retention
MAIN_COACH = 0.9  # share of a member's conversations that are with their own coach
UNREAD = 0.35  # share of conversations whose last messages nobody has read yet
BURST = (1, 1, 1, 2, 2, 3)  # messages in a row before the other side reads them

FIRST_NAMES = (
    "Noa", "Daniel", "Maya", "Tom", "Yael", "Alex", "Sara", "Ben", "נועה", "איתי", "יעל", "עומר", "שירה",
    "Ирина", "Дмитрий", "Ольга", "Павел", "Анна",
)  # fmt: skip
LAST_NAMES = (
    "Levi", "Cohen", "Baker", "Rivera", "Stone", "כהן", "לוי", "מזרחי", "פרידמן", "Соколова", "Иванов", "Кац",
)  # fmt: skip
PLACES = ("Harbor", "North", "Iron", "Cedar", "Summit", "Galil", "Nevsky", "Carmel", "Bridge", "Station")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much to make; all but the first are per organization."""

    organizations: int
    coaches: int
    members: int
    messages: int = 0


async def seed(
    dsn: str, size: Size, *, sign: Callable[[str], str], progress: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Adds organizations with people of their own and returns what the file of `coachwire seed` holds.

    `sign` makes a user's token; `progress` is told how many messages were written since it was last called.
    An organization is whole or absent."""
    organizations = []
    async with connection(dsn) as tx:
        for _ in range(size.organizations):
            gym = _invent(size)
            async with tx.transaction():
                await write_gym(tx, gym)
                await _converse(tx, gym, size.messages, progress)
            organizations.append(_described(gym, sign))
        if size.messages:
            await tx.execute("analyze messages, message_ledger, conversations, user_streams, stream_events")
    return {"organizations": organizations}


def _invent(size: Size) -> Gym:
    tag = secrets.token_hex(4)

    def person(role: str, number: int | str = "") -> Person:
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        return Person(uuid4(), uuid4(), f"{role}{number}.{tag}@seed.test", first, last, role)

    return Gym(
        uuid4(),
        f"{dice.choice(PLACES)} Strength {tag}",
        f"seed-{tag}",
        [
            person("owner"),
            person("admin"),
            *(person("coach", number) for number in range(1, size.coaches + 1)),
            *(person("member", number) for number in range(1, size.members + 1)),
        ],
    )


async def _converse(tx: Tx, gym: Gym, messages: int, progress: Callable[[int], None]) -> None:
    """Direct messages over two weeks, in bursts that the other side then reads; the last may stay unread."""
    talk = Talk(heads={person.user_id: 0 for person in gym.people})
    now = await database_time(tx)
    await make_partitions(tx, now - HISTORY, now)
    bursts = list(_bursts(gym, messages))
    last = {pair: place for place, (pair, _) in enumerate(bursts)}
    # A burst takes a slot of the time for each message and one for its receipt.
    slot = HISTORY / (messages + len(bursts) + 1)
    at = now - HISTORY
    written = 0
    for place, (pair, size) in enumerate(bursts):
        sender, recipient = pair if dice.random() < 0.5 else pair[::-1]
        read_at = at + slot * size if place != last[pair] or dice.random() >= UNREAD else None
        ids = []
        for _ in range(size):
            ids.append(
                talk.say(gym.organization_id, sender, recipient, line(sender.role), at, read_at=read_at)
            )
            at += slot
        if read_at is not None:
            talk.read(gym.organization_id, recipient, sender, ids, read_at)
        at += slot
        written += size
        if talk.full:
            await talk.flush(tx)
            progress(written)
            written = 0
    await talk.finish(tx)
    progress(written)


def _bursts(gym: Gym, messages: int) -> Iterator[tuple[tuple[Party, Party], int]]:
    """(pair, number of messages in a row), summing up to `messages`. A few pairs talk much, most a little."""
    staff = [person.party for person in gym.who("coach") or gym.who("owner", "admin")]
    others = [person.party for person in gym.who("member")]
    if not others:  # an organization of staff alone talks among itself
        staff, others = (
            staff[:1],
            [person.party for person in gym.people if person.user_id != staff[0].user_id],
        )
    left = messages
    while left:
        place = int(len(others) * dice.random() ** 2)
        own_coach = len(staff) == 1 or dice.random() < MAIN_COACH
        coach = staff[(place + (0 if own_coach else 1)) % len(staff)]
        size = min(left, dice.choice(BURST))
        left -= size
        yield (coach, others[place]), size


def _described(gym: Gym, sign: Callable[[str], str]) -> dict[str, Any]:
    return {
        "organizationId": str(gym.organization_id),
        "name": gym.name,
        "people": [
            {
                "userId": str(person.user_id),
                "membershipId": str(person.membership_id),
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "token": sign(str(person.user_id)),
            }
            for person in gym.people
        ],
        "workouts": [
            {
                "workoutId": str(workout.workout_id),
                "movementIds": [str(movement_id) for movement_id in workout.movement_ids],
                "assignments": [
                    {
                        "assignmentId": str(assignment.assignment_id),
                        "membershipId": str(assignment.member.membership_id),
                        "published": assignment.published,
                    }
                    for assignment in workout.assignments
                ],
            }
            for workout in gym.workouts
        ],
    }
