"""A client of the routes, for the tests."""

from typing import Any

from aiohttp import ClientResponse, ClientSession

from ..gym import Someone


async def call(http: ClientSession, who: Someone, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """The status and the data of an answer, or the whole problem; the path goes on from the organization."""
    url = path if path.startswith("/") else f"/v1/organizations/{who.organization_id}/{path}"
    headers = {"Authorization": f"Bearer {who.token}"}
    async with http.request(method, url, headers=headers, **options) as answer:
        return answer.status, await content(answer)


async def get(http: ClientSession, who: Someone, path: str, **query: Any) -> Any:
    """The data of an answer that is one."""
    status, data = await call(http, who, "GET", path, params=query)
    assert status == 200, data
    return data


async def content(answer: ClientResponse) -> Any:
    """What an answer holds, once its outside is as it should be."""
    assert answer.headers["Cache-Control"] == "no-store"
    body = await answer.json()
    if answer.status < 400:
        assert answer.content_type == "application/json"
        assert body.keys() == {"data"}
        return body["data"]
    assert answer.content_type == "application/problem+json"
    assert body["status"] == answer.status
    return body
