"""What stands in an address: no text in a query brings down what answers it, or shows anything but its own refusal."""

import pytest
from aiohttp import ClientSession
from yarl import URL

from ..gym import Place

TEXTS = [
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF%FE",
    "%F4%90%80%80",
    "'%20or%20true%20--",
    "%25s%7B0%7D",
    "%E2%80%AE",
    "a" * 3000,
]
PARAMETERS = [
    ("/v1/metric-definitions", "lang"),
    ("/v1/sync", "organizationId"),
    ("/v1/events", "epoch"),
    ("members", "search"),
    ("messages/search", "q"),
    ("messages/search", "cursor"),
    ("conversations", "cursor"),
    ("workout-threads", "unread"),
    ("workout-assignments", "memberId"),
    ("workout-assignments", "from"),
    ("audit", "cursor"),
    ("metric-sets", "workoutId"),
    ("metric-sets", "cursor"),
    ("/v1/me/metric-grants", "cursor"),
]


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
async def test_no_text_in_a_query_fails_or_is_told_back(
    gym: Place, http: ClientSession, path: str, name: str
) -> None:
    base = path if path.startswith("/") else f"/v1/organizations/{gym.organization_id}/{path}"
    for text in TEXTS:
        url = URL(f"{base}?{name}={text}&position=0", encoded=True)
        async with http.get(url, headers={"Authorization": f"Bearer {gym.owner.token}"}) as answer:
            body = await answer.text()
            assert answer.status in (200, 400, 404), (text, body)
            assert text == "%00" or text not in body


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "path",
    [
        "messages/{}",
        "uploads/{}",
        "attachments/{}/url",
        "workouts/{}",
        "metric-sets/{}",
        "members/{}/metrics",
        "workout-assignments/{}/comments",
    ],
)
async def test_no_text_in_a_path_fails(gym: Place, http: ClientSession, path: str, text: str) -> None:
    url = URL(f"/v1/organizations/{gym.organization_id}/{path.format(text)}", encoded=True)
    async with http.get(url, headers={"Authorization": f"Bearer {gym.owner.token}"}) as answer:
        assert answer.status in (400, 404), await answer.text()


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "%2e%2e/.secret",
        ".secret",
        ".parts/",
        "/etc/passwd",
        "messages%2f..%2f.secret?expires=1&signature=",
        "a%00b?expires=99999999999&signature=" + "0" * 64,
        "a?expires=%C2%B2&signature=%C3%A9",
        "a?expires=9&expires=8&signature=1",
        "a" * 5000,
    ],
)
async def test_no_path_leads_to_a_file_without_a_link(http: ClientSession, path: str) -> None:
    url = URL(f"/v1/blobs/{path}", encoded=True)
    async with http.get(url) as answer:
        assert answer.status in (403, 404)
    async with http.put(
        url, data=b"x", headers={"If-None-Match": "*", "Content-Type": "text/html"}
    ) as answer:
        assert answer.status in (403, 404)
