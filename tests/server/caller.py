"""A client of REST: literal paths, bodies and answers."""

from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from ..gym import Someone


@dataclass(frozen=True)
class Answer:
    """`data` of a success; a problem is its `body`."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def data(self) -> Any:
        assert self.status < 300, self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        """The refusal's, which says the same as its status."""
        assert self.body["status"] == self.status
        assert self.headers["Content-Type"].startswith("application/problem+json")
        return str(self.body["code"])


class Caller:
    """Calls as somebody; a path that does not begin with a slash is below the person's organization."""

    def __init__(self, http: ClientSession, who: Someone, token: str | None = None) -> None:
        self._http = http
        self._organization_id = who.organization_id
        self._headers = {"Authorization": f"Bearer {token or who.token}"}

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: Any) -> Answer:
        return await self.call("POST", path, body)

    async def put(self, path: str, body: Any = None) -> Answer:
        return await self.call("PUT", path, body)

    async def patch(self, path: str, body: Any) -> Answer:
        return await self.call("PATCH", path, body)

    async def delete(self, path: str) -> Answer:
        return await self.call("DELETE", path)

    async def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Answer:
        whole = path if path.startswith("/") else f"/v1/organizations/{self._organization_id}/{path}"
        async with self._http.request(
            method, whole, json=body, params=query, headers=self._headers
        ) as response:
            return Answer(response.status, await response.json(), dict(response.headers))
