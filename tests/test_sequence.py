"""Durable requests of a connection start in the order in which they came, and run together only with their kind."""

from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from coachwire import app
from coachwire.operation import OPERATIONS, Answer, Outcome
from coachwire.socket.sequence import Sequence
from coachwire_protocol.errors import ProtocolError
from coachwire_protocol.messages import DeleteMessage, EditMessage, Party, SendMessage
from coachwire_protocol.receipts import ReadMessages
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

assert app  # its import enters all operations into the table

SOMEWHERE = str(uuid4())
SEND: type[Struct] = SendMessage
READ: type[Struct] = ReadMessages
DELETE: type[Struct] = DeleteMessage
EDIT: type[Struct] = EditMessage


def request(kind: type[Struct]) -> Struct:
    if kind is SEND:
        return SendMessage(
            organization_id=SOMEWHERE, id=str(uuid4()), to=Party(membership_id=SOMEWHERE), content="hello"
        )
    if kind is READ:
        return ReadMessages(organization_id=SOMEWHERE, message_ids=(str(uuid4()),))
    if kind is DELETE:
        return DeleteMessage(organization_id=SOMEWHERE, id=str(uuid4()))
    return EditMessage(organization_id=SOMEWHERE, id=str(uuid4()), content="hello")


class Silent:
    """An answer that nobody looks at."""

    member = None
    arrived = 0.0

    def ok(self, outcome: Outcome, position: int) -> bytes:
        raise AssertionError("there is no connection")

    def settle(self, result: Outcome | ProtocolError, *, carried: bool = False) -> None:
        raise AssertionError("the test settles")


@dataclass
class Connection:
    """Notes what is started; `at_once` answers within the start, as a full lane does."""

    at_once: bool = False
    started: list[Struct] = field(default_factory=list)
    running: list[Struct] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sequence = Sequence(self.start)

    def start(self, request: Struct, answer: Answer) -> None:
        self.started.append(request)
        self.running.append(request)
        if self.at_once:
            self.settle(request)

    def add(self, *kinds: type[Struct]) -> list[Struct]:
        added = [request(kind) for kind in kinds]
        for one in added:
            self.sequence.add(one, Silent())
        return added

    def settle(self, *requests: Struct) -> None:
        for one in requests:
            self.running.remove(one)
            self.sequence.settled()


def test_sends_start_together_and_so_do_reads() -> None:
    for kind in (SEND, READ):
        connection = Connection()
        assert connection.running == connection.add(kind, kind, kind)


@pytest.mark.parametrize("kind", [DELETE, EDIT])
def test_what_is_not_batched_starts_one_at_a_time(kind: type[Struct]) -> None:
    connection = Connection()
    first, second = connection.add(kind, kind)
    assert connection.running == [first]
    connection.settle(first)
    assert connection.running == [second]


def test_another_kind_waits_until_all_before_it_are_answered() -> None:
    connection = Connection()
    first, second, read, third = connection.add(SEND, SEND, READ, SEND)
    assert connection.running == [first, second]
    connection.settle(second)
    assert connection.running == [first], "one of them still runs"
    connection.settle(first)
    assert connection.running == [read], "the third send came after the read"
    connection.settle(read)
    assert connection.running == [third]


def test_what_is_answered_within_its_start_lets_the_next_one_start() -> None:
    connection = Connection(at_once=True)
    added = connection.add(SEND, READ, DELETE, DELETE, SEND)
    assert (connection.started, connection.running) == (added, [])


def test_after_a_pause_the_next_one_starts_at_once() -> None:
    connection = Connection()
    (send,) = connection.add(SEND)
    connection.settle(send)
    assert connection.running == connection.add(DELETE)


@given(st.data())
def test_requests_start_in_order_and_only_those_of_one_batched_kind_run_together(data: st.DataObject) -> None:
    connection = Connection()
    added: list[Struct] = []
    kinds = st.sampled_from([SEND, READ, DELETE, EDIT])
    flags = st.booleans()
    for _ in range(data.draw(st.integers(1, 30))):
        if bool(connection.running) and data.draw(flags):
            connection.settle(data.draw(st.sampled_from(connection.running)))
        else:
            added += connection.add(data.draw(kinds))
        together = {type(one) for one in connection.running}
        assert len(together) <= 1
        if len(connection.running) > 1:
            assert OPERATIONS[together.pop()].run_batch is not None
        assert connection.running or len(connection.started) == len(added), "something waits for nothing"
        assert connection.started == added[: len(connection.started)]
    while connection.running:
        connection.settle(connection.running[0])
    assert connection.started == added
