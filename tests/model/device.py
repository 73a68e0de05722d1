"""A phone that keeps what it is told: upserts by id, drops all when its membership ends, loads anew when asked to."""

import asyncio
from typing import Any

from aiohttp import ClientSession, WSServerHandshakeError

from ..gym import Someone
from ..phone import Frame, Phone
from ..server.caller import Caller
from .expected import Expected, Shown, Told

PAGE = 3
SOON = 10.0  # s


class PatientPhone(Phone):
    """Sent away, it comes back: the loop stands still between two steps, which the server takes for overload."""

    async def open(self) -> None:
        async with asyncio.timeout(SOON):
            while True:
                try:
                    return await super().open()
                except WSServerHandshakeError as refused:
                    if refused.status != 503:
                        raise
                    await asyncio.sleep(0.1)


class Device(PatientPhone):
    """`partner`: the membership at the other end."""

    def __init__(self, http: ClientSession, url: str, person: str, who: Someone, partner: str) -> None:
        super().__init__(http, url, who.token)
        self.person = person
        self.rest = Caller(http, who)
        self.online = False
        self.held: dict[str, Shown] = {}
        self.told: list[Frame] = []  # not yet applied, with skipped ranges and oks that stand for events
        self._who = who
        self.partner = partner

    def _apply(self, frame: Frame) -> None:
        super()._apply(frame)
        if frame["type"] in ("event", "ok") and "position" in frame:
            self.told.append(frame)

    async def catch_up(self, expected: Expected) -> None:
        """Apply everything until the head."""
        head = expected.head(self.person)
        await self.reach(head)
        assert self.position == head, f"told {self.position} of {head}"
        await self.apply(expected)

    async def apply(self, expected: Expected) -> None:
        """Apply what has come, each frame being the one that is due at its position."""
        stream, active = expected.streams[self.person], expected.active[self.person]
        reload = False
        frames, self.told = self.told, []
        for frame in frames:
            first: int = frame["position"]
            for position in range(first, frame.get("through", first) + 1):
                reload = self._take(frame, stream[position - 1], active) or reload
        if reload:
            await self.load(expected)

    async def load(self, expected: Expected) -> None:
        """What a client does after a fresh start, or when it is told to."""
        self.held = {}
        if expected.active[self.person]:
            for item in await self.history():
                self.held[item["id"]] = _shown(item)

    async def history(self) -> list[dict[str, Any]]:
        """All pages of the conversation."""
        items: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": PAGE}
        while True:
            page = (await self.rest.get(f"conversations/{self.partner}", **query)).data
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            query["cursor"] = page["nextCursor"]

    def _take(self, frame: Frame, due: Told, active: bool) -> bool:
        """Whether to load anew."""
        if frame["type"] == "ok":
            self._take_own(due)
            return False
        kind = frame["kind"]
        if due.kind == "membership":
            assert kind == ("membership.changed" if active else "membership.ended"), frame
            if active:
                assert (frame["data"]["status"], frame["data"]["reload"]) == ("active", True)
            else:
                self.held = {}
            return active
        if not active:
            assert kind == "skipped", f"told to who is suspended: {frame}"
            return False
        assert kind == due.kind, f"{frame} instead of {due}"
        assert frame["organizationId"] == self._who.organization_id
        data = frame["data"]
        if kind == "message.read":
            assert (tuple(sorted(data["messageIds"])), data["readAt"]) == (due.ids, due.at)
            self._mark(due)
        elif kind == "message.deleted":
            assert ((data["id"],), data["deletedAt"]) == (due.ids, due.at)
            self.held.pop(data["id"], None)
        elif data["deletedAt"] is not None:
            assert (data["id"],) == due.ids
            assert data["content"] is None
            self.held.pop(data["id"], None)
        else:
            assert (data["id"],) == due.ids
            self.held[data["id"]] = _shown(data)
        return False

    def _take_own(self, due: Told) -> None:
        if due.kind == "message.read":
            self._mark(due)
        elif due.kind == "message.deleted":
            self.held.pop(due.ids[0], None)
        else:
            assert due.shown is not None
            self.held[due.ids[0]] = due.shown

    def _mark(self, due: Told) -> None:
        for id_ in due.ids:
            if id_ in self.held:
                self.held[id_] = self.held[id_]._replace(read_at=due.at)


def _shown(message: dict[str, Any]) -> Shown:
    return Shown(message["content"], message["readAt"], message["editedAt"])
