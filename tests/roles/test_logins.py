"""As whom a server works, by whatever login: under row-level security, or it does not start."""

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.logins import make_login as log_in_by
from coachwire.logins import verifier
from coachwire.migrate import MigrationFailed, migrate, migrations
from coachwire.settings import Settings

from ..gym import SECRET, Place, open_gym
from ..metrics.conftest import Trainer
from ..test_cli import coachwire, refusal
from ..test_doctor import findings
from .conftest import Connection, MakeLogin, logging_in, login_of

OWN = "let an administrator run: create role coachwire_login login password '…' in role coachwire_server;"
SERVES = "in role coachwire_server"
PERSON = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def database_url(own_database_url: str) -> str:
    """Whose tables are whose is changed here."""
    return own_database_url


async def use(dsn: str, gym: Place, definition: str) -> None:
    """The metrics routes of a server that logs in there."""
    server = TestServer(init_app(Settings(database_url=dsn, jwt_secret=SECRET, rate_limit=None)))
    async with server, ClientSession(base_url=str(server.make_url(""))) as http:
        coach, member = Trainer(http, gym.coach), Trainer(http, gym.member)
        await coach.recorded(gym.member, definition, "100")
        await member.recorded(gym.member, definition, "110")
        assert (await member.grant(gym)).status == 200
        assert await coach.values(gym.member) == ["110", "100"]
        set_id = await coach.make_set(definition, organizationId=gym.organization_id)
        answer = await coach.get(f"metric-sets/{set_id}/resolve?memberId={gym.member.membership_id}")
        assert answer.data["items"][0]["value"]["value"] == "110"
        (grant,) = (await member.get("/v1/me/metric-grants")).data["items"]
        assert grant["organizationId"] == gym.organization_id
        assert (await member.withdraw(gym)).status == 200


async def test_a_login_with_the_servers_rights_and_no_others_serves(
    gym: Place, make_login: MakeLogin, squat: str
) -> None:
    await use(await make_login(SERVES), gym, squat)


async def test_a_superuser_works_as_the_servers_role(
    gym: Place, database_url: str, database: Connection
) -> None:
    server = TestServer(init_app(Settings(database_url=database_url, jwt_secret=SECRET)))
    async with server, ClientSession(base_url=str(server.make_url(""))) as http:
        coach = Trainer(http, gym.coach)
        assert (await coach.get("audit")).code == "forbidden"
        owner = Trainer(http, gym.owner)
        assert (await owner.get("audit")).status == 200


async def test_a_platform_that_keeps_its_own_tables_and_an_owner_who_is_no_superuser(
    make_login: MakeLogin, empty_database_url: str
) -> None:
    platform, owner, login = [await make_login(how) for how in ("", "createrole", SERVES)]
    administrator = await asyncpg.connect(empty_database_url)
    try:
        await administrator.execute(f"grant create on schema public to {login_of(platform)}")
        await administrator.execute(f"grant create on schema public to {login_of(owner)}")
        await administrator.execute(f"set role {login_of(platform)}; {migrations()[0].text}; reset role")
        ours = logging_in(empty_database_url, login_of(owner), "open sesame")
        with pytest.raises(MigrationFailed, match="Let their owner, or an administrator, run") as caught:
            await migrate(ours, platform="external")
        await administrator.execute("".join(str(caught.value).splitlines()[1:]))
        await migrate(ours, platform="external")
        assert await migrate(ours, platform="external") == []
        gym = await open_gym(empty_database_url, "harbor")
        squat = await administrator.fetchval(
            "select id::text from metric_definitions where slug = 'back_squat_1rm'"
        )
        await use(logging_in(empty_database_url, login_of(login), "open sesame"), gym, squat)
    finally:
        await administrator.execute(
            f"drop owned by {login_of(owner)} cascade; drop owned by {login_of(platform)} cascade;"
            " drop owned by coachwire_server cascade; drop owned by coachwire_rows cascade"
        )
        await administrator.close()


async def test_values_that_the_platform_had_before_are_seen_by_its_own_roles_as_before(
    make_login: MakeLogin, empty_database_url: str
) -> None:
    platform, reports, login = [login_of(await make_login(how)) for how in ("", "", SERVES)]
    administrator = await asyncpg.connect(empty_database_url)
    try:
        before = "".join(migration.text for migration in migrations()[:3])
        await administrator.execute(
            f"grant create on schema public to {platform}; set role {platform}; {before}; reset role"
        )
        await administrator.execute(
            f"""
            grant select on member_metrics to {reports};
            insert into users (id, email) values ('{PERSON}', 'a@a.test');
            insert into metric_definitions values ('{PERSON}', 'squat', '{{}}', 'kg', 'one_rep_max');
            insert into member_metrics values ('{PERSON}', '{PERSON}', '{PERSON}', 100, 'kg');
            """  # noqa: S608 - names and ids of our own
        )
        await migrate(empty_database_url, platform="external")
        for who, values in ((platform, 1), (reports, 1), (login, 0)):
            await administrator.execute(f"set role {who}")
            assert await administrator.fetchval("select count(*) from member_metrics") == values
            await administrator.execute("reset role")
    finally:
        await administrator.execute(
            f"drop owned by {platform} cascade; drop owned by {reports} cascade;"
            " drop owned by coachwire_server cascade; drop owned by coachwire_rows cascade"
        )
        await administrator.close()


