"""What holds for every frame there is: nothing escapes, nothing is lost, both passes agree."""

import json
from typing import Any

from coachwire_protocol.close import Closed
from coachwire_protocol.frames import Refused, _parse_slowly, encode, error_frame, parse
from coachwire_protocol.schema import REQUEST_TYPES
from hypothesis import given, settings
from hypothesis import strategies as st

from .ids import GYM, MEMBER, THREAD
from .test_requests import REQUESTS

thoroughly = settings(deadline=None, max_examples=200)  # no deadline: other work may hold the CPU

KEYS = sorted(
    {field for kind in REQUEST_TYPES.values() for field in kind.__struct_encode_fields__}
    | {"type", "epoch", "position", "membershipId", "workoutAssignmentId", "unknown"}
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=12)
    | st.sampled_from([GYM, MEMBER, "foreground", f"thread:{THREAD}", "", "\0", "\ud800", "x" * 5001, 2**53])
)
keys = st.sampled_from(KEYS) | st.text(st.characters(codec=None), max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
sound = st.sampled_from([json.loads(text) for text, _ in REQUESTS])
typed = st.fixed_dictionaries({"type": st.sampled_from(sorted(REQUEST_TYPES))})
requests = st.builds(
    lambda base, more: {**base, **more}, sound | typed, st.dictionaries(keys, values, max_size=3)
)
frames = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass"),
    requests | st.lists(requests, max_size=5) | values,
    st.booleans(),
)


def outcome(frame: bytes, slowly: bool = False) -> Any:
    """What became of the frame, in a form that compares: requests, and answers as bytes."""
    try:
        found = _parse_slowly(frame) if slowly else parse(frame)
    except Closed as closed:
        return closed.code
    return [error_frame(one.ref, one.error) if isinstance(one, Refused) else one for one in found]


@thoroughly
@given(st.binary(max_size=60) | frames)
def test_nothing_but_closed_escapes(frame: bytes) -> None:
    outcome(frame)


@thoroughly
@given(frames)
def test_both_passes_find_the_same(frame: bytes) -> None:
    assert outcome(frame) == outcome(frame, slowly=True)


@thoroughly
@given(st.lists(requests, max_size=8))
def test_no_element_is_left_without_its_answer(elements: list[dict[str, Any]]) -> None:
    frame = json.dumps(elements).encode()
    try:
        found = parse(frame)
    except Closed:
        assert (
            any(element["type"] == "hello" for element in elements) or b"NaN" in frame or b"Infinity" in frame
        )
        return
    assert len(found) == len(elements)
    for element, one in zip(elements, found, strict=True):
        if isinstance(one, Refused):
            assert one.error.details
            assert len(error_frame(one.ref, one.error)) < 65_536
        else:
            assert isinstance(one, REQUEST_TYPES[element["type"]])
            assert parse(encode(one)) == [one]
