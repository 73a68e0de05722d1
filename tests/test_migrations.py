"""The schema: what the seeds ask for and nothing more; forward only, once, by whoever comes first."""

import asyncio
import hashlib
import shutil
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from coachwire.migrate import MigrationFailed, SchemaMismatch, check, migrate, migrations
from coachwire.resources import folder

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ID, UUID, TEXT, TIME = "uuid not null", "uuid", "text", "timestamp with time zone"
NOW = "timestamp with time zone not null default now()"
COLUMNS = {
    "messages": [
        ("id", ID),
        ("organization_id", ID),
        ("sender_id", ID),
        ("sender_role", "sender_role not null"),
        ("recipient_id", ID),
        ("workout_assignment_id", UUID),
        ("content", TEXT),
        ("created_at", NOW),
        ("read_at", TIME),
        ("edited_at", TIME),
        ("deleted_at", TIME),
    ],
    "message_attachments": [
        ("id", ID),
        ("message_id", ID),
        ("type", "attachment_type not null"),
        ("r2_key", "text not null"),
        ("size", "integer not null"),
        ("mime_type", "text not null"),
        ("thumbnail_r2_key", TEXT),
        ("created_at", NOW),
    ],
    "exercise_comments": [
        ("id", ID),
        ("workout_movement_id", ID),
        ("author_id", ID),
        ("body", "text not null"),
        ("parent_comment_id", UUID),
        ("created_at", "timestamp with time zone default now()"),
        ("updated_at", "timestamp with time zone default now()"),
        ("deleted_at", TIME),
    ],
    "metric_definitions": [
        ("id", ID),
        ("slug", "character varying(100)"),
        ("name_i18n", "jsonb not null"),
        ("unit", "metric_unit not null"),
        ("kind", "metric_kind not null"),
        ("description", TEXT),
    ],
    "metric_sets": [
        ("id", ID),
        ("name", "character varying(255) not null"),
        ("member_user_id", UUID),
        ("workout_id", UUID),
        ("organization_id", UUID),
    ],
    "metric_set_definitions": [
        ("set_id", ID),
        ("definition_id", ID),
        ("sort_order", "integer not null default 0"),
    ],
    "member_metrics": [
        ("id", ID),
        ("member_id", ID),
        ("definition_id", ID),
        ("value", "numeric(14,4) not null"),
        ("unit", "metric_unit not null"),
        ("recorded_at", NOW),
        ("source", "character varying(50)"),
    ],
}
CONSTRAINTS = {
    "messages": [
        "FOREIGN KEY (organization_id) REFERENCES organizations(id)",
        "FOREIGN KEY (recipient_id) REFERENCES users(id)",
        "FOREIGN KEY (sender_id) REFERENCES users(id)",
        "FOREIGN KEY (workout_assignment_id) REFERENCES workout_assignments(id) ON DELETE CASCADE",
        "PRIMARY KEY (id)",
    ],
    "message_attachments": [
        "FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE",
        "PRIMARY KEY (id)",
    ],
    "exercise_comments": [
        "FOREIGN KEY (author_id) REFERENCES users(id)",
        "FOREIGN KEY (parent_comment_id) REFERENCES exercise_comments(id)",
        "FOREIGN KEY (workout_movement_id) REFERENCES workout_movements(id) ON DELETE CASCADE",
        "PRIMARY KEY (id)",
    ],
    "metric_definitions": ["PRIMARY KEY (id)", "UNIQUE (slug)"],
    "metric_sets": [
        "CHECK ((num_nonnulls(member_user_id, workout_id, organization_id) = 1))",
        "FOREIGN KEY (member_user_id) REFERENCES users(id) ON DELETE CASCADE",
        "FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE",
        "FOREIGN KEY (workout_id) REFERENCES workouts(id) ON DELETE CASCADE",
        "PRIMARY KEY (id)",
    ],
    "metric_set_definitions": [
        "FOREIGN KEY (definition_id) REFERENCES metric_definitions(id) ON DELETE RESTRICT",
        "FOREIGN KEY (set_id) REFERENCES metric_sets(id) ON DELETE CASCADE",
        "PRIMARY KEY (set_id, definition_id)",
    ],
    "member_metrics": [
        "FOREIGN KEY (definition_id) REFERENCES metric_definitions(id)",
        "FOREIGN KEY (member_id) REFERENCES users(id)",
        "PRIMARY KEY (id)",
    ],
}
INDEXES = {  # beside those of primary keys and unique constraints
    "messages": {
        "messages_org_created_idx": "(organization_id, created_at)",
        "messages_recipient_created_idx": "(recipient_id, created_at)",
        "messages_recipient_read_at_idx": "(recipient_id, read_at)",
        "messages_sender_created_idx": "(sender_id, created_at)",
        "messages_workout_assignment_idx": "(workout_assignment_id, created_at)",
    },
    "message_attachments": {"message_attachments_message_idx": "(message_id)"},
    "exercise_comments": {},
    "metric_definitions": {},
    "metric_sets": {
        "metric_sets_member_idx": "(member_user_id) WHERE (member_user_id IS NOT NULL)",
        "metric_sets_org_idx": "(organization_id) WHERE (organization_id IS NOT NULL)",
        "metric_sets_workout_idx": "(workout_id) WHERE (workout_id IS NOT NULL)",
    },
    "metric_set_definitions": {},
    "member_metrics": {
        "member_metrics_definition_idx": "(definition_id, recorded_at DESC)",
        "member_metrics_member_def_recorded_idx": "(member_id, definition_id, recorded_at DESC)",
    },
}
ENUMS = {
    "sender_role": ["coach", "member", "admin"],
    "attachment_type": ["image", "video"],
    "metric_unit": ["kg", "lb", "%", "seconds"],
    "metric_kind": ["one_rep_max", "time", "distance", "body_comp"],
}
EVENT_KINDS = """
    message.created message.edited message.deleted message.erased message.read history.trimmed
    comment.created comment.edited comment.deleted comment.erased comment.mentioned
    metric.recorded metric.erased membership.changed membership.ended
    assignment.published assignment.removed skipped
"""
ALL = [path.name for path in sorted((folder("sql") / "migrations").glob("*.sql"))]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return Path(shutil.copytree(folder("sql") / "migrations", tmp_path / "migrations"))