# ---- who does not serve


def refused(dsn: str) -> str:
    """What `serve` says, and the doctor likewise."""
    code, line = refusal(
        coachwire(
            "serve",
            DATABASE_URL=dsn,
            COACHWIRE_JWT_SECRET=SECRET,
            COACHWIRE_PORT="0",
            COACHWIRE_METRICS_PORT="off",
        )
    )
    assert code == 2
    _, found = findings(DATABASE_URL=dsn)
    assert found["role"]["state"] == "failed"
    assert line == f"coachwire: {found['role']['found']}"
    return line


async def test_an_owner_of_the_tables_who_has_not_the_servers_role_is_refused(
    database: Connection, make_login: MakeLogin
) -> None:
    dsn = await make_login()
    await database.execute(
        f"grant select on schema_migrations to {login_of(dsn)}; alter table member_metrics owner to {login_of(dsn)}"
    )
    assert refused(dsn) == f"coachwire: DATABASE_URL: {login_of(dsn)} owns member_metrics: {OWN}"


async def test_who_is_let_past_row_security_and_has_not_the_servers_role_is_refused(
    database: Connection, make_login: MakeLogin
) -> None:
    dsn = await make_login("bypassrls")
    await database.execute(f"grant select on schema_migrations to {login_of(dsn)}")
    assert refused(dsn) == f"coachwire: DATABASE_URL: {login_of(dsn)} is not under row-level security: {OWN}"


async def test_who_has_no_rights_is_refused(database: Connection, make_login: MakeLogin) -> None:
    dsn = await make_login()
    await database.execute(f"grant select on schema_migrations to {login_of(dsn)}")
    name = login_of(dsn)
    assert refused(dsn) == (
        f"coachwire: DATABASE_URL: {name} has not the server's rights:"
        f" let an administrator run: grant coachwire_server to {name};"
    )


async def test_a_table_without_row_security_keeps_a_server_from_starting(
    database: Connection, database_url: str
) -> None:
    await database.execute("alter table metric_grants disable row level security")
    assert refused(database_url) == (
        "coachwire: row security is off on metric_grants:"
        " let its owner run: alter table metric_grants enable row level security;"
    )


async def test_the_doctor_warns_of_a_login_that_could_take_its_rights_back(
    database_url: str, make_login: MakeLogin
) -> None:
    _, found = findings(DATABASE_URL=database_url)
    assert found["role"]["state"] == "warning"
    assert found["role"]["advice"].endswith(OWN.partition("run: ")[2])
    _, found = findings(DATABASE_URL=await make_login(SERVES))
    assert found["role"]["state"] == "ok"


# ---- the login that `migrate` makes


async def test_migrate_makes_the_servers_login_once_and_leaves_its_password(
    database: Connection, database_url: str, make_login: MakeLogin
) -> None:
    name = login_of(await make_login())  # goes with the test
    await database.execute(f"drop role {name}")
    urls = {
        "DATABASE_URL": logging_in(database_url, name, "first one"),
        "COACHWIRE_MIGRATE_URL": database_url,
    }
    assert coachwire("migrate", **urls).stdout.splitlines()[-1] == f"{name} may log in and serve"
    kept = await password(database, name)
    assert kept == verifier("first one", salt_of(kept))
    urls["DATABASE_URL"] = logging_in(database_url, name, "second one")
    assert coachwire("migrate", **urls).stdout == "nothing to do: the schema is this version's\n"
    assert await password(database, name) == kept
    await database.execute(f"revoke coachwire_server from {name}")
    assert await log_in_by(database_url, urls["DATABASE_URL"]) == name
    _, found = findings(DATABASE_URL=urls["DATABASE_URL"])
    assert found["role"]["state"] == "ok"


async def test_a_password_is_kept_as_postgresql_keeps_it(database: Connection, make_login: MakeLogin) -> None:
    kept = await password(database, login_of(await make_login()))
    assert kept == verifier("open sesame", salt_of(kept))


async def password(database: Connection, name: str) -> str:
    return str(await database.fetchval("select rolpassword from pg_authid where rolname = $1", name))


def salt_of(kept: str) -> bytes:
    from base64 import b64decode

    return b64decode(kept.split("$")[1].partition(":")[2])
