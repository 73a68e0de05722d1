"""Is it alive, should it get traffic; and what it answers while it should not."""

import json
import re

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.embedded import EmbeddedPostgres
from coachwire.keys import READINESS
from coachwire.migrate import migrate
from coachwire.settings import Settings

from ..gym import SECRET, message_to, open_gym
from ..phone import Phone
from .platform import Tables


async def status(http: ClientSession, path: str) -> int:
    async with http.get(path) as answer:
        return answer.status


async def test_a_server_in_service_is_alive_and_ready(http: ClientSession) -> None:
    for path, said in (("/healthz", "ok"), ("/readyz", "ready")):
        async with http.get(path) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": said})


async def test_a_server_that_runs_out_of_partitions_serves_and_complains(
    http: ClientSession, database: Tables
) -> None:
    tables = await database.fetch(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = 'stream_events'::regclass order by 1 desc"
    )
    for (table,) in tables[:-1]:
        await database.execute(f"drop table {table}")
    async with http.get("/readyz") as answer:
        told = await answer.json()
    assert (answer.status, told["status"]) == (200, "ready")
    assert re.fullmatch(r"room for events for \d\.\d days only", told["complaints"][0])


async def test_a_draining_server_takes_no_new_connections(http: ClientSession, server: TestServer) -> None:
    assert server.app is not None
    server.app[READINESS].draining = True
    async with http.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (503, {"status": "draining"})
    async with http.get("/v1/ws") as answer:
        assert answer.status == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert await status(http, "/healthz") == 200


async def test_without_its_database_it_is_alive_says_unavailable_and_comes_back(
    own_postgres: EmbeddedPostgres,
) -> None:
    dsn = own_postgres.dsn
    await migrate(dsn)
    gym = await open_gym(dsn, "harbor")
    settings = Settings(database_url=dsn, jwt_secret=SECRET)
    headers = {"Authorization": f"Bearer {gym.coach.token}"}
    async with (
        TestServer(init_app(settings)) as server,
        ClientSession(server.make_url("/")) as http,
        Phone(http, str(server.make_url("")).rstrip("/"), gym.coach.token) as coach,
    ):
        own_postgres.kill()
        sent = message_to(gym.member)
        answer = await coach.ask("message.send", **sent)
        assert answer["error"]["code"] == "unavailable"
        assert (await status(http, "/readyz"), await status(http, "/healthz")) == (503, 200)
        async with http.get("/v1/sync", headers=headers) as refused:
            assert refused.status == 503
            assert (await refused.json())["code"] == "unavailable"
        newcomer = Phone(http, str(server.make_url("")).rstrip("/"), gym.member.token)
        await newcomer.open()
        hello = {"type": "hello", "token": newcomer.token, "device": newcomer.device}
        await newcomer.say(json.dumps(hello))
        assert await newcomer.close_code() == 1013
        await newcomer.leave()

        own_postgres.start()

        while (answer := await coach.ask("message.send", **sent))["type"] == "error":
            assert answer["error"]["code"] == "unavailable"
        assert answer["data"]["id"] == sent["id"]
        assert await status(http, "/readyz") == 200
