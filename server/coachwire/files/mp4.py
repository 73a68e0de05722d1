"""Reads the boxes of an MP4 or QuickTime file: how long it is, and where it tells more than picture and sound.

Nothing is believed: every size is held against the box around it, every count against the bytes there are, and the
number of boxes has a limit. Works on the file, never on a copy in memory."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

MOST_BOXES: Final = 10_000
MOST_TRACKS: Final = 32
MOST_ENTRIES: Final = 200_000  # of a table: an hour at 50 pictures a second
DEEPEST: Final = 8

CONTAINERS: Final = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf"}
)
TELLING: Final = frozenset(
    {b"udta", b"meta", b"uuid", b"XMP_", b"free", b"skip"}
)  # places, cameras, names; leftovers
DATED: Final = frozenset({b"mvhd", b"tkhd", b"mdhd"})
SEEN_AND_HEARD: Final = frozenset({b"vide", b"soun"})


class Malformed(Exception):
    """It is no such file, or a broken one."""


class Box(NamedTuple):
    kind: bytes
    start: int  # of its header
    body: int
    end: int
    depth: int
    parent: "Box | None"


class Film(NamedTuple):
    """`seconds`: the longest that any part of the file says."""

    seconds: float
    boxes: tuple[Box, ...]
    fragmented: bool


def read_film(file: BinaryIO) -> Film:
    """Raises `Malformed`."""
    file.seek(0, 2)
    boxes = tuple(_boxes(file, 0, file.tell(), 0, None))
    heads = [box for box in boxes if box.kind == b"mvhd" and box.parent and box.parent.kind == b"moov"]
    if len(heads) != 1:
        raise Malformed("expected one mvhd")
    seconds = _duration(file, heads[0])
    tracks = [box for box in boxes if box.kind == b"trak"]
    if len(tracks) > MOST_TRACKS:
        raise Malformed("too many tracks")
    for track in tracks:
        seconds = max(seconds, _track_seconds(file, [box for box in boxes if _within(box, track)]))
    return Film(seconds, boxes, any(box.kind in (b"mvex", b"moof") for box in boxes))


def blank(file: BinaryIO, film: Film) -> None:
    """Overwrite in place what tells more than picture and sound: boxes of notes, tracks that are neither (with what
    they refer to), and dates. No offset changes, so nothing else has to."""
    for box in film.boxes:
        if box.kind in TELLING:
            _free(file, box)
        elif box.kind in DATED:
            width = 16 if _at(file, box.body, 1) == b"\1" else 8
            _write_zeros(file, box.body + 4, min(width, box.end - box.body - 4))
    for track in (box for box in film.boxes if box.kind == b"trak"):
        inner = [box for box in film.boxes if _within(box, track)]
        if _handler(file, inner) not in SEEN_AND_HEARD:
            for start, size in _samples(file, inner):
                _write_zeros(file, start, size)
            _free(file, track)


def _boxes(file: BinaryIO, start: int, end: int, depth: int, parent: Box | None) -> Iterator[Box]:
    """In order of the file, a box before what is in it."""
    stack = [(start, end, depth, parent)]
    count = 0
    while stack:
        at, limit, level, around = stack.pop()
        if at == limit:
            continue
        box = _box(file, at, limit, level, around)
        if box is None:
            continue
        count += 1
        if count > MOST_BOXES:
            raise Malformed("too many boxes")
        yield box
        stack.append((box.end, limit, level, around))
        if box.kind in CONTAINERS:
            if level >= DEEPEST:
                raise Malformed("nested too deep")
            stack.append((box.body, box.end, level + 1, box))


def _box(file: BinaryIO, at: int, limit: int, depth: int, parent: Box | None) -> Box | None:
    """None: what is left is too short for a box (QuickTime ends some lists so)."""
    if limit - at < 8:
        if parent is None:
            raise Malformed("ends within a box")
        return None
    size, kind = struct.unpack(">I4s", _at(file, at, 8))
    body = at + 8
    if size == 1:
        if limit - at < 16:
            raise Malformed("ends within a box")
        (size,) = struct.unpack(">Q", _at(file, body, 8))
        body += 8
    elif size == 0:
        if parent is not None:
            if kind == b"\0\0\0\0":
                return None
            raise Malformed("a box without an end")
        size = limit - at
    if size < body - at or size > limit - at:
        raise Malformed("a box larger than what is around it")
    return Box(kind, at, body, at + size, depth, parent)


def _duration(file: BinaryIO, box: Box) -> float:
    """Of mvhd or mdhd, in seconds."""
    version = _at(file, box.body, 1)[0]
    form, at = (">IQ", 20) if version == 1 else (">II", 12)
    if version > 1 or box.end - box.body < at + struct.calcsize(form):
        raise Malformed("a head too short")
    scale, length = struct.unpack(form, _at(file, box.body + at, struct.calcsize(form)))
    if scale == 0:
        raise Malformed("no time scale")
    if length == (2**64 - 1 if version == 1 else 2**32 - 1):
        return 0.0  # unknown, by the standard
    return float(length / scale)


def _track_seconds(file: BinaryIO, inner: list[Box]) -> float:
    """By the track's head and by its table of samples, whichever is longer."""
    head = next((box for box in inner if box.kind == b"mdhd"), None)
    if head is None:
        raise Malformed("a track without a head")
    seconds = _duration(file, head)
    (scale,) = struct.unpack(">I", _at(file, head.body + (20 if _at(file, head.body, 1) == b"\1" else 12), 4))
    for table in (box for box in inner if box.kind == b"stts"):
        ticks = sum(count * delta for count, delta in _table(file, table, ">II"))
        seconds = max(seconds, ticks / scale)
    return seconds


