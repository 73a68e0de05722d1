"""What one connection may ask for: requests, control frames, typing. Pure; the clock comes as an argument (s)."""

from collections import OrderedDict

from coachwire_protocol.messages import Party

# In a window of so many seconds:
REQUESTS, REQUESTS_WINDOW = 120, 10.0  # a connection's requests but sends, which have a window of their own
CONTROLS, CONTROLS_WINDOW = 50, 1.0  # control and empty frames
SUSTAINED = 30.0  # s of excess, after which the connection is closed
FORGIVEN = 10.0  # s without excess, after which it begins anew
TYPING = 2.0  # s between two typing signals of a conversation
CONVERSATIONS = 64  # whose last typing is remembered, the newest; an older one may type again


class Meter:
    """So many in a window that opens with the first after the former one closed."""

    __slots__ = ("_closes", "_limit", "_used", "_window")

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._closes = 0.0
        self._used = 0

    def over(self, now: float) -> float:
        """Count one. 0 when it is within the limit, else the seconds until the window closes."""
        if now >= self._closes:
            self._closes, self._used = now + self._window, 0
        self._used += 1
        return 0.0 if self._used <= self._limit else self._closes - now

    def spent(self, now: float) -> float:
        """The same without counting: 0 while there is something left."""
        return 0.0 if now >= self._closes or self._used < self._limit else self._closes - now


class Excess:
    """Whether a connection has gone beyond its limits for too long."""

    __slots__ = ("_last", "_since")

    def __init__(self) -> None:
        self._since = self._last = float("-inf")

    def sustained(self, now: float) -> bool:
        """Note an excess; true when there has been one after the other for 30 s."""
        if now - self._last > FORGIVEN:
            self._since = now
        self._last = now
        return now - self._since >= SUSTAINED


class TypingPace:
    """One typing signal in 2 s a conversation."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: OrderedDict[Party, float] = OrderedDict()

    def admits(self, conversation: Party, now: float) -> bool:
        if now - self._last.get(conversation, float("-inf")) < TYPING:
            return False
        self._last[conversation] = now
        self._last.move_to_end(conversation)
        if len(self._last) > CONVERSATIONS:
            self._last.popitem(last=False)
        return True


class Pace:
    """What one connection has used of its limits."""

    __slots__ = ("controls", "excess", "refused_sends", "requests", "typing")

    def __init__(self) -> None:
        self.requests = Meter(REQUESTS, REQUESTS_WINDOW)
        self.refused_sends = Meter(REQUESTS, REQUESTS_WINDOW)  # those stored have a window of their own
        self.controls = Meter(CONTROLS, CONTROLS_WINDOW)
        self.excess = Excess()
        self.typing = TypingPace()
