"""What an installation measures beyond what is shipped: read from a file, brought into the database, taken out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import Meta, Struct

from coachwire.connect import connection

Tx: TypeAlias = Any  # asyncpg's connections: pooled ones are another class, of the same shape

SLUG = r"^[a-z0-9]+(_[a-z0-9]+)*$"
ONE_AT_A_TIME = "coachwire.definitions"


class Definition(Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the file. `name` by language; English is there always, for everybody whose own is not."""

    slug: Annotated[str, Meta(pattern=SLUG, max_length=100)]
    name: dict[
        Annotated[str, Meta(pattern="^[a-z]{2,3}$")], Annotated[str, Meta(min_length=1, max_length=255)]
    ]
    unit: str
    kind: str
    description: Annotated[str, Meta(max_length=2000)] | None = None
    id: UUID | None = None


class WrongDefinitions(Exception):
    """The file cannot be used; the text says where and why."""


class InUse(Exception):
    """A definition stays: sets or values refer to it."""


def read_definitions(path: Path) -> list[Definition]:
    """Raises `WrongDefinitions` for what is no list of definitions, OSError for what cannot be read."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Definition])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WrongDefinitions(str(error)) from None
    slugs = [one.slug for one in found]
    if twice := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise WrongDefinitions(f"{twice} is there twice")
    if unnamed := next((one.slug for one in found if "en" not in one.name), None):
        raise WrongDefinitions(f"{unnamed} has no English name")
    return found


async def load_definitions(dsn: str, definitions: Sequence[Definition]) -> tuple[int, int]:
    """Adds what is new by slug, and changes the rest to what the file says: all or nothing. Returns how many of each,
    without those that were as the file says. Raises `WrongDefinitions`, and `InUse` for a unit that values could not
    follow."""
    added = changed = 0
    async with connection(dsn) as tx, tx.transaction():
        await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", ONE_AT_A_TIME)
        for one in definitions:
            await _require_words(tx, one)
            row = await tx.fetchrow(
                "select d.id, d.unit::text, d.unit = $2::text::metric_unit or exists ("
                "   select from metric_units a join metric_units b on b.dimension = a.dimension"
                "   where a.unit = d.unit and b.unit::text = $2) as follows,"
                " exists (select from member_metrics v where v.definition_id = d.id) as used"
                " from metric_definitions d where d.slug = $1 for update",
                one.slug,
                one.unit,
            )
            if row is None:
                await _add(tx, one)
                added += 1
                continue
            if one.id not in (None, row["id"]):
                raise WrongDefinitions(f"{one.slug} has the id {row['id']} already")
            if row["used"] and not row["follows"]:
                raise InUse(f"{one.slug} has values in {row['unit']}, which {one.unit} does not convert into")
            changed += await _change(tx, one)
    return added, changed


async def delete_definition(dsn: str, slug: str) -> bool:
    """False when there is none of this name. Raises `InUse`."""
    async with connection(dsn) as tx:
        try:
            return bool(
                await tx.fetchval("delete from metric_definitions where slug = $1 returning true", slug)
            )
        except asyncpg.ForeignKeyViolationError:
            sets, values = await tx.fetchrow(
                "select (select count(*) from metric_set_definitions s where s.definition_id = d.id),"
                " (select count(*) from member_metrics v where v.definition_id = d.id)"
                " from metric_definitions d where d.slug = $1",
                slug,
            )
    raise InUse(f"{slug} is in use: in {sets} sets and {values} values")


async def _require_words(tx: Tx, one: Definition) -> None:
    units, kinds = await tx.fetchrow(
        "select enum_range(null::metric_unit)::text[], enum_range(null::metric_kind)::text[]"
    )
    for word, known in ((one.unit, units), (one.kind, kinds)):
        if word not in known:
            raise WrongDefinitions(f"{one.slug}: {word!r} is none of {', '.join(known)}")


async def _add(tx: Tx, one: Definition) -> None:
    added = await tx.fetchval(
        "insert into metric_definitions (id, slug, unit, kind, name_i18n, description)"
        " values ($1, $2, $3::text::metric_unit, $4::text::metric_kind, $5::text::jsonb, $6)"
        " on conflict do nothing returning true",
        one.id or uuid4(), one.slug, one.unit, one.kind, _names(one), one.description,
    )  # fmt: skip
    if not added:
        raise WrongDefinitions(f"{one.slug}: the id {one.id} is taken")


async def _change(tx: Tx, one: Definition) -> int:
    """How many rows are otherwise now: one or none."""
    rows = await tx.fetch(
        "update metric_definitions d"
        " set unit = $2::text::metric_unit, kind = $3::text::metric_kind, name_i18n = $4::text::jsonb, description = $5"
        " where slug = $1 and (d.unit::text, d.kind::text, d.name_i18n, d.description)"
        " is distinct from ($2, $3, $4::text::jsonb, $5)"
        " returning id",
        one.slug, one.unit, one.kind, _names(one), one.description,
    )  # fmt: skip
    return len(rows)


def _names(one: Definition) -> str:
    return msgspec.json.encode(one.name).decode()
