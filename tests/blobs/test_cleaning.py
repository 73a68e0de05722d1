"""What becomes of a file in the process that cleans it: good ones lose what they tell, bad ones are refused, alone."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from coachwire.files.processing import clean_beside
from PIL import Image

from ..files import (
    SECRET,
    box,
    film,
    head,
    huge_png,
    moving_picture,
    needs_ffmpeg,
    picture,
    plays,
    recorded,
    saved,
    telling_film,
    telling_picture,
    track,
)

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
HTML = b"<html><script>alert(1)</script></html>"
ZIP = b"PK\x03\x04 and so on PK\x05\x06" + b"\0" * 18


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (place := tmp_path / "file").mkdir()
    return place


@pytest.fixture
def without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


async def cleaned(folder: Path, body: bytes, mime_type: str) -> tuple[str, bytes, bytes]:
    """The answer, the clean file and its thumbnail."""
    (folder / "original").write_bytes(body)
    answer = await clean_beside(folder, mime_type)
    clean, thumbnail = folder / "clean", folder / "thumbnail.webp"
    return (
        answer,
        clean.read_bytes() if clean.exists() else b"",
        thumbnail.read_bytes() if thumbnail.exists() else b"",
    )


@pytest.mark.parametrize("form", TYPES)
async def test_a_picture_keeps_its_looks_and_loses_what_it_tells(folder: Path, form: str) -> None:
    body = telling_picture(form)
    assert SECRET in body or form == "PNG"
    answer, clean, thumbnail = await cleaned(folder, body, TYPES[form])
    assert answer == "clean"
    assert SECRET not in clean + thumbnail
    with Image.open(io.BytesIO(clean)) as image, Image.open(io.BytesIO(thumbnail)) as small:
        assert image.format == form
        assert (small.format, small.size) == ("WEBP", image.size)
        assert not image.getexif()
        assert not {"exif", "xmp", "comment", "Comment", "XML:com.adobe.xmp"} & image.info.keys()
        turned = form != "GIF"  # which has no EXIF
        assert image.size == ((30, 40) if turned else (40, 30))
        red, blue = ((15, 5), (15, 35)) if turned else ((5, 15), (35, 15))
        for shown in (image, small):
            assert _is_near(shown, red, (255, 0, 0))
            assert _is_near(shown, blue, (0, 0, 255))


async def test_a_large_picture_has_a_small_one(folder: Path) -> None:
    _, clean, thumbnail = await cleaned(folder, picture("JPEG", (1600, 900)), "image/jpeg")
    with Image.open(io.BytesIO(clean)) as image, Image.open(io.BytesIO(thumbnail)) as small:
        assert (image.size, small.size) == ((1600, 900), (512, 288))


async def test_of_the_two_pictures_that_some_phones_put_into_one_the_first_stays(folder: Path) -> None:
    first, second = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (30, 20), "blue")
    answer, clean, _ = await cleaned(
        folder, saved(first, "MPO", save_all=True, append_images=[second]), "image/jpeg"
    )
    assert answer == "clean"
    with Image.open(io.BytesIO(clean)) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("JPEG", 1)
        assert _is_near(image, (15, 10), (255, 0, 0))


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
async def test_a_moving_picture_goes_on_moving(folder: Path, form: str) -> None:
    answer, clean, thumbnail = await cleaned(folder, moving_picture(form), TYPES[form])
    assert answer == "clean"
    assert thumbnail
    with Image.open(io.BytesIO(clean)) as image:
        assert getattr(image, "n_frames", 1) == 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
async def test_every_mode_of_png_is_taken(folder: Path, mode: str) -> None:
    image = Image.new("L", (9, 9), 130) if mode != "I;16" else Image.new(mode, (9, 9), 130 * 256)
    body = saved(image.convert(mode) if image.mode != mode else image, "PNG")
    answer, clean, _ = await cleaned(folder, body, "image/png")
    assert answer == "clean"
    with Image.open(io.BytesIO(clean)) as shown:
        assert _is_near(shown, (4, 4), (255, 255, 255) if mode == "1" else (130, 130, 130))


async def test_a_picture_for_print_and_one_of_a_profile_are_shown_in_plain_colours(folder: Path) -> None:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for body in (
        saved(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"),
        picture("JPEG", icc_profile=lab),
        picture("JPEG", icc_profile=b"no profile"),
    ):
        answer, clean, _ = await cleaned(folder, body, "image/jpeg")
        assert answer == "clean"
        with Image.open(io.BytesIO(clean)) as image:
            assert image.mode == "RGB"
            assert "icc_profile" not in image.info
            assert _is_near(image, (3, 3), (255, 0, 0))


@pytest.mark.parametrize("hidden", [HTML, ZIP], ids=["html", "zip"])
@pytest.mark.parametrize("form", TYPES)
async def test_what_hangs_on_a_picture_stays_behind(folder: Path, form: str, hidden: bytes) -> None:
    answer, clean, thumbnail = await cleaned(folder, picture(form) + hidden, TYPES[form])
    assert answer == "clean"
    assert hidden not in clean + thumbnail


BAD: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nothing": (lambda: b"", "image/jpeg", "unreadable"),
    "one byte": (lambda: b"\xff", "image/jpeg", "unreadable"),
    "only a head": (lambda: b"\xff\xd8\xff\xe0", "image/jpeg", "unreadable"),
    "noise": (lambda: bytes(range(256)) * 400, "image/png", "unreadable"),
    "half a jpeg": (lambda: picture("JPEG", (900, 900))[:4000], "image/jpeg", "unreadable"),
    "half a png": (lambda: picture("PNG", (900, 900))[:-900], "image/png", "unreadable"),
    "half a gif": (lambda: moving_picture("GIF", 3, (200, 200))[:-300], "image/gif", "unreadable"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/jpeg", "unreadable"),
    "html": (lambda: HTML, "image/jpeg", "unreadable"),
    "another kind": (lambda: picture("PNG"), "image/jpeg", "unreadable"),
    "a format of nobody's": (lambda: saved(Image.new("RGB", (9, 9)), "TIFF"), "image/jpeg", "unreadable"),
    "50,000 pixels": (lambda: huge_png(50_000, 50_000), "image/png", "too_many_pixels"),
    "60 megapixels": (lambda: huge_png(10_000, 6_000), "image/png", "too_many_pixels"),
    "thousands of frames": (lambda: moving_picture("GIF", 4_000), "image/gif", "too_many_frames"),
    "hundreds of webp frames": (lambda: moving_picture("WEBP", 400), "image/webp", "too_many_frames"),
    "nothing of a video": (lambda: b"", "video/mp4", "unreadable"),
    "a video without boxes": (lambda: b"\0\0\0\x18ftypmp42" + b"\0" * 12, "video/mp4", "unreadable"),
    "no mvhd": (lambda: film(track(b"vide", 1, [])), "video/mp4", "unreadable"),
    "two mvhd": (lambda: film(head(b"mvhd", 1), head(b"mvhd", 1)), "video/mp4", "unreadable"),
    "61 s": (lambda: film(head(b"mvhd", 61), track(b"vide", 61, [])), "video/mp4", "too_long"),
    "a head that lies": (lambda: film(head(b"mvhd", 5), track(b"vide", 600, [])), "video/mp4", "too_long"),
    "a table that tells": (
        lambda: film(head(b"mvhd", 5), _changed(track(b"vide", 5, [(0, 1)]), b"stts", 12, b"\0\xff\xff\xff")),
        "video/mp4",
        "too_long",
    ),
    "a length of 64 bits": (
        lambda: film(box(b"mvhd", b"\1" + b"\0" * 19, b"\0\0\0\1", b"\xff" * 7 + b"\xfe", b"\0" * 80)),
        "video/mp4",
        "too_long",
    ),
    "no time scale": (lambda: film(head(b"mvhd", 5).replace(b"\0\0\x03\xe8", b"\0\0\0\0")), "video/mp4", "unreadable"),
    "a size of 64 bits": (
        lambda: film() + b"\0\0\0\1mdat" + b"\xff" * 8,
        "video/mp4",
        "unreadable",
    ),
    "a box larger than all": (lambda: film(head(b"mvhd", 1)) + b"\x7f\xff\xff\xffmdat", "video/mp4", "unreadable"),
    "a box smaller than its head": (lambda: film(head(b"mvhd", 1)) + b"\0\0\0\7mdat", "video/mp4", "unreadable"),
    "boxes without end": (lambda: film(head(b"mvhd", 1), b"\0\0\0\x08free" * 20_000), "video/mp4", "unreadable"),
    "boxes in boxes": (lambda: film(head(b"mvhd", 1), _nested(60)), "video/mp4", "unreadable"),
    "a table of billions": (
        lambda: film(head(b"mvhd", 1), _changed(track(b"vide", 1, []), b"stts", 4, b"\xff\xff\xff\xff")),
        "video/mp4",
        "unreadable",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_is_refused_for_its_reason(folder: Path, name: str) -> None:
    make, mime_type, reason = BAD[name]
    answer, _, _ = await cleaned(folder, make(), mime_type)
    assert answer == reason


@pytest.mark.usefixtures("without_ffmpeg")
async def test_without_ffmpeg_what_a_video_tells_is_blanked_in_place(folder: Path) -> None:
    body = telling_film()
    assert body.count(SECRET) == 5
    answer, clean, thumbnail = await cleaned(folder, body, "video/mp4")
    assert (answer, thumbnail) == ("clean", b"")
    assert len(clean) == len(body)
    assert SECRET not in clean
    assert b"\1\2\3\4" not in clean  # dates
    assert b"SOUND" in clean
    assert clean.count(b"trak") == 1


@pytest.mark.usefixtures("without_ffmpeg")
async def test_without_ffmpeg_fragments_are_refused(folder: Path) -> None:
    body = film(head(b"mvhd", 0), box(b"mvex", box(b"trex", b"\0" * 24)))
    assert (await cleaned(folder, body, "video/mp4"))[0] == "unreadable"


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "mime_type"), [("video.mp4", "video/mp4"), ("video.mov", "video/quicktime")]
)
async def test_a_video_is_packed_anew_and_has_a_picture(
    folder: Path, tmp_path: Path, name: str, mime_type: str
) -> None:
    place = "com.apple.quicktime.location.ISO6709"
    body = recorded(
        tmp_path,
        2,
        *("-metadata", f"{place}=+32.08+034.78/", "-metadata", f"title={SECRET.decode()}"),
        *("-movflags", "use_metadata_tags"),
        name=name,
    )
    assert SECRET in body
    assert b"+32.08" in body
    answer, clean, thumbnail = await cleaned(folder, body, mime_type)
    assert answer == "clean"
    assert SECRET not in clean
    assert b"+32.08" not in clean
    assert b"Lavf" not in clean
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert small.format == "WEBP"
    assert plays(clean, tmp_path)


@needs_ffmpeg
async def test_a_video_in_fragments_is_put_together_and_measured(folder: Path, tmp_path: Path) -> None:
    fragments = ("-movflags", "frag_keyframe+empty_moov")
    answer, clean, _ = await cleaned(folder, recorded(tmp_path, 2, *fragments), "video/mp4")
    assert answer == "clean"
    assert b"moof" not in clean
    answer, _, _ = await cleaned(folder, recorded(tmp_path, 63, *fragments), "video/mp4")
    assert answer == "too_long"


@needs_ffmpeg
async def test_a_minute_is_taken_and_more_is_not(folder: Path, tmp_path: Path) -> None:
    assert (await cleaned(folder, recorded(tmp_path, 60), "video/mp4"))[0] == "clean"
    assert (await cleaned(folder, recorded(tmp_path, 61), "video/mp4"))[0] == "too_long"


@needs_ffmpeg
async def test_half_a_video_is_refused(folder: Path, tmp_path: Path) -> None:
    body = recorded(tmp_path, 2)
    for part in (body[: len(body) // 2], body[:-10], body[len(body) // 2 :]):
        assert (await cleaned(folder, part, "video/mp4"))[0] == "unreadable"


def _changed(body: bytes, kind: bytes, after: int, new: bytes) -> bytes:
    """With other bytes so far into the box of this kind."""
    at = body.index(kind) + len(kind) + after
    return body[:at] + new + body[at + len(new) :]


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(b"trak", inner)
    return inner


def _is_near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found = image.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(one - other) < 30 for one, other in zip(found, colour, strict=True))
