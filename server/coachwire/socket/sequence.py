"""Durable requests of one connection take effect in the order in which they arrived.

Of one batched kind they may run together, since a batch keeps the order; otherwise one waits until those before it are
answered."""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from coachwire.operation import OPERATIONS, Answer

Start = Callable[[Struct, Answer], None]


class Sequence:
    """The durable requests of one connection that are not answered yet. `start` is called for each in its turn."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._waiting: deque[tuple[Struct, Answer]] = deque()
        self._kind: type[Struct] | None = None
        self._running = 0

    def add(self, request: Struct, answer: Answer) -> None:
        self._waiting.append((request, answer))
        self._advance()

    def settled(self) -> None:
        """One that was started has been answered."""
        self._running -= 1
        self._advance()

    def _advance(self) -> None:
        while self._waiting:
            request, answer = self._waiting[0]
            together = type(request) is self._kind and OPERATIONS[type(request)].run_batch is not None
            if self._running and not together:
                return
            self._waiting.popleft()
            self._kind = type(request)
            self._running += 1
            self._start(request, answer)
