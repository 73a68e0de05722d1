"""What the server's role may not do, it cannot: not for others, and not what it has no business with."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire.roles import SERVER

from ..gym import Place
from .conftest import Connection, recorded

ORIGIN = (
    "insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
    " values ($1, $2, $3, $4, now())"
)
VALUE = (
    "insert into member_metrics (id, member_id, definition_id, value, unit) values ($1, $2, $3, 100, 'kg')"
)
GRANT = "insert into metric_grants (user_id, organization_id) values ($1, $2)"


async def test_staff_write_for_their_members_and_everybody_for_themselves(
    gym: Place, tx: Connection, squat: str
) -> None:
    for actor in (gym.coach, gym.member):
        async with tx.transaction():
            await tx.execute("select set_config('app.user_id', $1, true)", actor.user_id)
            await tx.execute(
                ORIGIN, id_ := uuid4(), *ids(gym.member.user_id, gym.organization_id, actor.user_id)
            )
            await tx.execute(VALUE, id_, *ids(gym.member.user_id, squat))
            assert await tx.fetchval("select count(*) from member_metrics where id = $1", id_) == 1


async def test_what_is_not_theirs_to_write_is_refused(
    gym: Place, other_gym: Place, database: Connection, tx: Connection, squat: str
) -> None:
    value = UUID(await recorded(database, gym.member, squat))
    member, coach, stranger = gym.member.user_id, gym.coach.user_id, other_gym.coach.user_id
    here, there = gym.organization_id, other_gym.organization_id
    wrong: list[tuple[str, str, list[UUID]]] = [
        (stranger, ORIGIN, [uuid4(), *ids(member, there, stranger)]),  # no member of theirs
        (stranger, ORIGIN, [uuid4(), *ids(member, here, stranger)]),  # no gym of theirs
        (coach, ORIGIN, [uuid4(), *ids(member, here, member)]),  # in another's name
        (gym.member2.user_id, ORIGIN, [uuid4(), *ids(member, here, gym.member2.user_id)]),  # no staff
        (coach, VALUE, [uuid4(), *ids(member, squat)]),  # recorded nowhere
        (coach, VALUE, [value, *ids(member, squat)]),  # recorded by somebody else
        (coach, GRANT, ids(member, here)),
        (member, GRANT, ids(member, there)),  # where they are not
    ]
    for actor, statement, arguments in wrong:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="violates row-level security policy"):
            await doing(tx, actor, statement, *arguments)


@pytest.mark.parametrize(
    "statement",
    [
        "update member_metrics set value = 1",
        "delete from member_metrics",
        "truncate member_metrics",
        "update metric_origins set organization_id = null",
        "delete from metric_origins",
        "update audit set details = '{}'",
        "delete from audit",
        "update schema_migrations set checksum = ''",
        "alter table member_metrics disable row level security",
        "drop policy coachwire_seen on member_metrics",
        "set role coachwire_rows",
        "create table public.belongs ()",
        "create function public.own() returns int language sql return 1",
        "update users set id = id",
        "delete from users",
        "update memberships set role = 'owner'",
        "insert into stream_epoch (epoch) values ('k')",
        "select drop_stream_partition('member_metrics')",
        "select erase_recorded(gen_random_uuid())",
        "select erase_unrecorded(gen_random_uuid())",
    ],
)
async def test_what_the_server_has_no_business_with_is_refused(
    gym: Place, make_login: Any, statement: str
) -> None:
    """By a login of its own: a superuser's could take its rights back."""
    tx = await asyncpg.connect(await make_login(f"in role {SERVER}"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await doing(tx, gym.coach.user_id, statement)
    finally:
        await tx.close()


async def test_grants_are_changed_by_nobody_else(gym: Place, database: Connection, tx: Connection) -> None:
    await database.execute(GRANT, *ids(gym.member.user_id, gym.organization_id))
    for statement in ("update metric_grants set until_at = now()", "delete from metric_grants"):
        assert await doing(tx, gym.owner.user_id, statement) in ("UPDATE 0", "DELETE 0")


async def test_values_leave_for_an_export_only_while_there_is_one(
    gym: Place, database: Connection, tx: Connection, squat: str
) -> None:
    await recorded(database, gym.member, squat)
    page = "select count(*) from exported_values($1, '-infinity', '00000000-0000-0000-0000-000000000000', 10)"
    assert await tx.fetchval(page, UUID(gym.member.user_id)) == 0
    await tx.execute("select begin_export($1)", UUID(gym.member.user_id))
    assert await tx.fetchval(page, UUID(gym.member.user_id)) == 1


async def doing(tx: Connection, actor: str, statement: str, *arguments: object) -> str:
    async with tx.transaction():
        await tx.execute("select set_config('app.user_id', $1, true)", actor)
        return str(await tx.execute(statement, *arguments))


def ids(*texts: str) -> list[UUID]:
    return [UUID(text) for text in texts]
