"""Takes from a video all but picture and sound, and its first picture. Runs in a process of its own (see cleaning.py).

With ffmpeg the streams are packed anew, as they are. Without it, what tells more is blanked where it stands, there is
no first picture, and a file in fragments is refused: its length is not written in one place."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from coachwire.files.mp4 import Malformed, blank, read_film
from coachwire.files.pictures import Refused, make_thumbnail

MOST_SECONDS: Final = 60.5  # a minute, and what a phone takes to stop
FORMATS: Final = {"video/mp4": "mp4", "video/quicktime": "mov"}
WAIT: Final = 25  # s for a run of ffmpeg; the process that runs it has a limit as well


def clean_video(source: Path, mime_type: str, target: Path, thumbnail: Path, ffmpeg: str | None) -> None:
    """Raises `Refused`."""
    try:
        with source.open("rb") as file:
            film = read_film(file)
        if film.seconds > MOST_SECONDS:
            raise Refused("too_long")
        if ffmpeg is None:
            if film.fragmented or film.seconds <= 0:
                raise Refused("unreadable")
            shutil.copyfile(source, target)
            with target.open("r+b") as file:
                blank(file, film)
            return
        _pack_anew(ffmpeg, source, mime_type, target)
        with target.open("rb") as file:
            packed = read_film(file)
    except Malformed:
        raise Refused("unreadable") from None
    if packed.seconds <= 0:
        raise Refused("unreadable")
    if packed.seconds > MOST_SECONDS:
        raise Refused("too_long")
    _picture_of(ffmpeg, target, thumbnail)


def _pack_anew(ffmpeg: str, source: Path, mime_type: str, target: Path) -> None:
    """One stream of pictures, one of sound if there is any; no notes, chapters, dates, places or other streams."""
    _run(
        ffmpeg,
        *_from(source),
        *("-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1"),
        *(
            "-fflags",
            "+bitexact",
            "-flags:v",
            "+bitexact",
            "-flags:a",
            "+bitexact",
            "-movflags",
            "+faststart",
        ),
        *("-f", FORMATS[mime_type], str(target)),
    )


def _picture_of(ffmpeg: str, source: Path, thumbnail: Path) -> None:
    """A video without a picture that can be decoded is shown without one."""
    picture = thumbnail.with_name("picture.png")
    try:
        _run(
            ffmpeg,
            *_from(source),
            *("-frames:v", "1", "-vf", "scale=512:512:force_original_aspect_ratio=decrease"),
            *("-f", "image2", "-c:v", "png", "-threads", "1", "-update", "1", str(picture)),
        )
        make_thumbnail(picture, thumbnail)
    except (Refused, OSError):
        thumbnail.unlink(missing_ok=True)


def _from(source: Path) -> list[str]:
    """This file only, and only as what it is: no lists of other files, no addresses."""
    return ["-protocol_whitelist", "file", "-f", "mov", "-threads", "1", "-i", f"file:{source}"]


def _run(ffmpeg: str, *arguments: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own arguments
            [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-y", *arguments],
            check=True,
            timeout=WAIT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.SubprocessError:
        raise Refused("unreadable") from None
