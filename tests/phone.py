"""A client as the contract describes one: literal frames, positions that follow each other, the wait bounded."""

import asyncio
import itertools
import json
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

Frame = dict[str, Any]

TRIES = 6  # of a socket that is refused with 503
BUSY = 0.4  # s between them
PATIENCE = 10.0  # s; a test that waits longer for a frame has failed


class SocketClosed(Exception):
    """The server has closed the socket."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Phone:
    """One socket. `position` follows events, and oks that stand for one; `topics` those of each topic. A jump fails the
    test."""

    def __init__(self, session: ClientSession, url: str, token: str, device: str | None = None) -> None:
        self.token = token
        self.device = device or str(uuid4())
        self.welcome: Frame = {}
        self.epoch: str | None = None
        self.position: int | None = None
        self.topics: dict[str, int] = {}  # what is open, and what was before: a client may resume it
        self.events: list[Frame] = []  # all that were applied, replayed and live, without skipped ranges
        self._session = session
        self._url = url
        self._socket: ClientWebSocketResponse | None = None
        self._early: list[Frame] = []  # came while something else was waited for
        self._refs = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def open(self) -> None:
        """The socket alone, without a hello. While the server says that it has too much to do, clients try again."""
        for tries in itertools.count(1):
            try:
                self._socket = await self._session.ws_connect(
                    f"{self._url}/v1/ws", max_msg_size=0, compress=0
                )
                return
            except WSServerHandshakeError as refused:
                if refused.status != HTTPStatus.SERVICE_UNAVAILABLE or tries == TRIES:
                    raise
            await asyncio.sleep(BUSY)

    async def connect(self, **hello: Any) -> Frame:
        """Say hello, resuming after what was applied before, and read until live. Returns the welcome."""
        await self.open()
        if self.epoch is not None and "resume" not in hello:
            hello["resume"] = {"epoch": self.epoch, "position": self.position}
        hello = {key: value for key, value in hello.items() if value is not None}
        await self.say({"type": "hello", "token": self.token, "device": self.device, **hello})
        self.welcome = await self.next("welcome")
        self.epoch = self.welcome["epoch"]
        if self.welcome["resume"] != "resumed":
            self.position = self.welcome["position"]
        live = await self.next("live")
        assert live["position"] == self.position
        return self.welcome

    async def leave(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def vanish(self) -> None:
        """The network is gone: no closing handshake."""
        assert self._socket is not None
        transport = self._socket._response.connection.transport  # type: ignore[union-attr] # no public way to cut it
        assert transport is not None
        transport.abort()

    async def say(self, frame: Frame | list[Frame] | str | bytes) -> None:
        """Send a frame; bytes are sent as a binary one."""
        assert self._socket is not None
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def ask(self, kind: str, **fields: Any) -> Frame:
        """Make a request and wait for its answer, `ok` or `error`."""
        ref = next(self._refs)
        await self.say({"type": kind, "ref": ref, **fields})
        return await self.answer(ref)

    async def answer(self, ref: int | str | None) -> Frame:
        return await self.match(lambda frame: frame["type"] in ("ok", "error") and frame["ref"] == ref)

    async def next(self, kind: str) -> Frame:
        """The next frame of this type."""
        return await self.match(lambda frame: frame["type"] == kind)

    async def open_topic(self, topic: str) -> Frame:
        """Open it, going on from where it was, if it was; the answer's data."""
        known = self.topics.get(topic)
        resume = {} if known is None else {"resume": {"epoch": self.epoch, "position": known}}
        answer = await self.ask("topic.open", topic=topic, **resume)
        assert answer["type"] == "ok", answer
        data: Frame = answer["data"]
        return data

    async def in_topic(self, topic: str, kind: str) -> Frame:
        """The next event of this kind with this topic."""
        return await self.match(lambda frame: frame.get("topic") == topic and frame.get("kind") == kind)

    async def event(self, kind: str) -> Frame:
        """The next event of this kind in the user's own stream."""
        return await self.match(
            lambda frame: frame["type"] == "event" and frame["kind"] == kind and "topic" not in frame
        )

    async def match(self, wanted: Any) -> Frame:
        """The next frame that fits; others stay for later."""
        for place, frame in enumerate(self._early):
            if wanted(frame):
                return self._early.pop(place)
        async with asyncio.timeout(PATIENCE):
            while True:
                for frame in await self.read():
                    self._early.append(frame)
                for place, frame in enumerate(self._early):
                    if wanted(frame):
                        return self._early.pop(place)

    async def reach(self, position: int) -> None:
        """Read until this position was told; the frames stay for later."""
        async with asyncio.timeout(PATIENCE):
            while self.position is None or self.position < position:
                self._early += await self.read()

    async def reach_in(self, topic: str, position: int) -> None:
        """Read until this position of the topic was told; the frames stay for later."""
        async with asyncio.timeout(PATIENCE):
            while self.topics[topic] < position:
                self._early += await self.read()

    async def read(self) -> list[Frame]:
        """The frames of the next message, applied. Raises `SocketClosed`."""
        assert self._socket is not None
        message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise SocketClosed(self._socket.close_code)
        value = json.loads(message.data)
        frames: list[Frame] = value if isinstance(value, list) else [value]
        for frame in frames:
            self._apply(frame)
        return frames

    async def close_code(self) -> int | None:
        """Read until the server closes; why it did."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self.read()
            except SocketClosed as closed:
                return closed.code

    async def drained(self) -> list[Frame]:
        """Everything that came before the answer to a ping: what the server had to say until now."""
        ref = f"drain-{next(self._refs)}"
        await self.say({"type": "ping", "ref": ref})
        await self.match(lambda frame: frame["type"] == "pong" and frame.get("ref") == ref)
        early, self._early = self._early, []
        return early

    def _apply(self, frame: Frame) -> None:
        if frame["type"] not in ("event", "ok", "topic.opened"):
            return
        state = frame["data"] if frame["type"] == "ok" else frame
        if "topic" in state:
            self._apply_to_topic(state)
        if "position" not in frame or "topic" in frame:
            return
        assert self.position is not None, "an event before the welcome"
        assert frame["position"] == self.position + 1, f"{frame['position']} after {self.position}"
        self.position = frame.get("through", frame["position"])
        if frame.get("kind") != "skipped":
            self.events.append(frame)

    def _apply_to_topic(self, frame: Frame) -> None:
        topic: str = frame["topic"]
        position: int = frame["position"]
        if frame.get("type") == "event":
            before = self.topics[topic]
            assert position == before + 1, f"{position} after {before} in {topic}"
            self.topics[topic] = frame.get("through", position)
        elif frame["resume"] != "resumed":
            self.topics[topic] = position
