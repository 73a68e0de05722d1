"""Every answer names its request, failures leave a line that finds it, and no version is given away."""

import asyncio
import json

import pytest
import structlog
from aiohttp import ClientSession
from structlog.testing import capture_logs

from ..gym import Place
from .caller import Caller


async def test_an_error_and_its_line_share_an_id(http: ClientSession, gym: Place) -> None:
    with capture_logs() as lines:
        answer = await http.get(
            f"/v1/organizations/{gym.organization_id}/settings",
            headers={"Authorization": f"Bearer {gym.member.token}"},
        )
        problem = await answer.json()
    line = next(line for line in lines if line["event"] == "request")
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": problem["requestId"],
        "user_id": gym.member.user_id,
        "organization_id": gym.organization_id,
        "method": "GET",
        "route": "/v1/organizations/{org}/settings",
        "status": 403,
        "code": "forbidden",
        "milliseconds": line["milliseconds"],
    }
    assert answer.headers["X-Request-Id"] == problem["requestId"]


async def test_what_went_well_is_told_at_level_debug_only(http: ClientSession, gym: Place) -> None:
    with capture_logs() as lines:
        assert (await Caller(http, gym.coach).get("/v1/sync")).status == 200
    assert [line["log_level"] for line in lines if line["event"] == "request"] == ["debug"]


async def test_what_was_asked_for_in_vain_is_not_quoted(http: ClientSession) -> None:
    with capture_logs() as lines:
        async with http.request("BREW", "/v1/organizations/canary/of?who=canary") as answer:
            assert answer.status in (400, 404, 405)
    assert "canary" not in json.dumps(lines)
    assert "BREW" not in json.dumps(lines)


async def test_no_answer_says_which_versions_run(http: ClientSession, url: str) -> None:
    for path in ("/healthz", "/v1/sync", "/nowhere"):
        async with http.get(path) as answer:
            assert answer.headers["Server"] == "coachwire"
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nHo st: b\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert b"Server: coachwire\r\n" in head


def test_the_text_of_an_error_in_a_library_stays_out(capfd: pytest.CaptureFixture[str]) -> None:
    import logging

    from coachwire.observe import configure

    before = structlog.get_config()
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        configure()
        try:
            raise ValueError("canary")
        except ValueError:
            logging.getLogger("aiohttp.server").exception("canary %s", "canary")
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.configure(**before)
    out = "".join(capfd.readouterr())
    assert "canary" not in out
    line = json.loads(out.splitlines()[-1])
    assert (line["event"], line["library"], line["error"]) == ("library", "aiohttp.server", "ValueError")
