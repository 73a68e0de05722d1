"""Whether this instance should be given new connections."""

from dataclasses import dataclass


@dataclass(slots=True)
class Readiness:
    draining: bool = False
