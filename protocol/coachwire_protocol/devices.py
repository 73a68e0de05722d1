"""A user's installations and browser tabs over REST: made known, how far they have stored, signed out."""

from typing import Annotated

from msgspec import Meta

from .ids import Id, Position
from .shape import Wire

Platform = Annotated[str, Meta(min_length=1, max_length=32)]
Language = Annotated[
    str, Meta(min_length=1, max_length=35, description="A language tag such as he or en-US.")
]


class RegisterDevice(Wire, frozen=True, kw_only=True):
    """Make an installation known, and say how it wants to be spoken to."""

    device: Id
    platform: Platform
    language: Language


class Device(Wire, frozen=True, kw_only=True):
    """An installation as the server knows it."""

    device: Id
    platform: str
    language: str


class AckOnDevice(Wire, frozen=True, kw_only=True):
    """Everything up to here is stored on this device."""

    device: Id
    position: Position


class SignOut(Wire, frozen=True, kw_only=True):
    """The device's sockets are closed, and its tokens issued until now are worth nothing on it any more."""

    device: Id