# ---- the seeds


@pytest.mark.parametrize("table", COLUMNS)
async def test_a_table_of_the_seeds_has_exactly_its_columns(connection: Connection, table: str) -> None:
    rows = await connection.fetch(
        """
        select a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
          case when a.attnotnull then 'not null' end, 'default ' || pg_get_expr(d.adbin, d.adrelid)) as column
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum
        """,
        table,
    )
    assert [tuple(row) for row in rows] == COLUMNS[table]


@pytest.mark.parametrize("table", CONSTRAINTS)
async def test_a_table_of_the_seeds_has_exactly_its_constraints(connection: Connection, table: str) -> None:
    rows = await connection.fetch(
        "select conname, pg_get_constraintdef(oid) as definition from pg_constraint"
        " where conrelid = to_regclass($1) and contype <> 'n' order by 2",
        table,
    )
    assert [row["definition"] for row in rows] == CONSTRAINTS[table]
    if table == "metric_sets":
        assert "metric_sets_owner_exclusive_chk" in [row["conname"] for row in rows]


@pytest.mark.parametrize("table", INDEXES)
async def test_a_table_of_the_seeds_has_exactly_its_indexes(connection: Connection, table: str) -> None:
    rows = await connection.fetch(
        """
        select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
        from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
        where i.indrelid = to_regclass($1) and c.oid is null
        """,
        table,
    )
    assert {row["name"]: row["definition"] for row in rows} == {
        name: f"CREATE INDEX {name} ON public.{table} USING btree {columns}"
        for name, columns in INDEXES[table].items()
    }


