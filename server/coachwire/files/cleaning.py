"""A process for one file: takes from it what its sender did not mean to tell, makes a thumbnail, and ends.

Decoders meet bytes of strangers here and nowhere else: with a limit on memory, time, files and their size, with no
environment, with sight of programs and of their own folder only, and with nothing on standard output but what became
of it: `clean` or a reason to refuse."""

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from coachwire.files.fence import fence_in

MEMORY: Final = 1_200_000_000  # bytes of addresses; 50 megapixels, twice, and the libraries
CPU: Final = 30  # s
WALL: Final = 45.0  # s, for who waits
LARGEST: Final = 120_000_000  # bytes of a file it writes
OPEN: Final = 64  # files
NICE: Final = 10  # requests come first

# Where systems keep programs and their libraries. Not /proc, where the server's secrets stand, and nobody's home.
PROGRAMS: Final = (
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/opt",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
)

ORIGINAL, CLEAN, THUMBNAIL = "original", "clean", "thumbnail.webp"
ANSWERED: Final = "answered:"


def main() -> None:
    """`python -I -m coachwire.files.cleaning <folder> <type> <ffmpeg, or nothing>`; the folder holds the original."""
    hold_to_limits()
    folder, mime_type, ffmpeg = Path(sys.argv[1]), sys.argv[2], sys.argv[3] or None
    os.chdir(folder)
    fence_in(
        readable=[*PROGRAMS, *sys.path, sys.prefix, sys.base_prefix, ffmpeg or ""],
        writable=[str(folder), "/dev/null"],
    )
    sys.stdout.write(ANSWERED + clean(folder, mime_type, ffmpeg))


def hold_to_limits() -> None:
    """From here on, for this process and all that it starts."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU),
        (resource.RLIMIT_FSIZE, LARGEST),
        (resource.RLIMIT_NOFILE, OPEN),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    signal.alarm(int(WALL) + 5)  # should nobody be left who waits
    os.nice(NICE)


def clean(folder: Path, mime_type: str, ffmpeg: str | None) -> str:
    """`clean`, or the reason to refuse the original."""
    # Only now: the libraries come under the limits as well.
    import warnings

    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    from coachwire.files.pictures import Refused, clean_picture
    from coachwire.files.videos import clean_video

    original, target, thumbnail = folder / ORIGINAL, folder / CLEAN, folder / THUMBNAIL
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", DecompressionBombWarning)
    try:
        if mime_type.startswith("video/"):
            clean_video(original, mime_type, target, thumbnail, ffmpeg)
        else:
            clean_picture(original, mime_type, target, thumbnail)
    except Refused as refused:
        return str(refused)
    except (DecompressionBombError, DecompressionBombWarning):
        return "too_many_pixels"
    except Exception:  # decoders raise whatever they like, and it is never about anything but the file
        return "unreadable"
    return "clean"


if __name__ == "__main__":
    main()
