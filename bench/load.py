"""The process that makes the load: pairs of sockets that send, receive, and check all that comes.

Reads one line of JSON (`Work`) from standard input, connects, says `ready`, reads a second line (`Span`), and answers
with a line (`Taken`). Checked on every frame: positions are dense on each socket, each message is acknowledged once,
and each one that was acknowledged reaches its recipient once and in order."""

import asyncio
import sys
import time
from itertools import cycle
from secrets import token_hex
from uuid import uuid4

import msgspec
import uvloop

from bench.client import Client

CONTENT = "Three more at this weight, then rest two minutes. How does the left knee feel today?"
LINGER = 10.0  # s after the end for what is still on its way
TICK = 0.001  # s; the loop's timers know nothing finer
MOST_TOLD = 20  # violations that are put into words; all are counted


class Person(msgspec.Struct, frozen=True):
    membership_id: str
    token: str
    port: int  # of the server that this person's socket goes to


class Pair(msgspec.Struct, frozen=True):
    organization_id: str
    sender: Person
    recipient: Person


class Work(msgspec.Struct, frozen=True):
    pairs: tuple[Pair, ...]
    in_flight: int  # a pair, in a closed loop
    rate: float | None  # messages a second of all pairs together: an open loop


class Span(msgspec.Struct, frozen=True):
    """What counts, by the clock that all processes share (`time.monotonic`). The load itself begins at once."""

    begin: float
    end: float


class Taken(msgspec.Struct, frozen=True):
    """Latencies are µs from when a message was due, of messages due within the span."""

    done: int  # acknowledged and delivered within the span
    ok: list[int]
    delivered: list[int]
    violations: int
    told: list[str]
    sent: int
    finished: int  # of those sent, acknowledged and delivered by the end of the lingering


class Book:
    """What all pairs of this process write down."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.done = 0
        self.ok: list[int] = []
        self.delivered: list[int] = []
        self.violations = 0
        self.told: list[str] = []
        self.sent = 0
        self.open = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def violation(self, text: str) -> None:
        self.violations += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(text)

    def begun(self) -> None:
        self.sent += 1
        self.open += 1
        self.idle.clear()

    def note(self, latencies: list[int], due: float, now: float) -> None:
        if self.span.begin <= due < self.span.end:
            latencies.append(int((now - due) * 1e6))

    def finished(self, now: float) -> None:
        self.done += self.span.begin <= now < self.span.end
        self.closed()

    def closed(self) -> None:
        self.open -= 1
        if not self.open:
            self.idle.set()


class Talk:
    """One pair. Message n has the n as the last digits of its id, and as the ref of its request."""

    def __init__(self, pair: Pair, in_flight: int, book: Book) -> None:
        self.book = book
        self.sender = Sender(self)
        self.recipient = Recipient(self)
        self._in_flight = in_flight
        self._unanswered: dict[int, float] = {}
        self._undelivered: dict[int, float] = {}
        self._refused: set[int] = set()
        self._next = 1
        self._newest = 0
        nonce = token_hex(6).encode()
        self._form = b"".join(
            (
                b'{"type":"message.send","ref":%d,"organizationId":"', pair.organization_id.encode(),
                b'","id":"%08x-%04x-7', nonce[:3], b"-8", nonce[3:6], b"-", nonce[6:], b'%06x","to":{"membershipId":"',
                pair.recipient.membership_id.encode(), b'"},"content":"', CONTENT.encode(), b'"}',
            )
        )  # fmt: skip

    def start(self) -> None:
        for _ in range(self._in_flight):
            self.say(time.monotonic())

    def say(self, due: float) -> None:
        number = self._next
        self._next += 1
        self._unanswered[number] = self._undelivered[number] = due
        self.book.begun()
        milliseconds = int(time.time() * 1000)
        self.sender.send(self._form % (number, milliseconds >> 16, milliseconds & 0xFFFF, number))

    def answered(self, number: int) -> None:
        now = time.monotonic()
        due = self._unanswered.pop(number, None)
        if due is None:
            self.book.violation(f"message {number} acknowledged twice, or never sent")
            return
        self.book.note(self.book.ok, due, now)
        if number not in self._undelivered:
            self.book.finished(now)
        self._go_on(now)

    def refused(self, number: int) -> None:
        """The talk goes on. A refused message may have been stored all the same, and may come."""
        if self._unanswered.pop(number, None) is not None:
            self._undelivered.pop(number, None)
            self._refused.add(number)
            self.book.closed()
            self._go_on(time.monotonic())

    def delivered(self, number: int) -> None:
        now = time.monotonic()
        if number in self._refused:
            self._refused.remove(number)
            return
        due = self._undelivered.pop(number, None)
        if due is None:
            self.book.violation(f"message {number} delivered twice, or never sent")
            return
        if number < self._newest:
            self.book.violation(f"message {number} delivered after {self._newest}")
        self._newest = number
        self.book.note(self.book.delivered, due, now)
        if number not in self._unanswered:
            self.book.finished(now)

    def settle(self) -> None:
        """At the end: what was acknowledged must have been delivered, what was delivered acknowledged."""
        for number in self._undelivered.keys() - self._unanswered.keys():
            self.book.violation(f"message {number} acknowledged and never delivered")
        for number in self._unanswered:
            self.book.violation(f"message {number} never answered")

    def _go_on(self, now: float) -> None:
        if self._in_flight and now < self.book.span.end:
            self.say(now)


class Device(Client):
    """A socket that has said hello. Every position that comes must be the next one."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.talk = talk
        self._position = 0

    def lost(self, why: str) -> None:
        self.talk.book.violation(f"{type(self).__name__}: {why}")
        for future in (self.opened, self.live):
            if not future.done():
                future.set_exception(ConnectionError(why))
                future.exception()  # whoever awaits it is told; nobody need be

    def text(self, data: bytes, start: int, stop: int) -> None:
        # {"type":"…": two letters tell all frames apart that come often
        match data[start + 9 : start + 11]:
            case b"ok":
                self._step(data, start, stop)
                self.ok(data, start, stop)
            case b"ev":
                self._step(data, start, stop)
                self.event(data, start, stop)
            case b"un" | b"we":  # unread, welcome
                pass
            case b"li":
                self._position = _number(data, b'"position":', start, stop)
                self.live.set_result(None)
            case kind:
                self.talk.book.violation(f"unexpected {data[start:stop][:300]!r}")
                if kind == b"er":
                    self.talk.refused(_number(data, b'"ref":', start, stop))

    def ok(self, data: bytes, start: int, stop: int) -> None:
        self.talk.book.violation("an ok without a request")

    def event(self, data: bytes, start: int, stop: int) -> None: ...

    def _step(self, data: bytes, start: int, stop: int) -> None:
        """Positions stand last in a frame, `"position":N}` or `"position":N,"through":M}`; an `ok` may have none."""
        at = data.rfind(b'"position":', start, stop)
        if at < 0:
            if data[start + 9] == ord("e"):
                self.talk.book.violation(f"an event without a position: {data[start:stop]!r}")
            return
        position, _, through = data[at + 11 : stop - 1].partition(b',"through":')
        if int(position) != self._position + 1:
            self.talk.book.violation(f"position {int(position)} after {self._position}")
        self._position = int(through or position)