@pytest.mark.parametrize("name", ENUMS)
async def test_an_enum_of_the_seeds_begins_with_its_values(connection: Connection, name: str) -> None:
    assert (await _labels(connection, name))[: len(ENUMS[name])] == ENUMS[name]


async def test_the_stream_knows_every_kind_of_event(connection: Connection) -> None:
    assert await _labels(connection, "event_kind") == EVENT_KINDS.split()


async def test_nothing_of_ours_refers_to_what_may_be_deleted(connection: Connection) -> None:
    ours = ["message_ledger", "conversations", "user_streams", "stream_events", "stream_pending", "devices"]
    assert (
        await connection.fetch(
            "select from pg_constraint where contype = 'f' and conrelid::regclass::text = any ($1)", ours
        )
        == []
    )


# ---- the runner


async def test_all_files_are_applied_in_order_and_only_once(
    empty: Connection, empty_database_url: str
) -> None:
    told: list[str] = []
    assert await migrate(empty_database_url, progress=told.append) == ALL
    assert told == ALL
    assert await migrate(empty_database_url) == []
    rows = await empty.fetch("select name, checksum from schema_migrations order by name")
    assert {row["name"]: row["checksum"] for row in rows} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder("sql") / "migrations").glob("*.sql")
    }
    await check(empty)


async def test_of_two_runs_at_once_one_applies(empty: Connection, empty_database_url: str) -> None:
    assert sorted(await asyncio.gather(migrate(empty_database_url), migrate(empty_database_url))) == [[], ALL]
    await check(empty)


