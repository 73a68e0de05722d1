"""Errors over the routes: problems of RFC 9457, each whole, nothing internal in any."""

import json
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place
from .platform import Tables, delete_user, stored
from .routes import call, content

TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


@pytest.fixture
def messages(gym: Place) -> str:
    return f"/v1/organizations/{gym.organization_id}/messages"


def is_whole(problem: dict[str, Any], status: int, code: str, **more: Any) -> bool:
    """Whether it is exactly this problem; its own id is a UUID."""
    expected = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": problem["detail"],
        "code": code,
        "requestId": str(UUID(problem["requestId"])),
        **more,
    }
    assert problem == expected
    assert problem["detail"].endswith(".")
    return True


async def test_problems_are_whole(gym: Place, other_gym: Place, http: ClientSession) -> None:
    status, problem = await call(http, gym.coach, "POST", "messages", json={"id": "x"})
    assert status == 400
    uuid = "Expected a UUID in lower case"
    assert is_whole(
        problem,
        400,
        "bad_request",
        errors=[
            {"field": "id", "message": f"{uuid}, got text of 1 character."},
            {"field": "to", "message": "Expected an object, got nothing."},
            {"field": "content", "message": "Expected content that is not blank, or attachments."},
        ],
    )
    status, problem = await call(http, gym.coach, "GET", f"messages/{uuid4()}")
    assert is_whole(problem, 404, "not_found")
    url = f"/v1/organizations/{other_gym.organization_id}/conversations"
    status, problem = await call(http, gym.coach, "GET", url)
    assert is_whole(problem, 403, "forbidden")


async def test_each_problem_has_an_id_of_its_own(gym: Place, http: ClientSession) -> None:
    ids = {(await call(http, gym.coach, "GET", "messages/x"))[1]["requestId"] for _ in range(3)}
    assert len(ids) == 3


async def test_without_a_good_token_one_is_nobody(
    gym: Place, http: ClientSession, database: Tables, messages: str
) -> None:
    await delete_user(database, gym.member)
    good = gym.coach.token
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {good}",
        good,
        f"Bearer {good}x",
        f"Bearer {gym.coach.token_with(exp=int(time.time()) - 60)}",
        f"Bearer {gym.coach.token_with(sub=str(uuid4()))}",
        f"Bearer {gym.member.token}",
    ):
        headers = {} if header is None else {"Authorization": header}
        async with http.post(messages, headers=headers, json={}) as answer:
            problem = await content(answer)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert is_whole(problem, 401, "unauthenticated"), header
    async with http.get("/v1/sync", params={"token": good}) as answer:
        assert answer.status == 401
    async with http.get("/v1/sync", headers={"Authorization": f"bearer {good}"}) as answer:
        assert answer.status == 200


async def test_a_body_that_is_no_object_is_a_bad_request(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    for body in (b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff", b"[" * 20_000, b'{"a":NaN}'):
        status, problem = await call(http, gym.coach, "POST", "messages", data=body)
        assert (status, problem["code"]) == (400, "bad_request"), body[:20]
    assert await stored(database) == 0


async def test_a_body_over_one_megabyte_is_too_large(gym: Place, http: ClientSession) -> None:
    def body(size: int) -> bytes:
        start = json.dumps({"to": {"membershipId": gym.member.membership_id}, "content": "x", "pad": ""})
        return start.replace('""', f'"{"x" * (size - len(start))}"').encode()

    assert (await call(http, gym.coach, "POST", "messages", data=body(1_000_000)))[0] == 201
    status, problem = await call(http, gym.coach, "POST", "messages", data=body(1_000_001))
    assert (status, problem["code"], problem["title"]) == (413, "too_large", "Request Entity Too Large")


async def test_ids_in_a_path_must_be_ids(gym: Place, http: ClientSession) -> None:
    for path, field in (
        ("messages/x", "id"),
        (f"messages/{gym.coach.user_id.upper()}", "id"),
        ("messages/%00", "id"),
        ("conversations/x", "membershipId"),
        ("/v1/organizations/x/conversations", "organizationId"),
        (f"/v1/organizations/{gym.organization_id}%0a/conversations", "organizationId"),
        ("/v1/sync?organizationId=x", "organizationId"),
    ):
        status, problem = await call(http, gym.coach, "GET", path)
        assert (status, problem["code"]) == (400, "bad_request"), path
        assert [error["field"] for error in problem["errors"]] == [field], path


async def test_limits_and_cursors_must_be_sound(gym: Place, http: ClientSession) -> None:
    for path in ("conversations", f"conversations/{gym.member.membership_id}"):
        for query in (
            {"limit": "0"},
            {"limit": "101"},
            {"limit": "-1"},
            {"limit": "ten"},
            {"limit": "1.5"},
            {"limit": "9" * 30},
            {"cursor": "x"},
            {"cursor": "A" * 32 + "=="},
            {"cursor": "A" * 65},
            {"cursor": "é" * 32},
            {"cursor": "-" * 31},
            {"cursor": ""},
        ):
            status, problem = await call(http, gym.coach, "GET", path, params=query)
            assert (status, problem["code"]) == (400, "bad_request"), (path, query)
            assert [error["field"] for error in problem["errors"]] == list(query), (path, query)
        for limit in ("1", "100"):
            assert (await call(http, gym.coach, "GET", path, params={"limit": limit}))[0] == 200


async def test_an_unknown_route_is_not_found(gym: Place, http: ClientSession) -> None:
    for path in ("/v1/nothing", "/nothing", "/v1/organizations", "messages/"):
        _, problem = await call(http, gym.coach, "GET", path)
        assert is_whole(problem, 404, "not_found"), path


async def test_a_method_that_a_route_has_not_is_named_so(gym: Place, http: ClientSession) -> None:
    headers = {"Authorization": f"Bearer {gym.coach.token}"}
    async with http.delete("/v1/sync", headers=headers) as answer:
        problem = await content(answer)
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD"
    assert (problem["code"], problem["title"]) == ("bad_request", "Method Not Allowed")


async def test_what_nobody_foresaw_is_internal_and_tells_nothing(
    gym: Place, http: ClientSession, database: Tables, log: list[MutableMapping[str, Any]]
) -> None:
    await database.execute("alter table conversations rename to elsewhere")
    status, problem = await call(http, gym.coach, "GET", "conversations")
    await database.execute("alter table elsewhere rename to conversations")
    assert status == 500
    assert problem == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong on the server.",
        "code": "internal",
        "requestId": problem["requestId"],
    }
    failed = next(line for line in log if line["event"] == "operation_failed")
    log.remove(failed)
    assert failed == {
        "event": "operation_failed",
        "log_level": "error",
        "operation": "list_conversations",
        "error": "UndefinedTableError",
        "code": "42P01",
        "place": failed["place"],
    }
    assert failed["place"].startswith("coachwire.")
