"""What only the folder has to see to: paths, leftovers, a disk that takes nothing, and who else reads it."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from coachwire.blobs import Blobs
from coachwire.blobs.local import LocalBlobs, WrongSize
from coachwire_protocol.errors import Unavailable


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs", lambda: "http://files.test")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "key", ["../x.jpg", "a/../../x", "/etc/passwd", "a//b", "a/./b", ".secret", "a/.b", "", "a\0b", "a%2e", "a\\b", "ä"]
)  # fmt: skip
async def test_what_is_no_key_leads_nowhere(blobs: LocalBlobs, key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a key"):
        await blobs.receive(key, 1, chunks(b"x"))
    with pytest.raises(ValueError, match="expected a key"):
        blobs.find(key)
    assert files_below(tmp_path) == []


async def test_what_ends_early_or_goes_on_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    for parts in ((b"ab",), (b"ab", b"cd"), ()):
        with pytest.raises(WrongSize):
            await blobs.receive("a.jpg", 3, chunks(*parts))
    assert files_below(tmp_path) == []
    await blobs.receive("a.jpg", 3, chunks(b"ab", b"c"))
    assert files_below(tmp_path) == ["blobs/a.jpg"]


async def test_what_a_killed_server_began_is_cleared_up(blobs: LocalBlobs, tmp_path: Path) -> None:
    parts = tmp_path / "blobs" / ".parts"
    parts.mkdir(parents=True)
    for name, age in (("old", 3700), ("young", 10)):
        (parts / name).touch()
        os.utime(parts / name, (time.time() - age,) * 2)
    await blobs.receive("a.jpg", 1, chunks(b"x"))
    assert files_below(tmp_path) == ["blobs/.parts/young", "blobs/a.jpg"]


async def test_nobody_else_on_the_machine_reads_it(blobs: LocalBlobs, tmp_path: Path) -> None:
    blobs.presign_get("a.jpg")
    await blobs.receive("b/a.jpg", 1, chunks(b"x"))
    for path in (tmp_path / "blobs").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_workers_of_a_machine_and_later_starts_know_each_others_links(tmp_path: Path) -> None:
    one, other = [LocalBlobs(tmp_path / "blobs", lambda: "http://files.test") for _ in range(2)]
    link = one.presign_get("a.jpg")
    query = dict(part.split("=") for part in link.partition("?")[2].split("&"))
    assert other.may_get("a.jpg", query["expires"], query["signature"])
    stranger = LocalBlobs(tmp_path / "elsewhere", lambda: "http://files.test")
    assert not stranger.may_get("a.jpg", query["expires"], query["signature"])


async def test_a_disk_that_takes_nothing_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blobs: Blobs = LocalBlobs(tmp_path / "file" / "blobs", lambda: "http://files.test")
    with pytest.raises(Unavailable):
        blobs.presign_get("a.jpg")
    with pytest.raises(Unavailable):
        await blobs.put("a.jpg", tmp_path / "file", "image/jpeg")
    assert await blobs.head("a.jpg") is None
