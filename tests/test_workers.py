"""Two workers on one port: traffic goes across, the dead are replaced, the end is orderly, and they count as one."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from .gym import SECRET, Place, message_to, open_gym
from .instances import Instance, instances
from .phone import Phone
from .test_measures import measures, until


@pytest.fixture
async def gym(database_url: str) -> Place:
    return await open_gym(database_url, "harbor")


@pytest.fixture
async def server(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Instance]:
    """A parent with two workers."""
    async with instances(
        1,
        database_url,
        redis_url,
        COACHWIRE_WORKERS="2",
        COACHWIRE_METRICS_PORT="127.0.0.1:0",
        TMPDIR=str(tmp_path),  # killed, it leaves something behind
    ) as (server,):
        yield server


def workers_of(parent: int) -> set[int]:
    """Process ids of its children."""
    return set(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))


def alive(pid: int) -> bool:
    """Whether it runs: what has ended and is not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def opened(server: Instance) -> set[object]:
    """The workers that have opened sockets."""
    return {line["worker"] for line in server.lines() if line["event"] == "socket_opened"}


async def spread(stack: AsyncExitStack, http: ClientSession, server: Instance, gym: Place) -> list[Phone]:
    """Phones of the coach and the member, until both workers have some."""
    phones: list[Phone] = []
    async with asyncio.timeout(30):
        while len(opened(server)) < 2 or len(phones) < 8:
            who = (gym.coach, gym.member)[len(phones) % 2]
            phones.append(await stack.enter_async_context(Phone(http, server.url, who.token)))
            if len(phones) % 20 == 0:
                for phone in phones[:16]:
                    await phone.leave()
                del phones[:16]
    return phones


async def test_traffic_goes_across_and_is_measured_as_one(server: Instance, gym: Place) -> None:
    async with ClientSession() as http, AsyncExitStack() as stack:
        phones = await spread(stack, http, server, gym)
        coach, member = phones[-2:] if len(phones) % 2 == 0 else phones[-3:-1]
        for phone in (coach, member):
            other = gym.member if phone is coach else gym.coach
            assert (await phone.ask("message.send", **message_to(other)))["type"] == "ok"
        for phone in phones:
            await phone.reach(2)
        found = await until(http, server, "coachwire_connections", len(phones))
        assert found["coachwire_connections"] == len(phones)
        assert found['coachwire_operations_total{code="ok",operation="send_messages"}'] == 2


async def test_a_worker_that_is_killed_is_replaced_and_no_message_is_lost(
    server: Instance, gym: Place
) -> None:
    before = workers_of(server.pid)
    assert len(before) == 2
    async with ClientSession() as http, AsyncExitStack() as stack:
        phones = await spread(stack, http, server, gym)
        assert (await phones[0].ask("message.send", **message_to(gym.member)))["type"] == "ok"
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await server.says("worker_died", code=-signal.SIGKILL)
        for phone in phones[:2]:  # on whichever worker there is
            await phone.leave()
            async with asyncio.timeout(10):
                while True:
                    try:
                        await phone.connect()
                        break
                    except ClientConnectionError:
                        continue
        assert (await phones[1].ask("message.send", **message_to(gym.coach)))["type"] == "ok"
        await phones[0].reach(2)
        async with asyncio.timeout(20):
            while len(after := workers_of(server.pid)) < 2:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert victim not in after
        found = await until(http, server, "coachwire_connections", 2)
        assert found['coachwire_operations_total{code="ok",operation="send_messages"}'] == 2


async def test_the_end_is_a_drain_of_all_and_0(server: Instance, gym: Place) -> None:
    children = workers_of(server.pid)
    async with ClientSession() as http, AsyncExitStack() as stack:
        phones = await spread(stack, http, server, gym)
        assert (await measures(http, server))["coachwire_pool_wait_seconds_count"] > 0
        server.terminate()
        assert {await phone.close_code() for phone in phones} == {4000}
        assert await server.exit_code() == 0
    assert not any(alive(child) for child in children)


async def test_workers_do_not_outlive_a_parent_that_is_killed(server: Instance) -> None:
    children = workers_of(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    assert await server.exit_code() == -signal.SIGKILL
    async with asyncio.timeout(10):
        while any(alive(child) for child in children):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)


def serve(**environment: str) -> tuple[int, str]:
    """Exit code, and what it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "coachwire", "serve"],
        env={"COACHWIRE_JWT_SECRET": SECRET, "COACHWIRE_METRICS_PORT": "off", "COACHWIRE_WORKERS": "2"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_more_than_one_needs_a_redis_to_meet_at(database_url: str) -> None:
    assert serve(DATABASE_URL=database_url) == (
        2,
        "coachwire: REDIS_URL is not set: with more than one of COACHWIRE_WORKERS they meet there\n",
    )


def test_what_keeps_one_worker_from_starting_is_told_once(empty_database_url: str, redis_url: str) -> None:
    code, said = serve(DATABASE_URL=empty_database_url, REDIS_URL=redis_url, COACHWIRE_PORT="0")
    assert code == 1
    assert said.count("\n") == 1
    assert "run `coachwire migrate`" in said


def test_a_port_that_somebody_has_is_not_shared_with_them(database_url: str, redis_url: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serve(DATABASE_URL=database_url, REDIS_URL=redis_url, COACHWIRE_PORT=str(port))
    assert code == 1
    assert "Address already in use" in said


@pytest.mark.parametrize("text", ["0", "-1", "65", "two", "1.5"])
def test_a_number_of_workers_is_a_number(text: str) -> None:
    code, said = serve(COACHWIRE_WORKERS=text)
    assert (code, said) == (
        2,
        f"coachwire: COACHWIRE_WORKERS: expected a number of processes from 1 to 64, got {text!r}\n",
    )
