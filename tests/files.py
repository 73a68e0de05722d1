"""Pictures and videos for the tests, good and bad ones, made where they are needed."""

import io
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

SECRET = b"where we live"
FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="NO FFMPEG, what it does stays untried")


def picture(form: str = "JPEG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """Its left half is red, its right half blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    return saved(image, form, **options)


def telling_picture(form: str = "JPEG") -> bytes:
    """Turned by EXIF so that red is above, with the place where it was taken, and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    exif[0x010F] = SECRET.decode()
    exif[0x8825] = {1: "N", 2: (32.0, 5.0, 7.0), 3: "E", 4: (34.0, 46.0, 1.0)}
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    match form:
        case "PNG":
            notes = PngImagePlugin.PngInfo()
            notes.add_text("Comment", SECRET.decode())
            return picture(form, exif=exif, pnginfo=notes)
        case "GIF":
            return picture(form, comment=SECRET)
        case "WEBP":
            return picture(form, exif=exif, xmp=xmp)
        case _:
            return picture(form, exif=exif, xmp=xmp, comment=SECRET)


def moving_picture(form: str, frames: int = 3, size: tuple[int, int] = (8, 8)) -> bytes:
    first, *rest = [Image.new("RGB", size, (i % 256, i // 256, 40 * (i % 5))) for i in range(frames)]
    return saved(first, form, save_all=True, append_images=rest, duration=50, loop=0)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A picture of one colour that says how large it is, in few bytes."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + b"\0" * (width // 8)
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def head(kind: bytes, seconds: float, scale: int = 1000) -> bytes:
    """An mvhd or mdhd of version 0."""
    return box(kind, b"\0" * 4, b"\1\2\3\4" * 2, struct.pack(">II", scale, int(seconds * scale)), b"\0" * 80)


def track(handler: bytes, seconds: float, samples: list[tuple[int, int]], *more: bytes) -> bytes:
    """Its samples lie at these (start, size), a chunk each."""
    sizes = b"".join(struct.pack(">I", size) for _, size in samples)
    places = b"".join(struct.pack(">I", at) for at, _ in samples)
    ticks = int(1000 * seconds / max(len(samples), 1))
    table = box(
        b"stbl",
        box(b"stts", b"\0" * 4, struct.pack(">III", 1, len(samples), ticks)),
        box(b"stsz", b"\0" * 4, struct.pack(">II", 0, len(samples)), sizes),
        box(b"stsc", b"\0" * 4, struct.pack(">IIII", 1, 1, 1, 1)),
        box(b"stco", b"\0" * 4, struct.pack(">I", len(samples)), places),
    )  # fmt: skip
    media = box(
        b"mdia",
        head(b"mdhd", seconds),
        box(b"hdlr", b"\0" * 8, handler, b"\0" * 13),
        box(b"minf", table),
    )
    return box(b"trak", media, *more)


def film(*in_moov: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """A file of boxes: no picture that a player would show, but what the boxes say."""
    return box(b"ftyp", b"mp42\0\0\0\0mp42isom") + before + box(b"moov", *in_moov) + after


def telling_film() -> bytes:
    """With a place in udta, one in a track of its own, and sound."""
    ftyp = len(film()) - 8
    mdat = box(b"mdat", b"SOUND", SECRET)
    sound, place = (ftyp + 8, 5), (ftyp + 13, len(SECRET))
    return film(
        head(b"mvhd", 1.5),
        track(b"soun", 1.5, [sound], box(b"udta", SECRET)),
        track(b"meta", 1.5, [place]),
        box(b"udta", box(b"\xa9xyz", SECRET)),
        box(b"meta", SECRET),
        before=mdat,
        after=box(b"uuid", b"u" * 16, SECRET),
    )


def recorded(tmp_path: Path, seconds: float, *options: str, name: str = "video.mp4") -> bytes:
    """By ffmpeg."""
    assert FFMPEG is not None
    path = tmp_path / name
    subprocess.run(
        [
            *(FFMPEG, "-nostdin", "-loglevel", "error", "-y"),
            *("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10", "-f", "lavfi", "-i", "sine=frequency=440"),
            *("-t", str(seconds), "-c:v", "mpeg4", "-c:a", "aac", *options, str(path)),
        ],
        check=True,
    )
    return path.read_bytes()


def plays(body: bytes, tmp_path: Path) -> bool:
    """Whether ffmpeg decodes it to the end without a complaint."""
    path = tmp_path / "to-play"
    path.write_bytes(body)
    run = [str(FFMPEG), "-nostdin", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(run, check=False).returncode == 0
