"""Real services for every test: one PostgreSQL and one Redis a run, a database of its own for each test."""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import redis
from coachwire.embedded import EmbeddedPostgres
from coachwire.migrate import migrate

from .s3 import NoS3Server, S3Server
from .services import UNSYNCED, EmbeddedCluster, EmbeddedRedis, GivenPostgres, GivenRedis, folder_for_services


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres | GivenPostgres]:
    """The run's cluster, to be left running; a test that kills takes `own_postgres`."""
    if given := os.environ.get("DATABASE_URL"):
        yield GivenPostgres(given)
        return
    with a_postgres() as cluster:
        yield cluster


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A cluster for one test, started, its database empty: to be killed, stopped and started at will."""
    with a_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres | GivenPostgres) -> Iterator[str]:
    """The name of a migrated, empty database."""
    name = f"coachwire_template_{uuid4().hex}"
    in_a_loop_of_its_own(_execute(postgres.dsn, f"create database {name}"))
    in_a_loop_of_its_own(migrate(_with_database(postgres.dsn, name)))
    yield name
    in_a_loop_of_its_own(_execute(postgres.dsn, f"drop database {name} with (force)"))


@pytest.fixture
def own_database_url(postgres: EmbeddedPostgres | GivenPostgres, template: str) -> Iterator[str]:
    """A migrated, empty database of the test's own, which knows nothing of what tables held before."""
    with a_database(postgres.dsn, f"template {template} strategy file_copy") as dsn:
        yield dsn


@pytest.fixture
def database_url(own_database_url: str) -> str:
    """A package's conftest may give its tests one for all."""
    return own_database_url


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres | GivenPostgres) -> Iterator[str]:
    """A database without anything in it."""
    with a_database(postgres.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis | GivenRedis]:
    """The run's Redis, to be left running; a test that kills or freezes takes `own_redis`."""
    if given := os.environ.get("REDIS_URL"):
        yield GivenRedis(given)
        return
    with a_redis() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """A Redis for one test: to be killed, frozen, stopped and started at will."""
    with a_redis() as server:
        yield server


@pytest.fixture(scope="session")
def _cluster() -> Iterator[EmbeddedCluster]:
    with folder_for_services() as folder:
        cluster = EmbeddedCluster(folder)
        try:
            cluster.start()
        except (AssertionError, redis.RedisError) as problem:
            cluster.stop()
            pytest.skip(f"NO REDIS CLUSTER, its bus stays untried: {problem}")
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def redis_cluster(_cluster: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """The run's cluster; a test may kill and freeze its nodes, the next one finds all of them."""
    yield _cluster
    _cluster.settle()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis | GivenRedis) -> str:
    """Empty, unless it is the environment's."""
    if isinstance(redis_server, EmbeddedRedis):
        with redis.Redis.from_url(redis_server.url) as client:
            client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """The run's, with a bucket, to be left running; a test that stops or freezes takes `own_s3`."""
    with an_s3_server() as server:
        yield server


@pytest.fixture
def own_s3() -> Iterator[S3Server]:
    """For one test: to be stopped, started and frozen at will."""
    with an_s3_server() as server:
        yield server


@contextmanager
def a_postgres() -> Iterator[EmbeddedPostgres]:
    """A cluster that nobody else uses, started; it need not survive the machine."""
    with folder_for_services() as home:
        cluster = EmbeddedPostgres(home, settings=UNSYNCED)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def a_redis() -> Iterator[EmbeddedRedis]:
    """A Redis that nobody else uses, started, empty."""
    server = EmbeddedRedis()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def an_s3_server() -> Iterator[S3Server]:
    """Skips the test where none can be had."""
    with folder_for_services() as folder:
        try:
            server = S3Server(folder)
            server.start()
        except NoS3Server as problem:
            pytest.skip(f"NO S3 SERVER, the bucket stays untried: {problem}")
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def a_database(dsn: str, made: str = "") -> Iterator[str]:
    """A database on that server, dropped in the end, whoever is still connected."""
    name = f"coachwire_test_{uuid4().hex}"
    in_a_loop_of_its_own(_execute(dsn, f"create database {name} {made}"))
    try:
        yield _with_database(dsn, name)
    finally:
        in_a_loop_of_its_own(_execute(dsn, f"drop database {name} with (force)"))


def in_a_loop_of_its_own(work: Coroutine[Any, Any, Any]) -> Any:
    """For fixtures that are synchronous, so that any test may use them, in whatever loop it runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
