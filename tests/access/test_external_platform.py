"""A platform that keeps its own tables, under a role that has no rights on ours."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from coachwire.migrate import migrate, migrations

from .conftest import Connection


@pytest.fixture
async def theirs(empty_database_url: str) -> AsyncIterator[Connection]:
    """The platform's connection to a database in which its tables stood first."""
    connection = await asyncpg.connect(empty_database_url)
    role = f"platform_{uuid4().hex[:12]}"
    await connection.execute(f"create role {role}; grant create on schema public to {role}; set role {role}")
    try:
        await connection.execute(migrations()[0].text)
        await migrate(empty_database_url, platform="external")
        yield connection
    finally:
        await connection.execute("reset role")
        await connection.execute(f"drop owned by {role} cascade; drop role {role}")
        await connection.close()


async def test_its_changes_are_put_down_though_it_may_not_write_to_our_tables(theirs: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await theirs.execute("insert into stream_pending (kind) values ('users')")
    user, coach, organization, assignment, message = (uuid4() for _ in range(5))
    await theirs.execute(
        f"""
        insert into users (id, email) values ('{user}', 'a@a.test'), ('{coach}', 'b@a.test');
        insert into organizations (id, name, slug) values ('{organization}', 'A', 'a');
        insert into memberships (user_id, organization_id, role, status)
        values ('{user}', '{organization}', 'member', 'active');
        insert into workout_assignments (id, organization_id, user_id, date, published)
        values ('{assignment}', '{organization}', '{user}', now(), true);
        """  # noqa: S608 - ids of our own
    )
    await theirs.execute("reset role")
    role = await theirs.fetchval("select tableowner from pg_tables where tablename = 'users'")
    await theirs.execute(
        f"""
        insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)
        values ('{message}', '{organization}', '{coach}', 'coach', '{user}', '{assignment}', 'go');
        set role {role};
        """  # noqa: S608 - ids of our own
    )
    await theirs.execute("delete from workout_assignments")
    await theirs.execute("update memberships set status = 'suspended'")
    await theirs.execute("update users set deleted_at = now()")
    await theirs.execute("update organizations set deleted_at = now()")
    await theirs.execute("reset role")
    membership = await theirs.fetchval("select id from memberships")
    rows = await theirs.fetch(
        "select kind, user_ids, subject_ids, organization_id from stream_pending order by kind, id"
    )
    assert [tuple(row) for row in rows if row["kind"] != "users"] == [
        ("messages", [], [message], organization),
        ("assignments", [user], [assignment], organization),
        ("memberships", [user], [membership], organization),
        ("memberships", [user], [membership], organization),
        ("organizations", [None], [organization], organization),
    ]
    (people,) = (row for row in rows if row["kind"] == "users")
    assert (sorted(people["subject_ids"]), people["organization_id"]) == (sorted([user, coach]), None)
    await theirs.execute(f"set role {role}")
