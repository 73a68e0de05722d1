"""What one connection may ask for, with a clock in the hand."""

from coachwire.limits import Excess, Meter, TypingPace
from coachwire_protocol.messages import Party

CONVERSATION = Party(membership_id="3f0e3b1c-1f43-4c1b-9a51-0c8f6f3f0d01")


def another(number: int) -> Party:
    return Party(membership_id=f"3f0e3b1c-1f43-4c1b-9a51-{number:012d}")


def test_a_window_opens_with_the_first_request_after_the_former_one_closed() -> None:
    meter = Meter(2, 10.0)
    assert [meter.over(now) for now in (100.0, 104.0, 107.0, 109.9)] == [0.0, 0.0, 3.0, 110.0 - 109.9]
    assert [meter.over(now) for now in (112.0, 121.0, 121.5, 122.0)] == [0.0, 0.0, 0.5, 0.0]


def test_excess_is_sustained_when_it_goes_on_for_30_s() -> None:
    excess = Excess()
    assert [excess.sustained(now) for now in (0.0, 9.0, 18.0, 27.0, 29.9, 30.0)] == [False] * 5 + [True]


def test_excess_is_forgiven_after_10_s_without() -> None:
    excess = Excess()
    assert not any(excess.sustained(now) for now in (0.0, 9.0, 18.0, 28.1, 38.0, 48.0, 57.0))


def test_typing_passes_once_in_2_s_a_conversation() -> None:
    pace = TypingPace()
    assert [pace.admits(CONVERSATION, now) for now in (0.0, 1.9, 2.0, 3.0, 4.0)] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert pace.admits(another(1), 4.0)


def test_typing_remembers_a_bounded_number_of_conversations() -> None:
    pace = TypingPace()
    assert all(pace.admits(another(number), 0.0) for number in range(1_000))
    assert not pace.admits(another(999), 0.0)
    assert len(pace._last) == 64
