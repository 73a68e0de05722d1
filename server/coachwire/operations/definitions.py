"""What can be measured: the catalogue, the same for everybody."""

from typing import NamedTuple
from uuid import UUID

from coachwire_protocol.conversations import Page
from coachwire_protocol.metrics import ListDefinitions, MetricDefinition

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation


class DefinitionRow(NamedTuple):
    id: UUID
    slug: str
    name: str
    unit: str
    kind: str
    description: str | None


DEFINITIONS = Query("metrics/definitions", DefinitionRow)


@operation(ListDefinitions)
async def list_definitions(scope: Scope, _: Actor, request: ListDefinitions) -> Outcome:
    """All in one page: clients keep it, and ask by its tag whether it is still the one."""
    language = request.lang.lower().partition("-")[0]  # he-IL is he
    rows = await DEFINITIONS.rows(scope.tx, language)
    return Outcome(data=Page[MetricDefinition](items=tuple(map(_definition, rows)), next_cursor=None))


def _definition(row: DefinitionRow) -> MetricDefinition:
    return MetricDefinition(
        id=str(row.id),
        slug=row.slug,
        name=row.name,
        unit=row.unit,
        kind=row.kind,
        description=row.description,
    )
