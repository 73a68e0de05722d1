"""What the catalogue says of roles: nothing is lent that is not meant to be."""

from coachwire.roles import ROWS, SERVER

from .conftest import Connection

OURS = "from pg_proc p where p.prosecdef and p.pronamespace = 'public'::regnamespace"
# The triggers know no values but these: a membership's end ends what was granted by it.
PAST_THE_POLICIES = ["erase_recorded", "erase_unrecorded", "exported_values", "value_ids_taken"]


async def test_every_definers_function_finds_only_what_it_means(database: Connection) -> None:
    rows = await database.fetch(f"select p.proname::text, p.proconfig {OURS}")
    assert len(rows) > 20
    assert [
        row["proname"] for row in rows if "search_path=public, pg_temp" not in (row["proconfig"] or ())
    ] == []


async def test_no_one_but_the_server_runs_a_definers_function(database: Connection) -> None:
    rows = await database.fetch(
        f"""
        select p.proname::text, a.grantee::regrole::text, p.proowner::regrole::text as owner,
          p.prorettype = 'trigger'::regtype as trigger
        from (select * {OURS}) p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        """  # noqa: S608 - a constant
    )
    others = {
        (row["proname"], row["grantee"]) for row in rows if row["grantee"] not in (row["owner"], SERVER)
    }
    assert others == set()
    assert [row["proname"] for row in rows if row["trigger"] and row["grantee"] == SERVER] == []


async def test_what_goes_past_the_policies_is_few_and_nobodys(database: Connection) -> None:
    rows = await database.fetch(
        "select proname::text from pg_proc where proowner = $1::text::regrole order by 1", ROWS
    )
    assert [row["proname"] for row in rows] == PAST_THE_POLICIES
    role = await database.fetchrow("select * from pg_roles where rolname = $1", ROWS)
    assert role is not None
    assert (role["rolcanlogin"], role["rolsuper"], role["rolbypassrls"]) == (False, False, False)


async def test_the_server_owns_the_two_tables_of_events_and_makes_none(database: Connection) -> None:
    rows = await database.fetch(
        "select relname::text from pg_class"
        " where relowner = $1::text::regrole and relkind in ('r', 'p', 'v') order by 1",
        SERVER,
    )
    assert [row["relname"] for row in rows] == ["stream_events", "topic_events"]
    assert not await database.fetchval("select has_schema_privilege($1, 'public', 'create')", SERVER)


async def test_no_table_was_forgotten(database: Connection) -> None:
    """A server that may not read what a later migration makes would find out when it is asked."""
    rows = await database.fetch(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')"
        " and not relispartition and not has_table_privilege($1, oid, 'select')",
        SERVER,
    )
    assert rows == []


async def test_of_values_the_server_has_the_least_that_does(database: Connection) -> None:
    rows = await database.fetch(
        "select c.relname::text, string_agg(a.privilege_type, ', ' order by a.privilege_type) as rights"
        " from pg_class c cross join lateral aclexplode(c.relacl) a"
        " where a.grantee = $1::text::regrole and c.relname = any ($2) group by 1",
        SERVER,
        ["member_metrics", "metric_origins", "metric_grants", "audit", "schema_migrations"],
    )
    assert {row["relname"]: row["rights"] for row in rows} == {
        "member_metrics": "INSERT, SELECT",
        "metric_origins": "INSERT, SELECT",
        "metric_grants": "DELETE, INSERT, SELECT, UPDATE",
        "audit": "INSERT, SELECT",
        "schema_migrations": "SELECT",
    }
