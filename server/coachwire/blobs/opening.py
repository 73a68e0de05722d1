"""Which store the settings mean."""

from coachwire.address import PublicAddress
from coachwire.blobs import Blobs
from coachwire.blobs.local import LocalBlobs
from coachwire.blobs.s3 import S3Blobs
from coachwire.settings import Settings


async def open_blobs(settings: Settings, address: PublicAddress) -> Blobs:
    """A bucket when one is set, else a folder below `home`. Whoever opens it closes it."""
    if settings.s3 is not None:
        return await S3Blobs.open(settings.s3)
    return LocalBlobs(settings.home / "blobs", address)
