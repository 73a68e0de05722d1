"""A device that keeps what it sees: connections, ids in any frame, counts, and jumps, which it closes with 4003."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, ClientSession

from ..gym import Someone
from ..history import Connection, Count, Heard, History, Jump, Watched
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
        self.watching: tuple[str, ...] = ()  # topics, from the next connection on
        self._open: set[str] = set()  # of these, or asked for
        self._connection: Connection | None = None

    async def connect(self, **hello: Any) -> Frame:
        self._connection = Connection(self.name, self.url, self._loop.time())
        self._history.connections.append(self._connection)
        if self.watching:
            hello["topics"] = [self._asked(topic) for topic in self.watching]
            self._open = set(self.watching)
        welcome = await super().connect(**hello)
        self._connection.live = self._loop.time()
        return welcome

    async def hears_topics(self, heads: dict[str, int]) -> None:
        """Wait until it has been told so much of each topic that it watches."""
        while any(self.topics.get(topic, -1) < heads.get(topic, 0) for topic in self.watching):
            self._news.clear()
            await self._news.wait()

    def _asked(self, topic: str) -> Frame:
        """To open it, from where it was."""
        if topic not in self.topics:
            return {"topic": topic}
        return {"topic": topic, "resume": {"epoch": self.epoch, "position": self.topics[topic]}}

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
        topic = frame.get("topic")
        if frame["type"] == "event" and topic in self.topics and frame["position"] > self.topics[topic] + 1:
            raise JumpSeen
        if frame["type"] == "topic.closed":
            self._open.discard(frame["topic"])
        if frame["type"] in ("ok", "error") and frame["ref"] in self.watching:
            if frame["type"] == "ok":
                self._apply_to_topic(frame["data"])
            else:  # the access has ended again meanwhile
                self._open.discard(frame["ref"])
            self._news.set()
            return
        super()._apply(frame)
        self._keep_what_it_says(frame, now)

    def _apply_to_topic(self, frame: Frame) -> None:
        super()._apply_to_topic(frame)
        key = self.name, frame["topic"]
        if frame.get("type") == "event":
            self._history.watched[key].told.append(
                (frame["position"], frame["kind"], frame.get("data", {}).get("id"))
            )
        elif frame["resume"] != "resumed":
            self._history.watched[key] = Watched(frame["position"])

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
            case "event" if frame["kind"] == "membership.changed" and self.watching:
                self._opening = self._loop.create_task(self._open_again())
            case "event" if frame["kind"] == "message.created" and "topic" not in frame:
                data = frame["data"]
                mine = data["recipientMembershipId"] == self.someone.membership_id
                if mine and data["readAt"] is None and data["deletedAt"] is None:
                    self.to_read.append(data["id"])

    async def _open_again(self) -> None:
        """With the membership the topics were closed."""
        with suppress(ClientError):
            for topic in self.watching:
                if topic not in self._open:
                    self._open.add(topic)
                    await self.say({"type": "topic.open", "ref": topic, **self._asked(topic)})

    def _hears(self, what: str, organization_id: str, now: float) -> None:
        self._history.heard.append(Heard(self.name, self.someone.user_id, now, what, organization_id))


class JumpSeen(Exception):
    """A position that is not the next one."""
