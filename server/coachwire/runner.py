"""The one way from a request to its answer: lanes for what is batched, a task for what is not, and limits in time."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import structlog
from coachwire_protocol.errors import Internal, Overloaded, ProtocolError, Unavailable
from msgspec import Struct

from coachwire.blobs import Blobs
from coachwire.database import DEADLINE, HELD, Database, Tx
from coachwire.measures import of_operation
from coachwire.observe import place
from coachwire.operation import OPERATIONS, Actor, Again, Answer, Call, Operation, Outcome, Result, Scope
from coachwire.settings import RateLimit

log = structlog.get_logger()

WAITING = 20_000  # calls a lane may hold; beyond that they are answered `overloaded`
LOST_RETRY = 200  # ms; for a call that lost its races
HELD_BACK = 8  # times a batch: so many calls are looked past, when they must wait, to fill it
LEAST = 0.4  # s that a batch has at least, however long its oldest call waited for its turn
PASSES = 5  # times a call may come round without progress; beyond that it is `unavailable`


class Delivers(Protocol):
    """Where outcomes go: to the sockets here and, over the bus, to the other instances."""

    def deliver(self, actor: Actor, result: Outcome | Again, answer: Answer) -> None:
        """Hand on all deliveries and signals of a committed result, then settle the call if it is an outcome."""

    def flush(self) -> None:
        """What one statement brought is complete: publish it in one write."""

    @property
    def doubt(self) -> Callable[[], None]:
        """For a statement whose outcome is unknown: compare heads with the database as soon as it answers."""


@dataclass(slots=True)
class Lane:
    """Calls of one batched operation. One statement in flight; what arrives meanwhile shares the next. No timer: a lone
    call waits for nothing."""

    operation: Operation[Any]
    waiting: deque[Call[Any]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None

    def take(self) -> list[Call[Any]]:
        """The next batch, in order of arrival. A call that names the same as an earlier one, or needs it, waits for the
        next, and with it whatever its actor asks after it."""
        calls: list[Call[Any]] = []
        held: list[Call[Any]] = []
        waits: set[str] = set()
        names: set[Hashable] = set()
        distinct, after, most = self.operation.distinct, self.operation.after, self.operation.most
        while self.waiting and len(calls) < most and len(held) < HELD_BACK * most:
            call = self.waiting.popleft()
            name = None if distinct is None else distinct(call.request)
            needs = None if after is None else after(call.request)
            if call.actor.user_id in waits or not names.isdisjoint((name, needs)):
                waits.add(call.actor.user_id)
                held.append(call)
                continue
            if name is not None:
                names.add(name)
            calls.append(call)
        self.waiting.extendleft(reversed(held))
        return calls


class Runner:
    """Runs operations against the database and settles their calls. Owns every task it starts."""

    def __init__(
        self,
        database: Database,
        delivers: Delivers,
        rate_limit: RateLimit | None,
        edit_window: timedelta,
        blobs: Blobs,
        *,
        notifies: bool = False,
        push_key: str | None = None,
    ) -> None:
        self._database = database
        self._delivers = delivers
        self._rate_limit = rate_limit
        self._edit_window = edit_window
        self._blobs = blobs
        self._notifies = notifies
        self._push_key = push_key
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    async def run(self, actor: Actor, request: Struct) -> Outcome:
        """Run and wait. Raises the `ProtocolError` that answers the request. A caller that goes away undoes nothing."""
        future: asyncio.Future[Outcome | ProtocolError] = self._loop.create_future()
        self.submit(actor, request, _Awaited(future, self._loop.time()))
        result = await future
        if isinstance(result, ProtocolError):
            raise result
        return result

    def submit(self, actor: Actor, request: Struct, answer: Answer) -> None:
        """Run; the answer is settled later, once."""
        chosen = OPERATIONS[type(request)]
        call = Call(actor, request, answer, answer.arrived)
        if chosen.run_batch is None:
            self._start(self._run_single(chosen, call))
            return
        lane = self._lanes.setdefault(chosen.name, Lane(chosen))
        if len(lane.waiting) >= WAITING:
            answer.settle(Overloaded())
            of_operation(chosen.name).settled({Overloaded.code: 1})
            return
        lane.waiting.append(call)
        if lane.task is None:
            lane.task = self._start(self._run_lane(lane))

    async def finish(self) -> None:
        """Wait until everything submitted is settled; the caller sets the limit."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel what still runs; its outcome is unknown to whoever asked."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _scope(self, tx: Tx) -> Scope:
        return Scope(tx, self._rate_limit, self._edit_window, self._blobs, self._notifies, self._push_key)

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_single(self, chosen: Operation[Any], call: Call[Any]) -> None:
        assert chosen.run is not None  # noqa: S101 - submit chose by this
        started = self._loop.time()
        result: Outcome | ProtocolError
        try:
            async with asyncio.timeout_at(call.arrived + DEADLINE), self._database.connection() as tx:
                result = await chosen.run(self._scope(tx), call.actor, call.request)
        except TimeoutError:
            result = self._unsure(chosen)
        except Unavailable as error:
            # Without a cause it is the operation's own answer; after another than a held row, the outcome is unknown.
            known = error.__cause__ is None or isinstance(error.__cause__, HELD)
            result = error if known else self._unsure(chosen)
        except ProtocolError as error:
            result = error
        except Exception as error:  # the edge: what nobody foresaw is logged and answered `internal`
            result = _internal(chosen, error)
        code = self._settle(call, result)
        self._delivers.flush()
        self._measure(chosen, 1, {code: 1}, started)

    async def _run_lane(self, lane: Lane) -> None:
        try:
            while calls := lane.take():
                again = await self._run_batch(lane.operation, calls)
                lane.waiting.extendleft(reversed(again))
        finally:
            lane.task = None

    async def _run_batch(self, chosen: Operation[Any], calls: list[Call[Any]]) -> list[Call[Any]]:
        """Settle these calls, all but those that come round again, which are returned."""
        started = self._loop.time()
        again: list[Call[Any]] = []
        codes: Counter[str] = Counter()
        open_calls = dict.fromkeys(calls)

        def settle(call: Call[Any], result: Result) -> None:
            del open_calls[call]
            if isinstance(result, Again) and self._comes_round(call, result):
                again.append(call)
            else:
                settled = Unavailable(retry_after_ms=LOST_RETRY) if isinstance(result, Again) else result
                codes[self._settle(call, settled)] += 1

        # A call that waited too long must not cut short what the younger ones share with it.
        for call in [one for one in calls if one.arrived + DEADLINE <= started]:
            settle(call, Unavailable())
        fresh = list(open_calls)
        try:
            if fresh:
                async with asyncio.timeout_at(max(fresh[0].arrived + DEADLINE, started + LEAST)):
                    await self._attempt(chosen, fresh, settle)
        except TimeoutError:
            unsure = self._unsure(chosen)
            for call in list(open_calls):
                settle(call, unsure)
        self._delivers.flush()
        self._measure(chosen, len(calls), codes, started)
        return again

    async def _attempt(
        self, chosen: Operation[Any], calls: list[Call[Any]], settle: Callable[[Call[Any], Result], None]
    ) -> None:
        """One statement for all; where it fails because of a row, halves, so that a bad row fails alone."""
        assert chosen.run_batch is not None  # noqa: S101 - only lanes come here
        failure: ProtocolError
        try:
            async with self._database.connection() as tx:
                results = await chosen.run_batch(self._scope(tx), calls)
        except Unavailable as error:
            if not isinstance(error.__cause__, HELD):  # the link, not a row: halves would fare no better
                unsure = self._unsure(chosen)
                for call in calls:
                    settle(call, unsure)
                return
            failure = Unavailable()
        except Exception as error:  # a row that the statement cannot take
            failure = Internal() if len(calls) > 1 else _internal(chosen, error)
        else:
            for call, result in zip(calls, results, strict=True):
                settle(call, result)
            return
        if len(calls) == 1:
            settle(calls[0], failure)
            return
        middle = len(calls) // 2
        await self._attempt(chosen, calls[:middle], settle)
        await self._attempt(chosen, calls[middle:], settle)

    def _comes_round(self, call: Call[Any], result: Again) -> bool:
        self._tell(call, result)
        if result.carry is not None:  # progress was made and committed: its clock starts anew
            call.carry, call.passes, call.arrived = result.carry, 0, self._loop.time()
            return True
        call.passes += 1
        return call.passes < PASSES

    def _settle(self, call: Call[Any], result: Outcome | ProtocolError) -> str:
        """Returns what is counted: ok, or the error's code."""
        if isinstance(result, Outcome):
            if self._tell(call, result):
                return "ok"
            result = Unavailable()
        call.answer.settle(result)
        return result.code

    def _tell(self, call: Call[Any], result: Outcome | Again) -> bool:
        """Hand on what is committed. False: a mistake of ours kept it from being told, and other calls must not suffer
        for it; the comparison of heads tells it, and a retry is answered."""
        try:
            self._delivers.deliver(call.actor, result, call.answer)
        except Exception as error:
            log.error("delivery_failed", error=type(error).__name__)
            self._delivers.doubt()
            return False
        return True

    def _measure(self, chosen: Operation[Any], calls: int, codes: Mapping[str, int], started: float) -> None:
        measures = of_operation(chosen.name)
        measures.ran(calls, self._loop.time() - started)
        measures.settled(codes)

    def _unsure(self, chosen: Operation[Any]) -> Unavailable:
        if chosen.durable:
            self._delivers.doubt()
        return Unavailable()


@dataclass(frozen=True, slots=True)
class _Awaited:
    """The answer of a call that somebody awaits; whoever no longer does, misses nothing but the answer."""

    future: asyncio.Future[Outcome | ProtocolError]
    arrived: float
    member: None = None

    def ok(self, outcome: Outcome, position: int) -> bytes:
        raise NotImplementedError("no connection, no ok")

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        if not self.future.done():
            self.future.set_result(result)


def _internal(chosen: Operation[Any], error: Exception) -> Internal:
    # Never the error's text: drivers put values, and so bodies, into it.
    log.error(
        "operation_failed",
        operation=chosen.name,
        error=type(error).__name__,
        code=getattr(error, "sqlstate", None),
        place=place(error),
    )
    return Internal()
