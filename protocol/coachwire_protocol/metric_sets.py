"""Sets of metrics: what is looked at together, in which order, and where somebody stands in it."""

from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from .conversations import Cursor, PageLimit
from .ids import Id
from .metrics import Value
from .shape import Rule, Wire

MAX_DEFINITIONS: Final = 100  # a set
MAX_SET_NAME: Final = 255  # code points

SetName = Annotated[str, Meta(min_length=1, max_length=MAX_SET_NAME)]
Definitions = Annotated[
    tuple[Id, ...],
    Meta(
        min_length=1,
        max_length=MAX_DEFINITIONS,
        description="Ids of definitions, in order, each once.",
        extra_json_schema={"uniqueItems": True},
    ),
]


def _not_one(*owners: str | None) -> str | None:
    if sum(owner is not None for owner in owners) == 1:
        return None
    return "Expected exactly one of membershipId, workoutId and organizationId."


class SetOwner(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Whose set it is: exactly one of them."""

    membership_id: Id | None = None
    workout_id: Id | None = None
    organization_id: Id | None = None

    RULES: ClassVar = (Rule("", ("membership_id", "workout_id", "organization_id"), _not_one),)

    def __post_init__(self) -> None:
        self._hold_to_rules()


class MetricSet(Wire, frozen=True, kw_only=True):
    """Definitions in order. `applies` is there only where a member or a workout was asked for: a workout's sets apply
    before the member's own, and these before the organization's."""

    id: Id
    name: str
    owner: SetOwner
    definitions: tuple[Id, ...]
    applies: bool | UnsetType = UNSET


class ListSets(Wire, frozen=True, kw_only=True):
    """Sets that the caller may see. With `member_id` or `workout_id`: those that come into question there, of a workout
    alone for the caller."""

    organization_id: Id
    member_id: Id | None = None
    workout_id: Id | None = None
    limit: PageLimit = 50
    cursor: Cursor | None = None


class ReadSet(Wire, frozen=True, kw_only=True):
    """One set."""

    organization_id: Id
    set_id: Id


def _blank(name: str | UnsetType) -> str | None:
    return "Expected a name that is not blank." if isinstance(name, str) and not name.strip() else None


def _repeated(definitions: tuple[str, ...] | UnsetType) -> str | None:
    if isinstance(definitions, UnsetType) or len(set(definitions)) == len(definitions):
        return None
    return "Expected every definition once."


class CreateSet(Wire, frozen=True, kw_only=True):
    """A new set; without an id the server chooses one."""

    organization_id: Id
    id: Id | None = None
    name: SetName
    owner: SetOwner
    definitions: Definitions

    RULES: ClassVar = (
        Rule("name", ("name",), _blank),
        Rule("definitions", ("definitions",), _repeated),
    )

    def __post_init__(self) -> None:
        self._hold_to_rules()


class ChangeSet(Wire, frozen=True, kw_only=True):
    """What is left out stays; `definitions` replaces all of them, and their order."""

    organization_id: Id
    set_id: Id
    name: SetName | UnsetType = UNSET
    definitions: Definitions | UnsetType = UNSET

    RULES: ClassVar = (
        Rule("name", ("name",), _blank),
        Rule("definitions", ("definitions",), _repeated),
    )

    def __post_init__(self) -> None:
        self._hold_to_rules()


class DeleteSet(Wire, frozen=True, kw_only=True):
    """Its definitions and the values stay."""

    organization_id: Id
    set_id: Id


class ResolveSet(Wire, frozen=True, kw_only=True):
    """Where a member stands in each definition of a set."""

    organization_id: Id
    set_id: Id
    member_id: Id


class ResolvedDefinition(Wire, frozen=True, kw_only=True):
    """The newest value that the caller may see, in the definition's unit; null: none."""

    definition_id: Id
    value: Value | None


class ResolvedSet(Wire, frozen=True, kw_only=True):
    """Every definition of the set, in its order."""

    set_id: Id
    membership_id: Id
    items: tuple[ResolvedDefinition, ...]
