"""What one process hands on reaches another over the bus that they share: events, typing, and doubts about rights."""

import asyncio
from dataclasses import dataclass, field

import pytest
from coachwire import app
from coachwire.bus import Exchange, InProcessBus
from coachwire.hub import Hub
from coachwire.hub.fanout import Fanout
from coachwire.hub.views import View, Views
from coachwire.operation import Actor, Again, Outcome, TopicDelivery, TopicSignal
from coachwire.streams.topics import LOADERS
from coachwire.topics import topic_channel, user_channel
from coachwire_protocol.close import CloseCode
from coachwire_protocol.errors import BadRequest, ProtocolError
from coachwire_protocol.frames import Event, skipped_frame
from coachwire_protocol.schema import EventKind
from coachwire_protocol.topics import MAX_TOPICS

TOPIC, OTHER = "thread:1", "thread:2"


@dataclass(eq=False)
class Screen:
    """A connection that keeps what it is told."""

    user_id: str
    views: dict[str, View] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    def signal(self, frame: bytes) -> None:
        self.frames.append(b"signal " + frame)

    def close(self, code: CloseCode) -> None:
        self.frames.append(b"closed %d" % code)


class Settled:
    """Nobody asked."""

    member = None
    arrived = 0.0

    def ok(self, outcome: Outcome, position: int) -> bytes:
        raise NotImplementedError

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        assert not carried


class Process:
    """What an instance has of all this."""

    def __init__(self, exchange: Exchange) -> None:
        self.views = Views()
        self.bus = InProcessBus(exchange)
        self.fanout = Fanout(
            Hub(), self.views, self.bus,
            doubt=lambda: None, changed=lambda _: None, revoked=self.views.doubt_user,
        )  # fmt: skip

    async def start(self) -> None:
        await self.bus.start(self.fanout.receive, lambda: None)

    async def watch(self, user_id: str, topic: str = TOPIC) -> tuple[Screen, View]:
        screen = Screen(user_id)
        view = self.views.open(screen, topic)
        await self.bus.subscribe(topic_channel(topic))
        await self.bus.subscribe(user_channel(user_id))
        view.opened = True
        assert self.views.join(topic, view)
        return screen, view

    def tell(self, result: Outcome | Again) -> None:
        self.fanout.deliver(Actor("author"), result, Settled())
        self.fanout.flush()


@pytest.fixture
async def processes() -> tuple[Process, Process]:
    exchange = Exchange()
    here, there = Process(exchange), Process(exchange)
    await here.start()
    await there.start()
    return here, there


def event() -> Event:
    return Event("message.created", "o", b"{}", topic=TOPIC)


async def carried() -> None:
    """The bus hands on in the next turn of the loop."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_an_event_reaches_whoever_watches_here_and_there_once(
    processes: tuple[Process, Process],
) -> None:
    here, there = processes
    (mine, _), (theirs, _), (other, _) = [
        await here.watch("a"), await there.watch("b"), await there.watch("c", OTHER)
    ]  # fmt: skip
    here.tell(Outcome(topics=(TopicDelivery(1, event()),)))
    here.tell(Again(topics=(TopicDelivery(2, event()),)))
    await carried()
    assert mine.frames == theirs.frames == [event().frame(1), event().frame(2)]
    assert other.frames == []


async def test_who_typed_and_who_heard_already_get_no_signal(processes: tuple[Process, Process]) -> None:
    here, _ = processes
    screens = [(await process.watch(user))[0] for process in processes for user in ("a", "b", "c")]
    here.tell(Outcome(topic_signals=(TopicSignal(TOPIC, b"x y", not_to=("a", "b")),)))
    here.tell(Outcome(topic_signals=(TopicSignal(OTHER, b"z"),)))
    await carried()
    assert [screen.frames for screen in screens] == [[], [], [b"signal x y"]] * 2


async def test_whose_right_is_doubted_is_told_nothing_from_that_step_on(
    processes: tuple[Process, Process],
) -> None:
    here, there = processes
    (mine, my_view), (theirs, their_view) = await here.watch("a"), await there.watch("a")
    witness, _ = await there.watch("b")
    here.fanout.doubt_user("a")
    here.tell(Outcome(topics=(TopicDelivery(1, event()),), topic_signals=(TopicSignal(TOPIC, b"x"),)))
    await carried()
    assert (mine.frames, theirs.frames) == ([], [])
    assert witness.frames == [event().frame(1), b"signal x"]
    assert (here.views.doubted, there.views.doubted) == ({my_view}, {their_view})
    assert not there.views.join(TOPIC, their_view), "there is something to read first"
    their_view.position = 1
    assert there.views.join(TOPIC, their_view)


async def test_a_revoked_topic_is_withheld_from_everybody(processes: tuple[Process, Process]) -> None:
    here, there = processes
    views = [(await process.watch(user))[1] for process in processes for user in ("a", "b")]
    here.tell(Outcome(revoked_topics=(TOPIC,)))
    await carried()
    assert here.views.doubted | there.views.doubted == set(views)
    assert {view.doubts for view in views} == {1}


async def test_skipped_ranges_of_a_topic_name_it() -> None:
    views = Views()
    early, late = Screen("a"), Screen("b")
    first = views.open(early, TOPIC)
    views.join(TOPIC, first)
    second = views.open(late, TOPIC)
    second.position = 2
    views.join(TOPIC, second)
    views.deliver_read(TOPIC, 1, 4, skipped_frame(1, 4, TOPIC))
    assert early.frames == [skipped_frame(1, 4, TOPIC)]
    assert late.frames == [skipped_frame(3, 4, TOPIC)]


async def test_closing_leaves_nothing_behind() -> None:
    views = Views()
    screen = Screen("a")
    opened = [views.open(screen, f"thread:{number}") for number in range(MAX_TOPICS)]
    with pytest.raises(BadRequest):
        views.open(screen, TOPIC + "0000")
    assert all(views.close(view) for view in opened)
    assert not views.close(opened[0])
    views.doubt_user("a")
    assert (screen.views, views.inboxes, views.all, views.doubted) == ({}, {}, [], set())


def test_every_kind_of_event_that_topics_have_is_read_by_somebody() -> None:
    assert app
    kinds = {kind for kind in EventKind if kind.partition(".")[0] in ("message", "comment", "metric")}
    assert LOADERS.keys() == kinds - {EventKind.MESSAGE_READ, EventKind.COMMENT_MENTIONED}
