"""Two gyms for the tests, and everything that a test wants to know about their people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import jwt
from coachwire.identity.tokens import sign
from coachwire.seed.gyms import Gym, Person, write_gym

SECRET = "a secret that only the tests know, 32 bytes and more"
PEOPLE = (
    ("owner", "Dana", "owner"),
    ("admin", "Avi", "admin"),
    ("coach", "Noa", "coach"),
    ("coach2", "Alex", "coach"),
    ("member", "Yael", "member"),
    ("member2", "Tom", "member"),
)


@dataclass(frozen=True)
class Someone:
    """A person in an organization."""

    user_id: str
    membership_id: str
    organization_id: str
    name: str
    role: str

    @property
    def token(self) -> str:
        return sign(self.user_id, secret=SECRET)

    def token_with(self, **claims: Any) -> str:
        """Signed with the right secret; a claim that is None is left out."""
        usual = {"sub": self.user_id, "iat": 1_700_000_000, "exp": 4_000_000_000}
        return jwt.encode(
            {key: value for key, value in (usual | claims).items() if value is not None}, SECRET, "HS256"
        )


@dataclass(frozen=True)
class Place:
    """An organization: `gym.coach` is one of its people."""

    organization_id: str
    people: dict[str, Someone]

    def __getattr__(self, name: str) -> Someone:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None


async def open_gym(dsn: str, name: str, roster: Sequence[tuple[str, str, str]] = PEOPLE) -> Place:
    """Write a gym with one of each, or these people (key, name, role), into the database."""
    organization_id = uuid4()
    people = [
        Person(uuid4(), uuid4(), f"{key}@{name}.test", first, name.title(), role)
        for key, first, role in roster
    ]
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await write_gym(connection, Gym(organization_id, name.title(), name, people))
    finally:
        await connection.close()
    return Place(
        str(organization_id),
        {
            key: Someone(str(p.user_id), str(p.membership_id), str(organization_id), p.name, p.role)
            for (key, _, _), p in zip(roster, people, strict=True)
        },
    )


def message_to(other: Someone, content: str | None = "hello", **fields: Any) -> dict[str, Any]:
    """The fields of a `message.send` to this person, with an id of its own."""
    return {
        "organizationId": other.organization_id,
        "id": str(uuid4()),
        "to": {"membershipId": other.membership_id},
        "content": content,
    } | fields


def is_wire_time(text: str) -> bool:
    """Six digits and Z."""
    return len(text) == 27 and text.endswith("Z") and datetime.fromisoformat(text).microsecond >= 0
