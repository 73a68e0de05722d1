"""Whether this instance should be given new connections."""

from dataclasses import dataclass

LAGGING = 1.0  # s that the loop is late, and new sockets would only make it later
ARRIVING = 200  # sockets being welcomed at once; more would wait for the database longer than it may take


@dataclass(slots=True)
class Readiness:
    draining: bool = False
    lag: float = 0.0  # s; how late the loop was at the last turn of the wheel
    arriving: int = 0  # sockets between their hello and their welcome

    @property
    def refuses(self) -> bool:
        """Whether a new socket is better served elsewhere, or a little later."""
        return self.draining or self.lag > LAGGING or self.arriving >= ARRIVING
