"""A device as a good client keeps it: connected to whichever instance answers, asking until it is answered.

What it is told and answered goes into a `History`."""

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from .gym import Someone
from .history import Answer, DeviceLog, History, Sending, Told
from .phone import Frame, Phone, SocketClosed

PAUSE = 0.1  # s before it connects again, or asks again
AGAIN = {"unavailable", "overloaded"}  # the same request may be sent again
KINDS = {
    "message.send": "message.created",
    "message.read": "message.read",
    "message.delete": "message.deleted",
}

_connections = itertools.count(1)


class Ask:
    """A request until its last answer."""

    def __init__(self, frame: Frame, sending: Sending | None) -> None:
        self.frame = frame
        self.sending = sending
        self.asked = 0.0
        self.turn = ("", 0)
        self.answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()


class Device(Phone):
    """Begins at the first of `urls` and goes to the next whenever it is cut off. `closed` tells with which codes."""

    def __init__(
        self,
        session: ClientSession,
        urls: Sequence[str],
        someone: Someone,
        other: Someone,
        history: History,
        name: str,
    ) -> None:
        super().__init__(session, urls[0], someone.token)
        self.someone = someone
        self.other = other  # whom it writes to
        self.name = name
        self.log = DeviceLog(name, someone.user_id, 0)
        self.closed: list[int | None] = []
        self.live = asyncio.Event()
        self._urls = itertools.cycle(urls)
        self._history = history
        self._loop = asyncio.get_running_loop()
        self._asks: dict[int | str, Ask] = {}
        self._news = asyncio.Event()
        self._turn = ("", 0)
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        await self.live.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self.leave()
        if not self._keeping.cancelled():
            self._keeping.result()  # what broke it

    @property
    def url(self) -> str:
        """Of the instance where it is, or tries to be."""
        return self._url

    @property
    def unanswered(self) -> int:
        """Requests that wait for their last answer."""
        return len(self._asks)

    async def send(
        self, content: str, id_: str, to: Someone | None = None, thread: str | None = None
    ) -> Frame:
        """Until it is answered for good, over as many connections as it takes. `thread`: under this workout of
        theirs."""
        to = to or self.other
        sending = Sending(id_, self.someone.user_id, to.user_id, content)
        self._history.sendings.append(sending)
        party = {"membershipId": to.membership_id} if thread is None else {"workoutAssignmentId": thread}
        fields = {"id": id_, "to": party, "content": content}
        return await self._insist("message.send", sending, **fields)

    async def mark_read(self, ids: list[str]) -> Frame:
        answer = await self._insist("message.read", messageIds=ids)
        if answer["type"] == "ok":
            self._history.read.update(ids)
        return answer

    async def delete(self, id_: str) -> Frame:
        answer = await self._insist("message.delete", id=id_)
        if answer["type"] == "ok":
            self._history.deleted.add(id_)
        return answer

    async def hears(self, position: int, unread: int) -> None:
        """Wait until it has been told so much, and this count."""
        while self.log.position < position or self.log.unread != unread or not self.live.is_set():
            self._news.clear()
            await self._news.wait()

    async def hears_of(self, id_: str) -> None:
        """Wait until it has been told of this message."""
        while not any(
            told.kind == "message.created" and id_ in (told.ids or ()) for told in self.log.told[-50:]
        ):
            self._news.clear()
            await self._news.wait()

    async def came_back(self) -> None:
        """Wait until it was cut off and is live again."""
        while not self.closed or not self.live.is_set():
            self._news.clear()
            await self._news.wait()

    async def _insist(self, kind: str, sending: Sending | None = None, **fields: Any) -> Frame:
        ref = next(self._refs)
        fields["organizationId"] = self.someone.organization_id
        ask = self._asks[ref] = Ask({"type": kind, "ref": ref, **fields}, sending)
        if self.live.is_set():
            await self._put(ask)
        try:
            return await ask.answer
        finally:
            del self._asks[ref]

    async def _put(self, ask: Ask) -> None:
        self._turn = (self._turn[0], self._turn[1] + 1)
        ask.asked, ask.turn = self._loop.time(), self._turn
        if ask.sending is not None:
            ask.sending.asked += 1
        with suppress(ClientError):  # cut off: it is asked again when connected
            await self.say(ask.frame)

    async def _keep(self) -> None:
        """Stay connected, for ever."""
        while True:
            self._url = next(self._urls)
            try:
                await self.connect()
                self._early.clear()
                self._turn = (f"{self.name}-{next(_connections)}", 0)
                self.live.set()
                self._news.set()
                for ask in list(self._asks.values()):
                    await self._put(ask)
                while True:
                    await self.read()
            except (SocketClosed, ClientError, OSError) as error:
                self._cut_off(error.code if isinstance(error, SocketClosed) else None)
            self.live.clear()
            self._news.set()
            await asyncio.sleep(PAUSE)

    def _cut_off(self, code: int | None) -> None:
        self.closed.append(code)

    def _apply(self, frame: Frame) -> None:
        match frame["type"]:
            case "welcome":
                self._begin(frame)
            case "event" if "topic" not in frame:
                self.log.told.append(_told(frame)._replace(at=self._loop.time()))
            case "ok":
                ask = self._asks[frame["ref"]]
                if "position" in frame:
                    told = _told_by_ok(frame, ask.frame["type"])
                    self.log.told.append(told._replace(at=self._loop.time()))
                self._answered(ask, frame)
            case "error":
                self._answered(self._asks[frame["ref"]], frame)
            case "unread":
                self.log.unread = frame["total"]
        super()._apply(frame)
        self._news.set()

    def _begin(self, welcome: Frame) -> None:
        if welcome["resume"] != "resumed":
            self.log.ended = True
            self.log = DeviceLog(self.name, self.someone.user_id, welcome["position"])
            self._history.devices.append(self.log)
        self.log.unread = welcome["unread"]["total"]

    def _answered(self, ask: Ask, frame: Frame) -> None:
        now = self._loop.time()
        code = "ok" if frame["type"] == "ok" else frame["error"]["code"]
        if ask.sending is not None:
            data = frame.get("data", {})
            ask.sending.answers.append(
                Answer(
                    code,
                    now,
                    now - ask.asked,
                    data.get("createdAt"),
                    data.get("duplicate", False),
                    ask.turn,
                )
            )
        if code in AGAIN:
            self._loop.call_later(PAUSE, self._ask_again, ask)
        elif not ask.answer.done():
            ask.answer.set_result(frame)

    def _ask_again(self, ask: Ask) -> None:
        if self.live.is_set() and ask.frame["ref"] in self._asks:
            task = self._loop.create_task(self._put(ask))
            ask.answer.add_done_callback(lambda _: task)  # kept from being collected


def _told(event: Frame) -> Told:
    position: int = event["position"]
    kind: str = event["kind"]
    if kind == "skipped":
        return Told(position, event.get("through", position), kind)
    data = event["data"]
    if kind.startswith("membership."):
        return Told(position, position, kind, frozenset({data["membershipId"]}))
    ids = data["messageIds"] if kind == "message.read" else [data["id"]]
    return Told(
        position,
        position,
        kind,
        frozenset(ids),
        data.get("createdAt"),
        data.get("content"),
        read_at=data.get("readAt"),
    )


def _told_by_ok(ok: Frame, request: str) -> Told:
    position: int = ok["position"]
    data: Frame = ok["data"]
    ids = frozenset({data["id"]}) if "id" in data else None  # a receipt's `ok` counts, and names none
    return Told(position, position, KINDS[request], ids, data.get("createdAt"))
