"""What a check of the doctor's brings."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`found` is what there is, `advice` what to do about it; neither holds a password."""

    check: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, "ok", found)


def warning(check: str, found: str, advice: str) -> Finding:
    return Finding(check, "warning", found, advice)


def failed(check: str, found: str, advice: str) -> Finding:
    return Finding(check, "failed", found, advice)
