"""What an instance writes of its people into an organization's hash, and how another one reads it."""

from collections.abc import Iterable
from dataclasses import dataclass

from coachwire.presence import Online


@dataclass(frozen=True, slots=True)
class Field:
    """An instance's people, believed until a moment of the reader's clock."""

    until: float
    online: Online


def encode(written: float, online: Online) -> bytes:
    """When it was written, who of the staff is online, and who else."""
    staff = ",".join(membership_id for membership_id, staff in online.items() if staff)
    members = ",".join(membership_id for membership_id, staff in online.items() if not staff)
    return f"{written:.3f} {staff} {members}".encode()


def decode(text: bytes, believed: float) -> Field | None:
    """`believed`: what is to be added to the time of writing. None for what another version has written."""
    try:
        written, staff, members = text.decode().split(" ")
        until = float(written) + believed
    except ValueError:
        return None
    online = dict.fromkeys(filter(None, members.split(",")), False)
    return Field(until, online | dict.fromkeys(filter(None, staff.split(",")), True))


def union(fields: Iterable[Field]) -> dict[str, bool]:
    """Everybody who is in one of them."""
    return {membership_id: staff for one in fields for membership_id, staff in one.online.items()}
