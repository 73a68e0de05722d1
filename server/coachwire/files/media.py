"""What the first bytes of a file say that it is."""

from typing import Final

START: Final = 32  # bytes that are enough

_BRANDS_OF_QUICKTIME: Final = frozenset({b"qt  "})
# Brands of ISO base media that phones, browsers and ffmpeg give to MP4; pictures (heic, avif) and music have others.
_BRANDS_OF_MP4: Final = frozenset(
    {b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"}
    | {b"mp41", b"mp42", b"mp71", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash", b"f4v "}
    | {b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3g2a", b"mmp4", b"XAVC"}
)
# QuickTime older than brands begins with one of its boxes.
_BOXES_OF_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})


def is_what_it_says(mime_type: str, start: bytes) -> bool:
    """MP4 and QuickTime are one kind of file with two names; phones mix them up, and players read both."""
    return sniff(start) == mime_type or {sniff(start), mime_type} == {"video/mp4", "video/quicktime"}


def sniff(start: bytes) -> str | None:
    """The type, or None for what we take from nobody."""
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand in _BRANDS_OF_QUICKTIME:
            return "video/quicktime"
        return "video/mp4" if brand in _BRANDS_OF_MP4 else None
    return "video/quicktime" if start[4:8] in _BOXES_OF_QUICKTIME else None
