"""The long poll: the user's stream for who has no socket. While it waits, the hub wakes it and no database is asked."""

import asyncio
from collections import defaultdict
from typing import cast

from coachwire_protocol.envelopes import EventFrame
from coachwire_protocol.errors import Unauthenticated
from coachwire_protocol.polling import PollEvents, StreamPart
from coachwire_protocol.topics import Resume
from msgspec import Raw

from coachwire.bus import Bus
from coachwire.hub import Hub
from coachwire.streams import Frame, Streams
from coachwire.topics import user_channel

MOST = 10  # polls a user and instance that may wait; one more ends the oldest, whose client may long be gone


class Polls:
    """All polls of this instance that wait."""

    def __init__(self, streams: Streams, hub: Hub, bus: Bus) -> None:
        self._streams = streams
        self._hub = hub
        self._bus = bus
        self._waiting: defaultdict[str, list[_Poll]] = defaultdict(list)
        self._draining = False

    async def answer(self, user_id: str, ask: PollEvents) -> StreamPart:
        """What follows the position, as soon as there is anything, or nothing at the end of the wait. Raises
        `Unauthenticated` for who is no user any more, `Unavailable` when the database is away."""
        if ask.epoch is None or not ask.wait or self._draining:
            return await self._read(user_id, ask)
        poll = _Poll()
        self._admit(user_id, poll)
        try:
            await self._bus.subscribe(user_channel(user_id))
            return await self._wait(user_id, ask, poll)
        finally:
            self._dismiss(user_id, poll)

    def drain(self) -> None:
        """Answer all that wait, now, and let none wait any more."""
        self._draining = True
        for polls in self._waiting.values():
            for poll in polls:
                poll.end()

    async def _wait(self, user_id: str, ask: PollEvents, poll: "_Poll") -> StreamPart:
        deadline = asyncio.get_running_loop().time() + ask.wait
        over = False
        while True:
            poll.called.clear()
            part = await self._read(user_id, ask)
            if over or poll.ended or part.resume != "resumed" or part.events:
                return part
            try:
                async with asyncio.timeout_at(deadline):
                    await poll.called.wait()
            except TimeoutError:
                over = True  # and a last look: the hint may have been lost

    async def _read(self, user_id: str, ask: PollEvents) -> StreamPart:
        head = await self._streams.head(user_id)
        if head is None:
            raise Unauthenticated
        if ask.epoch is None or ask.position is None:
            return StreamPart(resume="fresh", epoch=head.epoch, position=head.position)
        resume = Resume(epoch=ask.epoch, position=ask.position)
        reason = await self._streams.reason_to_reset(user_id, resume, head)
        if reason is not None:
            return StreamPart(resume="reset", reason=reason, epoch=head.epoch, position=head.position)
        if head.position == ask.position:
            return StreamPart(resume="resumed", epoch=head.epoch, position=ask.position)
        frames = (await self._streams.read([(user_id, ask.position, head.position)])).get(user_id, [])
        if not frames or frames[0].position != ask.position + 1:  # retention came in between
            return StreamPart(resume="reset", reason="too_old", epoch=head.epoch, position=head.position)
        return StreamPart(
            resume="resumed", epoch=head.epoch, position=frames[-1].through, events=_as_events(frames)
        )

    def _admit(self, user_id: str, poll: "_Poll") -> None:
        polls = self._waiting[user_id]
        if len(polls) >= MOST:
            polls[0].end()
        polls.append(poll)
        self._hub.watch(user_id, poll.called.set)

    def _dismiss(self, user_id: str, poll: "_Poll") -> None:
        self._waiting[user_id].remove(poll)
        if not self._waiting[user_id]:
            del self._waiting[user_id]
        if self._hub.unwatch(user_id, poll.called.set):
            self._bus.unsubscribe(user_channel(user_id))


class _Poll:
    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.called.set()


def _as_events(frames: list[Frame]) -> tuple[EventFrame, ...]:
    """The frames are encoded already and go out as they are."""
    return cast("tuple[EventFrame, ...]", tuple(Raw(frame.frame) for frame in frames))
