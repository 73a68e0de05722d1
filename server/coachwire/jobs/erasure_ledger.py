"""Which erasures there were, in the blob store: ids only, as keys. No restored backup of the database undoes them."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from coachwire.blobs import Blobs

FOLDER: Final = "erasures"
EVERYWHERE: Final = "everywhere"
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY = re.compile(rf"{FOLDER}/({_ID})/({_ID}|{EVERYWHERE})/({_ID})\.json")


class Entry(NamedTuple):
    job_id: str
    user_id: str
    organization_id: str | None  # None: the person

    @property
    def key(self) -> str:
        return f"{FOLDER}/{self.user_id}/{self.organization_id or EVERYWHERE}/{self.job_id}.json"


async def note(blobs: Blobs, entry: Entry) -> None:
    """Write it down; harmless when repeated. May raise `Unavailable`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "entry"
        path.write_bytes(b"{}\n")  # all of it is in the key
        await blobs.put(entry.key, path, "application/json")


async def entries(blobs: Blobs) -> list[Entry]:
    """All that were noted. May raise `Unavailable`."""
    return [
        Entry(job_id=found[3], user_id=found[1], organization_id=None if found[2] == EVERYWHERE else found[2])
        for found in map(_KEY.fullmatch, await blobs.below(FOLDER))
        if found
    ]
