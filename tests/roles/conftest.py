"""Logins of the tests' own, and the server's role without a server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
from coachwire.roles import SERVER

from ..gym import Someone
from ..metrics.conftest import squat
from ..server.conftest import database, gym, http, log, one_database_url, other_gym, server, settings, url
from ..server.conftest import database_url as database_url

__all__ = [
    "database", "gym", "http", "log", "one_database_url", "other_gym", "server", "settings", "squat", "url",
]  # fmt: skip

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

MakeLogin = Callable[..., Awaitable[str]]


@pytest.fixture
async def make_login(database_url: str) -> AsyncIterator[MakeLogin]:
    """`await make_login("in role coachwire_server")` is the address for a new login; all of them go with the test."""
    administrator = await asyncpg.connect(database_url)
    made: list[str] = []

    async def make(how: str = "", *, dsn: str = database_url) -> str:
        made.append(f"login_{uuid4().hex[:12]}")
        await administrator.execute(f"create role {made[-1]} login password 'open sesame' {how}")
        return logging_in(dsn, made[-1], "open sesame")

    yield make
    for name in made:
        await administrator.execute(f"reassign owned by {name} to current_user; drop owned by {name}")
        await administrator.execute(f"drop role {name}")
    await administrator.close()


@pytest.fixture
async def tx(database_url: str) -> AsyncIterator[Connection]:
    """In autocommit, as the server works: whoever tests runs it on a superuser's login."""
    connection = await asyncpg.connect(database_url, server_settings={"role": SERVER})
    yield connection
    await connection.close()


def logging_in(dsn: str, name: str, password: str | None = None) -> str:
    """The same address for somebody else."""
    parts = urlsplit(dsn)
    _, _, host = parts.netloc.rpartition("@")
    who = name if password is None else f"{name}:{password.replace(' ', '%20')}"
    return urlunsplit(parts._replace(netloc=f"{who}@{host}"))


def login_of(dsn: str) -> str:
    return urlsplit(dsn).username or ""


async def recorded(database: Connection, of: Someone, definition: str) -> str:
    """In their gym, by themselves, past all functions."""
    id_ = uuid4()
    await database.execute(
        "with v as (insert into member_metrics (id, member_id, definition_id, value, unit)"
        " values ($1, $2, $3, 100, 'kg'))"
        " insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
        " values ($1, $2, $4, $2, now())",
        id_, UUID(of.user_id), UUID(definition), UUID(of.organization_id),
    )  # fmt: skip
    return str(id_)
