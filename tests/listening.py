"""Who listens to a hub in the tests, and the frames that are told."""

import json
from dataclasses import dataclass, field

from coachwire_protocol.close import CloseCode

USER = "user"


@dataclass(eq=False)
class Recorder:
    """A connection that fails the test when it is told anything but what comes next."""

    device: str = "phone"
    session: int = 1
    position: int = 0
    told: int = 0  # the last position that came by frames
    revoked: int = 0  # what lies before it may come as it was read, not as it was hinted
    frames: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    closed: list[CloseCode] = field(default_factory=list)

    def send(self, frame: bytes) -> None:
        assert not self.closed, "a frame after the close"
        value = json.loads(frame)
        assert value["position"] == self.told + 1, f"{frame!r} after {self.told}"
        assert value.get("read", True) or value["position"] >= self.revoked, (
            f"{frame!r} is not allowed any more"
        )
        self.told = value.get("through", value["position"])
        assert self.told >= value["position"], f"{frame!r} covers nothing"
        self.frames.append(frame)

    def signal(self, frame: bytes) -> None:
        self.signals.append(frame)

    def close(self, code: CloseCode) -> None:
        self.closed.append(code)


def event(position: int) -> bytes:
    return b'{"type":"event","kind":"message.created","data":{},"position":%d}' % position


def hinted(position: int) -> bytes:
    return b'{"type":"event","kind":"message.created","data":{},"read":false,"position":%d}' % position


def ok(position: int) -> bytes:
    return b'{"type":"ok","ref":1,"data":{},"position":%d}' % position
