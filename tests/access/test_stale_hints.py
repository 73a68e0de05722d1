"""Hints from before an access ended: whatever they carry, only what the database says now is handed on."""

from coachwire.hub import Hub
from coachwire_protocol.close import CloseCode

BODY, ENDED, LATER = b"a body that was allowed once", b"membership.ended", b"of another gym"


class Recorder:
    """A connection that keeps what it gets."""

    device = "d"
    session = 1

    def __init__(self) -> None:
        self.position = 0
        self.told: list[bytes] = []
        self.closed: CloseCode | None = None

    def send(self, frame: bytes) -> None:
        self.told.append(frame)

    def signal(self, frame: bytes) -> None:
        self.told.append(frame)

    def close(self, code: CloseCode) -> None:
        self.closed = code


def connected() -> tuple[Hub, Recorder]:
    hub, member = Hub(), Recorder()
    hub.register("u", member)
    assert hub.join("u", member)
    return hub, member


def test_a_body_that_is_held_behind_a_gap_is_read_again_once_an_access_ended() -> None:
    hub, member = connected()
    hub.deliver("u", 2, 2, BODY)
    hub.revoke("u", 3, 3, ENDED)
    hub.deliver("u", 4, 4, LATER)
    assert (member.told, hub.gaps) == ([], {"u"})
    hub.deliver_read("u", 1, 2, b"skipped")
    assert member.told == [b"skipped", ENDED, LATER]


def test_a_body_that_comes_after_the_end_of_its_access_is_not_believed() -> None:
    hub, member = connected()
    hub.revoke("u", 2, 2, ENDED)
    hub.deliver("u", 1, 1, BODY)
    assert (member.told, hub.gaps) == ([], {"u"})
    hub.deliver_read("u", 1, 1, b"skipped")
    assert member.told == [b"skipped", ENDED]


def test_an_end_that_comes_in_its_turn_waits_for_nothing() -> None:
    hub, member = connected()
    hub.deliver("u", 1, 1, BODY)
    hub.revoke("u", 2, 2, ENDED)
    hub.deliver("u", 3, 3, LATER)
    assert (member.told, hub.gaps) == ([BODY, ENDED, LATER], set())


def test_the_connections_of_a_deleted_person_close_also_before_they_are_live() -> None:
    hub, member = connected()
    beginner = Recorder()
    beginner.device = "e"
    hub.register("u", beginner)
    hub.gone("u")
    assert (member.closed, beginner.closed) == (CloseCode.ACCOUNT_GONE, CloseCode.ACCOUNT_GONE)