def _handler(file: BinaryIO, inner: list[Box]) -> bytes:
    """What a track is: of its media's hdlr, not of another one inside."""
    for box in inner:
        if box.kind == b"hdlr" and box.parent and box.parent.kind == b"mdia" and box.end - box.body >= 12:
            return _at(file, box.body + 8, 4)
    return b""


def _samples(file: BinaryIO, inner: list[Box]) -> Iterator[tuple[int, int]]:
    """Where the bytes of a track lie: (start, size), never beyond the file."""
    tables = {box.kind: box for box in inner if box.parent and box.parent.kind == b"stbl"}
    offsets = tables.get(b"stco") or tables.get(b"co64")
    if offsets is None or b"stsz" not in tables or b"stsc" not in tables:
        return
    wide = offsets.kind == b"co64"
    chunks = [entry[0] for entry in _table(file, offsets, ">Q" if wide else ">I")]
    runs = _table(file, tables[b"stsc"], ">III")
    sizes = iter(_sizes(file, tables[b"stsz"]))
    file.seek(0, 2)
    total = file.tell()
    for number, (first, per_chunk, _) in enumerate(runs):
        last = runs[number + 1][0] - 1 if number + 1 < len(runs) else len(chunks)
        for chunk in chunks[max(first - 1, 0) : last]:
            at = chunk
            for _ in range(min(per_chunk, MOST_ENTRIES)):
                size = next(sizes, None)
                if size is None:
                    return
                if at + size <= total:
                    yield at, size
                at += size


def _sizes(file: BinaryIO, box: Box) -> list[int]:
    """A size for all, or one each."""
    if box.end - box.body < 12:
        raise Malformed("a table too short")
    size, count = struct.unpack(">II", _at(file, box.body + 4, 8))
    if size:
        return [size] * min(count, MOST_ENTRIES)
    return [entry[0] for entry in _entries(file, box.body + 12, box.end, count, ">I")]


def _table(file: BinaryIO, box: Box, form: str) -> list[tuple[int, ...]]:
    if box.end - box.body < 8:
        raise Malformed("a table too short")
    (count,) = struct.unpack(">I", _at(file, box.body + 4, 4))
    return _entries(file, box.body + 8, box.end, count, form)


def _entries(file: BinaryIO, start: int, end: int, count: int, form: str) -> list[tuple[int, ...]]:
    width = struct.calcsize(form)
    if count > MOST_ENTRIES or count * width > end - start:
        raise Malformed("a table longer than its box, or than anybody's")
    return list(struct.iter_unpack(form, _at(file, start, count * width)))


def _within(box: Box, outer: Box) -> bool:
    return outer.body <= box.start and box.end <= outer.end and box.depth > outer.depth


def _free(file: BinaryIO, box: Box) -> None:
    """A box of this size in which nothing is."""
    file.seek(box.start + 4)
    file.write(b"free")
    _write_zeros(file, box.body, box.end - box.body)


def _write_zeros(file: BinaryIO, start: int, size: int) -> None:
    file.seek(start)
    while size > 0:
        size -= file.write(b"\0" * min(size, 65_536))


def _at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    found = file.read(size)
    if len(found) < size:
        raise Malformed("ends within a box")
    return found
