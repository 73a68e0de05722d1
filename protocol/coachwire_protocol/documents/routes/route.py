"""What is said of one route: what it asks, answers and refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from ...errors import (
    BadRequest,
    Forbidden,
    Internal,
    Overloaded,
    ProtocolError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from ...shape import Wire

ORG: Final = "/v1/organizations/{org}"
ASSIGNMENT: Final = f"{ORG}/workout-assignments/{{assignment}}"


class Place(NamedTuple):
    """What stands in braces in a path."""

    field: str  # what a request calls it
    said: str


PATH: Final = {
    "org": Place("organizationId", "The organization."),
    "membership": Place("membershipId", "A membership in the organization: the other person."),
    "id": Place("id", "The message."),
    "attachment": Place("attachmentId", "A file of a message."),
    "assignment": Place("workoutAssignmentId", "A workout as it was assigned to a member."),
    "upload": Place("uploadId", "A file on its way into a message."),
    "workout": Place("workoutId", "A workout of the organization."),
    "movement": Place("workoutMovementId", "An exercise of the workout."),
    "comment": Place("id", "The comment."),
    "job": Place("jobId", "A job that the caller asked for."),
    "set": Place("setId", "A set of metrics."),
    "device": Place("device", "The installation of an app, or the tab of a browser."),
}
QUERY: Final = {
    "limit": "How many items at most.",
    "cursor": "Where the page begins: a cursor from an earlier answer.",
    "around": "The page in whose middle this message stands; firstUnread: the caller's oldest unread one.",
    "q": "Beginnings of words: all must stand in a message.",
    "unread": "true: only those in which something is unread.",
    "memberId": "Of this membership only.",
    "workoutId": "For this workout.",
    "definitionId": "Of this definition only.",
    "lang": "The language of names: en, he or ru. All others are answered in en.",
    "from": "The first day, or moment.",
    "to": "The last day, or moment.",
    "search": "A part of the name, in whatever case.",
    "organizationId": "This organization only.",
    "epoch": "The epoch of `position`; without it the answer says where the stream is.",
    "position": "The last position that the client holds.",
    "wait": "Seconds for which an answer without events may be held back.",
}

Refusals = tuple[type[ProtocolError], ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method on a path. What of `asks` the path does not hold comes in the body, or in the query if there is none."""

    method: str
    path: str
    name: str  # operationId
    summary: str
    asks: type[Wire]
    answers: Any  # a struct, several of which one comes, or None for an empty object
    refusals: Refusals = ()  # beside those that every such route has
    successes: Mapping[int, str] = field(default_factory=lambda: {200: "Carried out."})
    fields: tuple[str, ...] | None = None  # only these, where the request is made for more than this route
    optional: frozenset[str] = frozenset()  # fields that the door fills in when they are left out

    @property
    def tag(self) -> str:
        """The noun that the route is about."""
        parts = [part for part in self.path.split("/")[2:] if not part.startswith("{")]
        return parts[1] if parts[0] == "organizations" else parts[0]

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH") and bool(self.taken)

    @property
    def placed(self) -> tuple[str, ...]:
        """The names in braces in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def taken(self) -> tuple[str, ...]:
        """The fields in body or query."""
        if self.fields is not None:
            return self.fields
        in_path = {PATH[name].field for name in self.placed}
        names = (one.encode_name for one in msgspec.structs.fields(self.asks))
        return tuple(name for name in names if name not in in_path and name != "ref")

    @property
    def all_refusals(self) -> Refusals:
        usual: Refusals = (BadRequest, Unauthenticated, Internal, Overloaded, Unavailable)
        inside: Refusals = (Forbidden,) if "org" in self.placed else ()
        large: Refusals = (TooLarge,) if self.has_body else ()
        return tuple(dict.fromkeys((*usual, *inside, *large, *self.refusals)))
