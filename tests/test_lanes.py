"""How calls of one kind gather into batches: in order, and never together with what they need or repeat."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from coachwire.operation import Actor, Call, Operation
from coachwire.runner import HELD_BACK, Lane

MOST = 8


@dataclass(frozen=True)
class Asked:
    id: str
    parent: str | None = None


def lane(*asked: tuple[str, Asked]) -> Lane:
    """With these calls waiting: who asks, for what."""
    one: Operation[Any] = Operation(
        name="test", most=MOST, distinct=attrgetter("id"), after=attrgetter("parent")
    )
    made = Lane(one)
    made.waiting.extend(Call(Actor(who), request, answer=None, arrived=0.0) for who, request in asked)  # type: ignore[arg-type] # nobody is answered
    return made


def batches(lane: Lane) -> list[str]:
    """The ids of each batch, until nothing waits."""
    taken = []
    while lane.waiting:
        taken.append(" ".join(call.request.id for call in lane.take()))
    return taken


def test_what_is_apart_goes_together_up_to_the_most() -> None:
    calls = [("a", Asked(str(n))) for n in range(MOST + 2)]
    assert batches(lane(*calls)) == ["0 1 2 3 4 5 6 7", "8 9"]


def test_what_needs_another_waits_for_its_batch_and_all_that_its_actor_asks_later_with_it() -> None:
    calls = [
        ("a", Asked("1")),
        ("a", Asked("2", "1")),
        ("b", Asked("3")),
        ("a", Asked("4")),
        ("a", Asked("5", "2")),
        ("b", Asked("6", "0")),
        ("c", Asked("7", "1")),
    ]
    assert batches(lane(*calls)) == ["1 3 6", "2 4 7", "5"]


def test_what_repeats_a_name_waits_for_the_next_batch() -> None:
    calls = [("a", Asked("1")), ("b", Asked("1")), ("b", Asked("2")), ("c", Asked("3")), ("a", Asked("1"))]
    assert batches(lane(*calls)) == ["1 3", "1 2", "1"]


def test_nobody_makes_it_look_past_more_than_so_many() -> None:
    flood = [("a", Asked("0")), *(("a", Asked(str(n), "0")) for n in range(1, 100))]
    waiting = lane(*flood, ("b", Asked("late")))
    assert [call.request.id for call in waiting.take()] == ["0"]
    assert len(waiting.waiting) == 100
    assert [call.request.id for call in waiting.waiting][:3] == ["1", "2", "3"]
    assert len(flood) > HELD_BACK * MOST
