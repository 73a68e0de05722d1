"""Pages of other origins: those on the list may call REST, to the others nothing is said."""

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place

ALLOWED = "https://app.gym.test"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, allowed_origins=frozenset({ALLOWED}))


def said(headers: "dict[str, str]") -> dict[str, str]:
    return {
        key: value for key, value in headers.items() if key.startswith("Access-Control-") or key == "Vary"
    }


async def test_a_page_of_an_allowed_origin_may_call(gym: Place, http: ClientSession) -> None:
    path = f"/v1/organizations/{gym.organization_id}/messages"
    async with http.options(path, headers={"Origin": ALLOWED, **PREFLIGHT}) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
        assert said(dict(answer.headers)) == {
            "Access-Control-Allow-Origin": ALLOWED,
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
            "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }
    told = {
        "Access-Control-Allow-Origin": ALLOWED,
        "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
        "Vary": "Origin",
    }
    headers = {"Origin": ALLOWED, "Authorization": f"Bearer {gym.coach.token}"}
    async with http.get("/v1/sync", headers=headers) as answer:
        assert (answer.status, said(dict(answer.headers))) == (200, told)
    for path, status in (("/v1/sync", 401), ("/v1/nothing", 404)):
        async with http.get(path, headers={"Origin": ALLOWED}) as answer:
            assert (answer.status, said(dict(answer.headers))) == (status, told)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.gym.test.evil.test",
        "https://evil.test",
        "http://app.gym.test",
        "https://app.gym.test:8443",
        "https://APP.gym.test",
        "https://app.gym.test/",
        "null",
        "",
        "*",
    ],
)
async def test_to_other_origins_nothing_is_said(gym: Place, http: ClientSession, origin: str) -> None:
    async with http.options("/v1/sync", headers={"Origin": origin, **PREFLIGHT}) as answer:
        assert (answer.status, said(dict(answer.headers))) == (405, {"Vary": "Origin"})
    headers = {"Origin": origin, "Authorization": f"Bearer {gym.coach.token}"}
    async with http.get("/v1/sync", headers=headers) as answer:
        assert (answer.status, said(dict(answer.headers))) == (200, {"Vary": "Origin"})


async def test_what_is_no_rest_is_for_our_own_pages_only(http: ClientSession) -> None:
    for path in ("/", "/healthz", "/readyz"):
        async with http.get(path, headers={"Origin": ALLOWED}) as answer:
            assert said(dict(answer.headers)) == {}
