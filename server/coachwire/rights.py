"""What whoever migrates, and the server, may not do yet on a platform's own tables: the GRANTs that allow it."""

import re
from collections.abc import Sequence
from typing import Any

from coachwire.roles import ROWS, SERVER

# What the server does with the platform's tables: triggers tell it of changes, an organization's erasure ends
# a membership, rows that a foreign key needs are locked `for key share`: that asks for UPDATE on some column.
_TRIGGERS = (
    "users", "organizations", "memberships", "workouts", "workout_movements", "workout_assignments", "messages",
    "message_attachments", "exercise_comments",
)  # fmt: skip
_LOCKED = ("users", "organizations", "workout_assignments")  # and movements, which have no updated_at
_MIGRATING = ("TRIGGER", "REFERENCES")  # nothing that the server does

Right = tuple[str, list[str], bool, list[str]]  # privilege, columns, any column does, tables


async def missing_grants(connection: Any, own: Sequence[str], shared: Sequence[str]) -> list[str]:
    """Statements for an administrator or the tables' owner, most telling first. `own`: tables that are the platform's
    alone; `shared`: those that it brought and the server writes."""
    tables = [*own, *shared]
    rights: list[Right] = [
        ("TRIGGER", [], False, [table for table in tables if table in _TRIGGERS]),
        ("UPDATE", ["status", "end_date"], False, [table for table in own if table == "memberships"]),
        ("UPDATE", ["updated_at"], True, [table for table in own if table in _LOCKED]),
        ("UPDATE", ["sort_order"], True, [table for table in own if table == "workout_movements"]),
        ("SELECT", [], False, tables),
        ("REFERENCES", [], False, list(own)),
        *((privilege, [], False, list(shared)) for privilege in ("INSERT", "UPDATE", "DELETE")),
    ]
    me = await connection.fetchval("select current_user::text")
    grants = await _roles(connection, quoted(me))
    for privilege, columns, any_column, among in rights:
        roles: dict[str, list[str]] = {}  # table → who lacks it
        for name in (me, SERVER) if privilege not in _MIGRATING else (me,):
            for table in await _lacking(connection, name, (privilege, columns, any_column, among)):
                roles.setdefault(table, []).append(name)
        named = f"{privilege} ({', '.join(columns)})" if columns else privilege
        for those in dict.fromkeys(map(tuple, roles.values())):
            on = ", ".join(table for table, lacking in roles.items() if tuple(lacking) == those)
            grants.append(f"GRANT {named} ON {on} TO {', '.join(map(quoted, those))};")
    return grants


def quoted(name: str) -> str:
    """As an identifier, plain where it may be."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


async def _roles(connection: Any, me: str) -> list[str]:
    """The roles themselves, where whoever migrates may not make them (migration 0023)."""
    found = await connection.fetchrow(
        """
        select
          array(select n from unnest($1::text[]) n where to_regrole(n) is null) as missing,
          array(select n from unnest($1::text[]) n
            where to_regrole(n) is null or not (
              pg_has_role(n, 'usage') or pg_has_role(n, 'member with admin option')
              or (u.rolcreaterole and current_setting('server_version_num')::int < 160000))) as foreign,
          array(select n from unnest($1::text[]) n
            where to_regrole(n) is null or not has_schema_privilege(n, current_schema(), 'create')) as outside,
          quote_ident(current_schema()) as schema, u.rolsuper,
          (select pg_has_role(s.nspowner, 'usage') from pg_namespace s where s.nspname = current_schema()) as owner,
          to_regclass('metric_origins') is not null
            and (select c.relrowsecurity from pg_class c where c.oid = to_regclass('metric_origins')) as done
        from pg_roles u where u.rolname = current_user
        """,
        [SERVER, ROWS],
    )
    if found["rolsuper"]:
        return []
    lines = [f"CREATE ROLE {name} NOLOGIN;" for name in found["missing"]]
    if found["foreign"]:
        lines.append(f"GRANT {', '.join(found['foreign'])} TO {me};")
    if found["outside"] and not found["owner"] and not found["done"]:
        lines.append(f"GRANT USAGE, CREATE ON SCHEMA {found['schema']} TO {', '.join(found['outside'])};")
    return lines


async def _lacking(connection: Any, role: str, right: Right) -> list[str]:
    """The tables on which this role has not that right. What whoever migrates may grant, the migration grants."""
    privilege, columns, any_column, among = right
    rows = await connection.fetch(
        """
        select t from unnest($1::text[]) with ordinality u (t, n)
        where ($5::text = current_user
            or not (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = to_regclass(t)))
          and (to_regrole($5) is null or not case
            when $3::text[] = '{}' then has_table_privilege($5, t, $2)
            when $4 then has_any_column_privilege($5, t, $2)
            else (select coalesce(bool_and(has_column_privilege($5, to_regclass(t), a.attnum, $2)), true)
              from pg_attribute a where a.attrelid = to_regclass(t) and a.attname = any ($3))
            end)
        order by n
        """,
        among,
        privilege,
        columns,
        any_column,
        role,
    )
    return [row["t"] for row in rows]
