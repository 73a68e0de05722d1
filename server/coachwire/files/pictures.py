"""Makes a picture anew from its pixels, and a small one of it. Runs in a process of its own (see cleaning.py).

No byte of the sender's choosing is copied: places and cameras (EXIF, XMP, IPTC), comments, and whatever else was hung
on the file stay behind. The turn that EXIF asks for is made, colours are converted to sRGB."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, ImageOps, ImageSequence, PngImagePlugin

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
MOST_PIXELS: Final = 50_000_000  # a phone's 48 megapixels
MOST_FRAMES: Final = 300
MOST_PIXELS_MOVING: Final = 100_000_000  # of all frames together
SMALL: Final = (512, 512)  # at most, of a thumbnail


class Refused(Exception):
    """The argument is the reason."""


def clean_picture(source: Path, mime_type: str, target: Path, thumbnail: Path) -> None:
    """Raises `Refused`, or whatever a decoder raises."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    PngImagePlugin.MAX_TEXT_MEMORY = 1_000_000
    form = FORMATS[mime_type]
    with Image.open(source, formats=(form,)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Refused("too_many_pixels")
        if form in ("GIF", "WEBP") and getattr(picture, "is_animated", False):
            first = _save_moving(picture, form, target)
        else:
            first = _straight(picture)
            _save(first, form, target)
    first.thumbnail(SMALL, Image.Resampling.LANCZOS, reducing_gap=2.0)
    first.save(thumbnail, "WEBP", quality=80, method=4)


def make_thumbnail(source: Path, thumbnail: Path) -> None:
    """Of a picture of our own making, the frame of a video."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(source, formats=("PNG",)) as picture:
        small = picture.convert("RGB")
    small.thumbnail(SMALL, Image.Resampling.LANCZOS, reducing_gap=2.0)
    small.save(thumbnail, "WEBP", quality=80, method=4)


def _straight(picture: Image.Image) -> Image.Image:
    """The pixels, turned as they are to be seen, in sRGB; nothing else of the file."""
    turned = ImageOps.exif_transpose(picture)
    pixels = _in_srgb(turned, picture.info.get("icc_profile"))
    pixels.info.clear()
    return pixels


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    mode = _plain_mode(picture)
    if isinstance(profile, bytes) and picture.mode in ("RGB", "RGBA", "CMYK", "L"):
        try:
            with io.BytesIO(profile) as file:
                converted = ImageCms.profileToProfile(
                    picture,
                    ImageCms.ImageCmsProfile(file),
                    ImageCms.createProfile("sRGB"),
                    outputMode="RGB" if picture.mode == "CMYK" else picture.mode,
                )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile that fits nothing says nothing
        if converted is not None:
            return converted
    if picture.mode.startswith("I"):  # 16 bits of grey
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return picture.convert(mode) if mode != picture.mode else picture.copy()


def _plain_mode(picture: Image.Image) -> str:
    """What all formats here can hold."""
    if picture.has_transparency_data:
        return "RGBA"
    return picture.mode if picture.mode in ("L", "RGB") else "L" if picture.mode == "1" else "RGB"


def _save(picture: Image.Image, form: str, target: Path) -> None:
    match form:
        case "JPEG":
            picture.convert("RGB" if picture.mode != "L" else "L").save(target, form, quality=85)
        case "WEBP":
            picture.save(target, form, quality=90, method=4)
        case _:
            picture.save(target, form)


def _save_moving(picture: Image.Image, form: str, target: Path) -> Image.Image:
    """Frame by frame. Returns the first."""
    size = picture.width * picture.height
    durations: list[int] = []
    loop = picture.info.get("loop", 1 if form == "GIF" else 0)

    def frames() -> Iterator[Image.Image]:
        for frame in ImageSequence.Iterator(picture):
            if len(durations) == MOST_FRAMES or (len(durations) + 1) * size > MOST_PIXELS_MOVING:
                raise Refused("too_many_frames")
            durations.append(max(20, int(frame.info.get("duration", 100) or 100)))
            pixels = frame.convert("RGBA" if frame.has_transparency_data else "RGB")
            pixels.info.clear()
            yield pixels

    all_frames = list(frames())
    options = {} if form == "GIF" and "loop" not in picture.info else {"loop": loop}
    all_frames[0].save(
        target,
        form,
        save_all=True,
        append_images=all_frames[1:],
        duration=durations,
        **options,
        **({"disposal": 2} if form == "GIF" else {"quality": 80, "method": 2}),
    )
    return all_frames[0].copy()
