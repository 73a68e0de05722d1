"""What all structs on the wire have in common."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from .ids import Ref


class Rule(NamedTuple):
    """What several fields of a struct must fulfil together."""

    field: str  # as it stands in an error's details; empty for the struct as a whole
    judges: tuple[str, ...]  # the attributes that `broken` is called with, in this order
    broken: Callable[..., str | None]  # what is wrong, for people


class Wire(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A JSON object: immutable, camelCase outside. Unknown keys are ignored.

    gc=False: frozen trees of text and numbers hold no cycles, so the collector need not look at them.
    """

    RULES: ClassVar[tuple[Rule, ...]] = ()

    def _hold_to_rules(self) -> None:
        """For `__post_init__` of the structs that have rules: raises ValueError with the first one broken."""
        for rule in self.RULES:
            values: list[Any] = [getattr(self, name) for name in rule.judges]
            if problem := rule.broken(*values):
                raise ValueError(problem)


class Asking(Wire, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """A request on the socket. Without `ref` there is no `ok`."""

    ref: Ref | UnsetType = UNSET