async def test_a_run_gives_up_when_another_one_holds_the_lock(
    empty: Connection, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.migrate.LOCK_WAIT", 0.1)
    await empty.execute("select pg_advisory_lock($1)", 0x636F616368)
    with pytest.raises(MigrationFailed, match="Another migration of this database is running"):
        await migrate(empty_database_url)


async def test_a_file_changed_after_its_release_is_refused(
    database_url: str, connection: Connection, files: Path
) -> None:
    with (files / "0002_messages.sql").open("a") as file:
        file.write("-- one more thought\n")
    with pytest.raises(SchemaMismatch, match=r"0002_messages\.sql was changed after it had been applied"):
        await migrate(database_url, directory=files)
    with pytest.raises(SchemaMismatch, match=r"0002_messages\.sql was changed"):
        await check(connection, directory=files)


async def test_a_server_refuses_a_database_without_tables(empty: Connection) -> None:
    with pytest.raises(SchemaMismatch, match="no tables of Coachwire yet: run `coachwire migrate`"):
        await check(empty)


async def test_a_server_refuses_an_older_schema(connection: Connection, files: Path) -> None:
    (files / "9999_more.sql").write_text("create table more ()")
    with pytest.raises(SchemaMismatch, match=r"older than this server: 9999_more\.sql is missing"):
        await check(connection, directory=files)


async def test_a_server_refuses_a_newer_schema(
    database_url: str, connection: Connection, files: Path
) -> None:
    (files / ALL[-1]).unlink()
    with pytest.raises(SchemaMismatch, match="newer than this server"):
        await check(connection, directory=files)
    with pytest.raises(SchemaMismatch, match="newer than this server"):
        await migrate(database_url, directory=files)


async def test_a_file_put_in_between_later_is_refused(database_url: str, files: Path) -> None:
    (files / "0000_before.sql").write_text("create table before ()")
    with pytest.raises(SchemaMismatch, match="migrations only go forward"):
        await migrate(database_url, directory=files)


async def test_of_a_file_that_fails_nothing_remains_and_the_next_run_goes_on(
    database_url: str, connection: Connection, files: Path
) -> None:
    broken = files / "9999_more.sql"
    broken.write_text("create table more (); select 1 / 0")
    with pytest.raises(MigrationFailed, match=r"9999_more\.sql: division by zero"):
        await migrate(database_url, directory=files)
    assert await connection.fetchval("select to_regclass('more')") is None
    broken.write_text("create table more ()")
    assert await migrate(database_url, directory=files) == ["9999_more.sql"]


# ---- what was there before


async def test_people_and_messages_older_than_coachwire_get_their_rows(empty: Connection) -> None:
    known = migrations()
    for migration in known[:3]:
        await empty.execute(migration.text)
    organization, low, high, assignment = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
    first, second, third = (uuid.UUID(int=number) for number in (10, 11, 12))
    at = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
    await empty.execute(
        "insert into organizations (id, name, slug) values ($1, 'Iron', 'iron')", organization
    )
    await empty.execute("insert into users (id, email) values ($1, 'a@x.test'), ($2, 'b@x.test')", low, high)
    await empty.execute(
        "insert into workout_assignments (id, organization_id, user_id, date) values ($1, $2, $3, now())",
        assignment, organization, low,
    )  # fmt: skip
    await empty.executemany(
        "insert into messages (id, organization_id, sender_id, sender_role, recipient_id,"
        " workout_assignment_id, created_at) values ($1, $2, $3, 'coach', $4, $5, $6)",
        [
            (first, organization, high, low, None, at),
            (second, organization, low, high, None, at + timedelta(minutes=1)),
            (third, organization, high, low, assignment, at + timedelta(minutes=2)),
        ],
    )
    for migration in known[3:]:
        await empty.execute(migration.text)
    ledger = await empty.fetch("select * from message_ledger order by message_id")
    fields = (
        "message_id",
        "sender_id",
        "low_user_id",
        "high_user_id",
        "workout_assignment_id",
        "created_at",
        "payload_hash",
    )
    assert [tuple(row[field] for field in fields) for row in ledger] == [
        (first, high, low, high, None, at, None),
        (second, low, low, high, None, at + timedelta(minutes=1), None),
        (third, high, low, high, assignment, at + timedelta(minutes=2), None),
    ]
    conversations = await empty.fetch("select * from conversations")
    assert [tuple(row) for row in conversations] == [(organization, low, high, at)]
    streams = await empty.fetch("select user_id, position, window_count from user_streams order by user_id")
    assert [tuple(row) for row in streams] == [(low, 0, 0), (high, 0, 0)]


async def test_partitions_cover_this_week_and_four_more_and_are_made_once(connection: Connection) -> None:
    assert await connection.fetchval("select make_stream_partitions()") == 0
    rows = await connection.fetch(
        "select pg_get_expr(relpartbound, oid) as bound from pg_class join pg_inherits on inhrelid = oid"
        " where inhparent = 'stream_events'::regclass order by relname"
    )
    await connection.execute("set timezone = 'UTC'")
    monday = await connection.fetchval("select date_trunc('week', now())")
    bounds = [
        f"FOR VALUES FROM ('{monday + timedelta(weeks=week):%Y-%m-%d} 00:00:00+00')"
        f" TO ('{monday + timedelta(weeks=week + 1):%Y-%m-%d} 00:00:00+00')"
        for week in range(5)
    ]
    assert [row["bound"] for row in rows] == bounds
    assert await connection.fetchval("select make_stream_partitions(6)") == 2
    await connection.execute(
        "insert into stream_events (user_id, position, kind, subject_ids, at)"
        " values (gen_random_uuid(), 1, 'skipped', '{}', now() + interval '28 days')"
    )


async def test_there_is_one_epoch_of_at_most_16_characters(connection: Connection) -> None:
    epoch = await connection.fetchval("select epoch from stream_epoch")
    assert epoch.isalnum()
    assert 1 <= len(epoch) <= 16
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("insert into stream_epoch (epoch) values ('k2')")


# ---- with the platform's own tables


async def test_the_platforms_own_tables_are_left_as_they_are(
    empty: Connection, empty_database_url: str
) -> None:
    await empty.execute(migrations()[0].text)
    assert await migrate(empty_database_url, platform="external") == ALL[1:]
    await check(empty)
    assert await migrate(empty_database_url) == []  # the database remembers


async def test_messages_that_the_platform_had_before_are_adopted(
    empty: Connection, empty_database_url: str
) -> None:
    for migration in migrations()[:2]:
        await empty.execute(migration.text)
    assert await migrate(empty_database_url, platform="external") == ALL[2:]
    await check(empty)


async def test_all_that_does_not_fit_is_listed_at_once(empty: Connection, empty_database_url: str) -> None:
    await empty.execute(migrations()[0].text)
    await empty.execute("alter table users alter column created_at type timestamp")
    await empty.execute("alter table organizations drop column timezone")
    await empty.execute("drop table workout_movements")
    await empty.execute("alter table memberships drop constraint memberships_user_id_organization_id_key")
    await empty.execute("alter table workout_assignments drop constraint workout_assignments_pkey")
    await empty.execute("alter table workout_assignments add primary key (id, date)")
    with pytest.raises(MigrationFailed) as caught:
        await migrate(empty_database_url, platform="external")
    assert str(caught.value).splitlines() == [
        "The platform's tables do not fit:",
        "- users.created_at is timestamp, expected timestamptz",
        "- organizations.timezone is missing (text)",
        "- table workout_movements is missing",
        "- workout_assignments: the primary key is (id, date), expected (id)",
        "- memberships: UNIQUE (user_id, organization_id) is missing",
    ]
    assert await empty.fetchval("select count(*) from schema_migrations") == 0


@pytest.mark.usefixtures("template")  # and with it the roles
async def test_missing_rights_are_answered_with_the_grants_that_give_them(
    empty: Connection, empty_database_url: str
) -> None:
    role = f"visitor_{uuid.uuid4().hex[:12]}"
    await empty.execute(migrations()[0].text)
    await empty.execute(f"create role {role} login")
    try:
        await empty.execute(f"grant create on schema public to {role}")
        url = f"{empty_database_url}{'&' if '?' in empty_database_url else '?'}role={role}"
        with pytest.raises(MigrationFailed) as caught:
            await migrate(url, platform="external")
        first, *grants = str(caught.value).splitlines()
        everything = "users, organizations, memberships, workouts, workout_movements, workout_assignments"
        assert (
            first == "Rights on the platform's tables are missing. Let their owner, or an administrator, run:"
        )
        both = f"{role}, coachwire_server"
        assert grants == [
            f"GRANT coachwire_server, coachwire_rows TO {role};",
            "GRANT USAGE, CREATE ON SCHEMA public TO coachwire_server, coachwire_rows;",
            f"GRANT TRIGGER ON {everything} TO {role};",
            f"GRANT UPDATE (status, end_date) ON memberships TO {both};",
            f"GRANT UPDATE (updated_at) ON users, organizations, workout_assignments TO {both};",
            f"GRANT UPDATE (sort_order) ON workout_movements TO {both};",
            f"GRANT SELECT ON {everything} TO {both};",
            f"GRANT REFERENCES ON {everything} TO {role};",
        ]
        await empty.execute("".join(grants))
        assert await migrate(url, platform="external") == ALL[1:]
        await empty.execute(f"set role {role}")
        for table in ("users", "organizations", "workout_assignments", "workout_movements"):
            await empty.execute(f"select from {table} for key share skip locked")
    finally:
        await empty.execute("reset role")
        await empty.execute(f"drop owned by {role} cascade")
        await empty.execute(f"drop role {role}")


async def test_tables_that_are_there_already_are_not_taken_for_ours(
    empty: Connection, empty_database_url: str
) -> None:
    await empty.execute("create table users (id uuid)")
    with pytest.raises(MigrationFailed, match="use `--platform external`"):
        await migrate(empty_database_url)


async def _labels(connection: Connection, enum: str) -> list[str]:
    rows = await connection.fetch(
        "select enumlabel from pg_enum where enumtypid = to_regtype($1) order by enumsortorder", enum
    )
    return [row["enumlabel"] for row in rows]
