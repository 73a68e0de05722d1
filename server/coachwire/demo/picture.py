"""The picture of the demo: the curve of somebody's squats, drawn here, as an upload would leave it."""

import asyncio
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from coachwire.blobs import Blobs
from coachwire.seed.talk import Tx

SIZE = (960, 640)
SMALL = (360, 240)
KILOS = (60, 62, 61, 65, 67, 66, 70, 71, 75, 74, 78, 80)
GROUND, GRID, CURVE = (18, 58, 54), (38, 84, 79), (244, 196, 96)


async def add_picture(tx: Tx, blobs: Blobs, message_id: UUID, at: datetime) -> None:
    """Attached to a message that is there. Raises `Unavailable` when the store is away."""
    attachment_id = uuid4()
    key, small = f"demo/{attachment_id}.png", f"demo/{attachment_id}_t.png"
    with TemporaryDirectory() as folder:
        whole, thumbnail = Path(folder) / "whole.png", Path(folder) / "thumbnail.png"
        await asyncio.to_thread(draw, whole, thumbnail)
        size = whole.stat().st_size
        await blobs.put(key, whole, "image/png")
        await blobs.put(small, thumbnail, "image/png")
    await tx.execute(
        "insert into message_attachments"
        " (id, message_id, type, r2_key, size, mime_type, thumbnail_r2_key, created_at)"
        " values ($1, $2, 'image', $3, $4, 'image/png', $5, $6)",
        attachment_id,
        message_id,
        key,
        size,
        small,
        at,
    )


def draw(whole: Path, thumbnail: Path) -> None:
    from PIL import Image, ImageDraw  # slow to import, and needed once in a demo's life

    width, height = SIZE
    image = Image.new("RGB", SIZE, GROUND)
    pencil = ImageDraw.Draw(image)
    for line in range(1, 8):
        y = height * line // 8
        pencil.line((40, y, width - 40, y), fill=GRID, width=2)
    step = (width - 120) / (len(KILOS) - 1)
    points = [
        (60 + place * step, height - 60 - (kilos - min(KILOS)) * 24) for place, kilos in enumerate(KILOS)
    ]
    pencil.line(points, fill=CURVE, width=8, joint="curve")
    for x, y in points:
        pencil.ellipse((x - 9, y - 9, x + 9, y + 9), fill=CURVE)
    image.save(whole, optimize=True)
    image.resize(SMALL).save(thumbnail, optimize=True)
