"""What Prometheus reads, from a run of two servers; and the port where it does."""

import asyncio
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import coachwire.measures  # noqa: F401 - declares them
import pytest
from aiohttp import ClientSession
from prometheus_client import REGISTRY

from .gym import SECRET, message_to, open_gym
from .instances import Instance, instances
from .phone import Phone

Measures = dict[str, float]

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def read(text: str) -> Measures:
    """Samples by name and labels, as they stand in the text."""
    rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


async def measures(http: ClientSession, server: Instance) -> Measures:
    address = next(line["address"] for line in server.lines() if line["event"] == "metrics")
    async with http.get(str(address)) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        text = await answer.text()
    assert not IDS.search(text), "an id among the labels"
    return read(text)


async def until(http: ClientSession, server: Instance, name: str, least: float) -> Measures:
    """The measures as soon as this one is there; what is sampled comes every two seconds."""
    async with asyncio.timeout(10):
        while True:
            found = await measures(http, server)
            if found.get(name, 0) >= least:
                return found
            await asyncio.sleep(0.1)


async def test_what_happens_on_two_servers_is_counted_where_it_happens(
    database_url: str, redis_url: str
) -> None:
    gym = await open_gym(database_url, "harbor")
    async with (
        instances(2, database_url, redis_url, COACHWIRE_METRICS_PORT="127.0.0.1:0") as servers,
        ClientSession() as http,
        Phone(http, servers[0].url, gym.coach.token) as coach,
        Phone(http, servers[1].url, gym.member.token) as member,
    ):
        first, second = servers
        for _ in range(3):
            assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"
        refused = {**message_to(gym.member), "to": {"membershipId": gym.organization_id}}
        assert (await coach.ask("message.send", **refused))["type"] == "error"
        await member.reach(3)
        stranger = Phone(http, first.url, "not a token")
        await stranger.open()
        await stranger.say({"type": "hello", "token": "not a token", "device": stranger.device})
        assert await stranger.close_code() == 4500
        async with http.get(f"{first.url}/v1/sync") as answer:
            assert answer.status == 401

        here = await until(http, first, "coachwire_deliveries_total", 3)
        there = await until(http, second, "coachwire_deliveries_total", 3)

    assert here["coachwire_connections"] == there["coachwire_connections"] == 1
    assert here['coachwire_operations_total{code="ok",operation="send_messages"}'] == 3
    assert here['coachwire_operation_seconds_count{operation="send_messages"}'] >= 3
    assert here['coachwire_operation_calls_sum{operation="send_messages"}'] >= 4
    assert sum(n for name, n in here.items() if name.startswith("coachwire_refusals_total")) == 2
    assert here['coachwire_refusals_total{code="unauthenticated",door="rest"}'] == 1
    assert here['coachwire_closes_total{code="4500"}'] == 1
    assert here['coachwire_welcomes_total{outcome="fresh"}'] == 1
    assert here['coachwire_bus_messages_total{outcome="published"}'] >= 3
    assert there['coachwire_bus_messages_total{outcome="received"}'] >= 3
    assert 0 <= here["coachwire_canary_age_seconds"] < 3
    assert here["coachwire_pool_wait_seconds_count"] > 0
    assert here["coachwire_heads_compared_total"] >= 0
    assert here["coachwire_pending_rows"] == 0
    assert here["coachwire_outbox_due_rows"] == here["coachwire_outbox_dead_rows"] == 0
    assert here["coachwire_outbox_age_seconds"] == 0
    assert here["coachwire_search_pending_rows"] >= 0
    assert here["coachwire_partitions_ahead_seconds"] > 27 * 86_400


def test_a_port_that_was_asked_for_and_is_taken_is_one_line(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "coachwire", "serve"],
            env={
                "DATABASE_URL": database_url,
                "COACHWIRE_JWT_SECRET": SECRET,
                "COACHWIRE_PORT": "0",
                "COACHWIRE_METRICS_PORT": str(port),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"coachwire: COACHWIRE_METRICS_PORT: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


async def test_where_the_standard_port_is_taken_a_server_starts_without(database_url: str) -> None:
    with socket.socket() as taken:
        with suppress(OSError):  # then somebody else has it, which does as well
            taken.bind(("127.0.0.1", 9090))
            taken.listen()
        async with instances(1, database_url, COACHWIRE_METRICS_PORT="") as (server,):
            assert [line["address"] for line in server.lines() if line["event"] == "metrics_off"] == [
                "127.0.0.1:9090"
            ]


def test_the_manual_has_a_line_for_every_measure() -> None:
    manual = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()
    measures = re.search(r"^## Measures\n(.*?)(?=^## |\Z)", manual, re.MULTILINE | re.DOTALL)
    assert measures is not None
    told = set(re.findall(r"^\| `(coachwire_\w+)", measures[1], re.MULTILINE))
    there = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in REGISTRY.collect()
        if metric.name.startswith("coachwire_")
    }
    assert told == there


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9100", "127.0.0.1:9100"),
        ("0.0.0.0:9100", "0.0.0.0:9100"),
        ("[::1]:9100", "[::1]:9100"),
        ("off", "None"),
        ("", "127.0.0.1:9090"),
    ],
)
def test_the_port_is_a_port_an_address_or_off(text: str, expected: str) -> None:
    from coachwire.settings import Settings

    assert str(Settings.from_environment({"COACHWIRE_METRICS_PORT": text}).metrics) == expected


@pytest.mark.parametrize("text", ["nowhere", "127.0.0.1", "host:70000", "9090/tcp"])
def test_another_port_is_a_wrong_setting(text: str) -> None:
    from coachwire.settings import Settings, SettingsError

    with pytest.raises(SettingsError, match="COACHWIRE_METRICS_PORT: expected a port"):
        Settings.from_environment({"COACHWIRE_METRICS_PORT": text})
