"""Ids that the protocol's tests speak of, and the answer a refused request would get."""

import json
from typing import Any

from coachwire_protocol.frames import Refused, error_frame, parse

GYM = "0190a000-0000-7000-8000-00000000000a"
COACH = "0190a000-0000-7000-8000-0000000000c0"
MEMBER = "0190a000-0000-7000-8000-0000000000e0"
MESSAGE = "0190a000-0000-7000-8000-000000000001"
OTHER = "0190a000-0000-7000-8000-000000000002"
THREAD = "0190a000-0000-7000-8000-0000000000f0"
DEVICE = "0190a000-0000-7000-8000-0000000000d0"


def answer(text: str | bytes) -> dict[str, Any]:
    """The error frame that answers the only request of the frame."""
    (refused,) = parse(text.encode() if isinstance(text, str) else text)
    assert isinstance(refused, Refused)
    frame = json.loads(error_frame(refused.ref, refused.error))
    assert isinstance(frame, dict)
    return frame


def offending(text: str | bytes) -> list[str]:
    """The fields that the answer lists, in order."""
    return [detail["field"] for detail in answer(text)["error"]["details"]]
