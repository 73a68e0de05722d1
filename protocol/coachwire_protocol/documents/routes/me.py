"""The caller: the state to begin from, the stream without a socket, devices."""

from typing import Final

from ...conversations import Sync, SyncState
from ...devices import AckOnDevice, Device, RegisterDevice, SignOut
from ...errors import Forbidden, NotFound
from ...polling import PollEvents, StreamPart
from .route import Route

DEVICE: Final = "/v1/me/devices/{device}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/sync",
        name="sync",
        summary="The state to begin from, in one snapshot.",
        asks=Sync,
        answers=SyncState,
        refusals=(Forbidden,),
    ),
    Route(
        method="GET",
        path="/v1/events",
        name="pollEvents",
        summary="The user stream for who has no socket.",
        asks=PollEvents,
        answers=StreamPart,
    ),
    Route(
        method="PUT",
        path=DEVICE,
        name="registerDevice",
        summary="Make an installation known.",
        asks=RegisterDevice,
        answers=Device,
    ),
    Route(
        method="DELETE",
        path=DEVICE,
        name="signOut",
        summary="Sign a device out.",
        asks=SignOut,
        answers=None,
    ),
    Route(
        method="PUT",
        path=f"{DEVICE}/ack",
        name="acknowledge",
        summary="Say through which position the device has stored the stream.",
        asks=AckOnDevice,
        answers=None,
        refusals=(NotFound,),
    ),
)
