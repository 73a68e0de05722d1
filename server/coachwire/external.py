"""Whether the platform's own tables, which Coachwire did not make, are there and fit."""

from typing import Any

from coachwire.rights import missing_grants

# Kinds of column: a type's name; "text" for any kind of text; "a|b|c" for an enum with at least these values,
# or text; "enum:name" for the type of that name, which the server's functions use.
_PLATFORM = {
    "users": {
        "id": "uuid", "clerk_id": "text", "email": "text", "first_name": "text", "last_name": "text",
        "image_url": "text", "phone": "text", "created_at": "timestamptz", "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
    "organizations": {
        "id": "uuid", "name": "text", "slug": "text", "timezone": "text", "created_at": "timestamptz",
        "updated_at": "timestamptz", "deleted_at": "timestamptz",
    },
    "memberships": {
        "id": "uuid", "user_id": "uuid", "organization_id": "uuid", "role": "owner|admin|coach|member",
        "status": "active|invited|pending_invitation|suspended|cancelled", "joined_at": "timestamptz",
        "end_date": "timestamptz", "created_at": "timestamptz", "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
    "workouts": {
        "id": "uuid", "organization_id": "uuid", "author_id": "uuid", "title": "text", "is_snapshot": "bool",
        "forked_from_id": "uuid", "created_at": "timestamptz", "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
    "workout_movements": {
        "id": "uuid", "workout_id": "uuid", "name": "text", "sort_order": "int4", "prescription": "jsonb",
    },
    "workout_assignments": {
        "id": "uuid", "organization_id": "uuid", "user_id": "uuid", "kind": "workout|rest|note",
        "workout_id": "uuid", "snapshot_workout_id": "uuid", "date": "date", "published": "bool",
        "status": "assigned|completed|skipped", "assigned_by": "uuid", "created_at": "timestamptz",
        "updated_at": "timestamptz", "deleted_at": "timestamptz",
    },
}  # fmt: skip
# A platform that had messages or metrics before has these as well; all tables of a file, or none.
_ADOPTED = {
    "0002_messages.sql": {
        "messages": {
            "id": "uuid", "organization_id": "uuid", "sender_id": "uuid", "sender_role": "enum:sender_role",
            "recipient_id": "uuid", "workout_assignment_id": "uuid", "content": "text",
            "created_at": "timestamptz", "read_at": "timestamptz", "edited_at": "timestamptz",
            "deleted_at": "timestamptz",
        },
        "message_attachments": {
            "id": "uuid", "message_id": "uuid", "type": "enum:attachment_type", "r2_key": "text",
            "size": "int4", "mime_type": "text", "thumbnail_r2_key": "text", "created_at": "timestamptz",
        },
        "exercise_comments": {
            "id": "uuid", "workout_movement_id": "uuid", "author_id": "uuid", "body": "text",
            "parent_comment_id": "uuid", "created_at": "timestamptz", "updated_at": "timestamptz",
            "deleted_at": "timestamptz",
        },
    },
    "0003_metrics.sql": {
        "metric_definitions": {
            "id": "uuid", "slug": "text", "name_i18n": "jsonb", "unit": "enum:metric_unit",
            "kind": "enum:metric_kind", "description": "text",
        },
        "metric_sets": {
            "id": "uuid", "name": "text", "member_user_id": "uuid", "workout_id": "uuid",
            "organization_id": "uuid",
        },
        "metric_set_definitions": {"set_id": "uuid", "definition_id": "uuid", "sort_order": "int4"},
        "member_metrics": {
            "id": "uuid", "member_id": "uuid", "definition_id": "uuid", "value": "numeric",
            "unit": "enum:metric_unit", "recorded_at": "timestamptz", "source": "text",
        },
    },
}  # fmt: skip
_KEYS = {"metric_set_definitions": ["set_id", "definition_id"]}  # primary keys other than (id)
_TEXT = {"text", "varchar", "bpchar", "citext"}


Table = dict[str, str]
Found = dict[
    str, tuple[dict[str, tuple[str, list[str]]], list[str]]
]  # table → (column → (type, labels), key)


class PlatformMismatch(Exception):
    """The platform's tables are not as Coachwire needs them; the text lists all that is wrong."""


async def check_platform(connection: Any) -> set[str]:
    """Returns the migrations whose tables the platform has as well; raises `PlatformMismatch`.

    Privileges first, with the GRANTs that are missing; then all that does not fit, in one message.
    """
    found = await _found(connection)
    wanted, adopted = dict(_PLATFORM), set()
    for name, tables in _ADOPTED.items():
        if not found.keys().isdisjoint(tables):
            adopted.add(name)
            wanted |= tables
    grants = await missing_grants(
        connection,
        [table for table in wanted if table in found and table in _PLATFORM],
        [table for table in wanted if table in found and table not in _PLATFORM],
    )
    if grants:
        raise PlatformMismatch(
            "Rights on the platform's tables are missing. Let their owner, or an administrator, run:\n"
            + "\n".join(grants)
        )
    wrong = [line for table, columns in wanted.items() for line in _differences(table, columns, found)]
    if "memberships" in found and not await _is_unique(
        connection, "memberships", ["user_id", "organization_id"]
    ):
        wrong.append("memberships: UNIQUE (user_id, organization_id) is missing")
    if wrong:
        raise PlatformMismatch(
            "The platform's tables do not fit:\n" + "\n".join(f"- {line}" for line in wrong)
        )
    return adopted


async def _found(connection: Any) -> Found:
    names = [*_PLATFORM, *(table for tables in _ADOPTED.values() for table in tables)]
    rows = await connection.fetch(
        """
        select c.relname, a.attname, t.typname,
          array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid) as labels,
          coalesce(array_position(i.indkey::int2[], a.attnum), -1) as key_part
        from unnest($1::text[]) n (name)
        join pg_class c on c.oid = to_regclass(n.name) and c.relkind in ('r', 'p')
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid
        left join pg_index i on i.indrelid = c.oid and i.indisprimary
        order by c.relname, key_part
        """,
        names,
    )
    found: Found = {}
    for row in rows:
        columns, key = found.setdefault(row["relname"], ({}, []))
        columns[row["attname"]] = (row["typname"], row["labels"])
        if row["key_part"] >= 0:
            key.append(row["attname"])
    return found


def _differences(table: str, wanted: Table, found: Found) -> list[str]:
    if table not in found:
        return [f"table {table} is missing"]
    columns, key = found[table]
    lines = []
    for column, kind in wanted.items():
        if column not in columns:
            lines.append(f"{table}.{column} is missing ({_spoken(kind)})")
        elif not _fits(kind, *columns[column]):
            lines.append(f"{table}.{column} is {columns[column][0]}, expected {_spoken(kind)}")
    expected = _KEYS.get(table, ["id"])
    if key != expected:
        lines.append(f"{table}: the primary key is ({', '.join(key)}), expected ({', '.join(expected)})")
    return lines


def _fits(kind: str, name: str, labels: list[str]) -> bool:
    if kind.startswith("enum:"):
        return name == kind.removeprefix("enum:")
    if "|" in kind:
        return name in _TEXT or set(kind.split("|")) <= set(labels)
    return name in _TEXT if kind == "text" else name == kind


def _spoken(kind: str) -> str:
    return f"enum with {kind.replace('|', ', ')}" if "|" in kind else kind.removeprefix("enum:")


async def _is_unique(connection: Any, table: str, columns: list[str]) -> bool:
    return bool(
        await connection.fetchval(
            """
            select exists (
              select from pg_index i
              where i.indrelid = to_regclass($1) and i.indisunique and i.indpred is null
                and (select array_agg(a.attname::text order by a.attname) from pg_attribute a
                  where a.attrelid = i.indrelid and a.attnum = any (i.indkey)) = $2::text[])
            """,
            table,
            sorted(columns),
        )
    )
