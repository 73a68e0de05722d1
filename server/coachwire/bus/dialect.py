"""How one publishes and subscribes: on a server, and on the nodes of a cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """By which commands one publishes and subscribes, and how many channels a command may name."""

    publish: bytes
    subscribe: bytes
    unsubscribe: bytes
    message: bytes  # what Redis calls a message that it hands on
    channels: int


PLAIN = Dialect(b"PUBLISH", b"SUBSCRIBE", b"UNSUBSCRIBE", b"message", 500)
# A cluster takes several channels in a command only if they share a slot.
SHARDED = Dialect(b"SPUBLISH", b"SSUBSCRIBE", b"SUNSUBSCRIBE", b"smessage", 1)