class Sender(Device):
    def ok(self, data: bytes, start: int, stop: int) -> None:
        self.talk.answered(_number(data, b'"ref":', start, stop))


class Recipient(Device):
    def event(self, data: bytes, start: int, stop: int) -> None:
        if data.find(b'"kind":"message.created"', start, stop) < 0:
            self.talk.book.violation(f"unexpected {data[start:stop][:300]!r}")
            return
        last_digits = data.find(b'"id":"', start, stop) + 36
        self.talk.delivered(int(data[last_digits : last_digits + 6], 16))


async def run() -> None:
    loop = asyncio.get_running_loop()
    work = msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.buffer.readline), type=Work)
    book = Book(Span(0, 0))
    talks = [Talk(pair, 0 if work.rate else work.in_flight, book) for pair in work.pairs]
    for talk, pair in zip(talks, work.pairs, strict=True):
        await _connect(talk.sender, pair.sender)
        await _connect(talk.recipient, pair.recipient)
    _tell(b"ready")
    book.span = msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.buffer.readline), type=Span)
    if work.rate:
        await _keep_pace(talks, work.rate, book.span.end)
    else:
        for talk in talks:
            talk.start()
        await asyncio.sleep(book.span.end - time.monotonic())
    try:
        async with asyncio.timeout(LINGER):
            await book.idle.wait()
    except TimeoutError:
        book.violation(f"{book.open} messages unfinished {LINGER:.0f} s after the end")
    for talk in talks:
        talk.settle()
        talk.sender.close()
        talk.recipient.close()
    taken = Taken(
        book.done, book.ok, book.delivered, book.violations, book.told, book.sent, book.sent - book.open
    )
    _tell(msgspec.json.encode(taken))


async def _connect(device: Device, person: Person) -> None:
    hello = {"type": "hello", "token": person.token, "device": str(uuid4())}
    await asyncio.get_running_loop().create_connection(lambda: device, "127.0.0.1", person.port)
    await device.opened
    device.send(msgspec.json.encode(hello))
    await device.live


async def _keep_pace(talks: list[Talk], rate: float, end: float) -> None:
    """A message every 1/rate s, whatever becomes of the former ones; lateness of ours counts as latency, too."""
    due = time.monotonic()
    for talk in cycle(talks):
        due += 1 / rate
        if due >= end:
            return
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(max(pause, TICK))
        talk.say(due)


def _number(data: bytes, name: bytes, start: int, stop: int) -> int:
    """The number behind this name; it is followed by a comma or ends the frame."""
    at = data.find(name, start, stop) + len(name)
    end = data.find(b",", at, stop)
    return int(data[at : end if end >= 0 else stop - 1])


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(run())
