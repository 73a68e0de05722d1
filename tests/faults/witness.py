"""A device that keeps what it sees: connections, ids in any frame, counts, and jumps, which it closes with 4003."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import ClientSession

from ..gym import Someone
from ..history import Connection, Count, Heard, History, Jump
from ..phone import Frame, SocketClosed
from ..roaming import Device

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CANARY = re.compile(r"canary-\w+-[0-9a-f]{8}-[0-9a-f]{8}")
JUMPED = 4003


class Witness(Device):
    """`to_read`: messages to its person that it has not marked yet."""

    def __init__(
        self, session: ClientSession, urls: Sequence[str], someone: Someone, history: History, name: str
    ) -> None:
        super().__init__(session, urls, someone, someone, history, name)
        self.to_read: list[str] = []
        self._connection: Connection | None = None

    async def connect(self, **hello: Any) -> Frame:
        self._connection = Connection(self.name, self.url, self._loop.time())
        self._history.connections.append(self._connection)
        welcome = await super().connect(**hello)
        self._connection.live = self._loop.time()
        return welcome

    async def drop(self) -> None:
        """As a phone in a lift: it comes back at the other instance."""
        if self._connection is not None and self.live.is_set():
            self._connection.left = True
            with suppress(AttributeError, AssertionError):  # cut off by somebody else in this very moment
                self.vanish()

    def scan(self, frame: Frame) -> None:
        """Keep every id and every canary word in it."""
        text, now = json.dumps(frame), self._loop.time()
        for id_ in ID.findall(text):
            self.log.seen.setdefault(id_, now)
        for canary in CANARY.findall(text):
            self.log.canaries.setdefault(canary, now)

    def _cut_off(self, code: int | None) -> None:
        super()._cut_off(code)
        assert self._connection is not None
        self._connection.closed, self._connection.code = self._loop.time(), code

    async def read(self) -> list[Frame]:
        try:
            return await super().read()
        except JumpSeen:
            assert self._socket is not None
            assert self._connection is not None
            self._connection.left = True
            await self._socket.close(code=JUMPED)
            raise SocketClosed(JUMPED) from None

    def _apply(self, frame: Frame) -> None:
        now = self._loop.time()
        self.scan(frame)
        if frame["type"] in ("event", "ok") and "position" in frame and "topic" not in frame:
            assert self.position is not None
            if frame["position"] > self.position + 1:
                self._history.jumps.append(
                    Jump(self.name, self.someone.user_id, now, self.position, frame["position"])
                )
                raise JumpSeen
        super()._apply(frame)
        self._keep_what_it_says(frame, now)

    def _begin(self, welcome: Frame) -> None:
        super()._begin(welcome)
        if welcome["memberships"]:  # of an organization that was left nothing is unread
            self._history.counts.append(
                Count(self.someone.user_id, "welcome", welcome["position"], welcome["unread"]["total"])
            )

    def _keep_what_it_says(self, frame: Frame, now: float) -> None:
        match frame["type"]:
            case "notice" if frame["kind"] == "draining":
                assert self._connection is not None
                self._connection.draining = True
            case "signal":
                self._hears(frame["kind"], frame["organizationId"], now)
            case "unread":
                for organization in frame["organizations"]:
                    if organization["count"]:
                        self._hears("unread", organization["organizationId"], now)
            case "event" if frame["kind"] == "message.created":
                data = frame["data"]
                mine = data["recipientMembershipId"] == self.someone.membership_id
                if mine and data["readAt"] is None and data["deletedAt"] is None:
                    self.to_read.append(data["id"])

    def _hears(self, what: str, organization_id: str, now: float) -> None:
        self._history.heard.append(Heard(self.name, self.someone.user_id, now, what, organization_id))


class JumpSeen(Exception):
    """A position that is not the next one."""
