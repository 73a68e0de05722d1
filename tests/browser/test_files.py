"""Pictures from one window to the other."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ..files import FFMPEG, recorded
from ..instances import Instance
from .conftest import OpenWindow
from .window import Window, expect

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

COACH, MEMBER = "Noa Mizrahi", "Tom Baker"
SHOWN = "image => image.complete && image.naturalWidth"


def picture(name: str = "bar.png") -> "FilePayload":
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (15, 118, 110)).save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


async def choose(window: Window, *files: "FilePayload") -> None:
    await window.page.locator(".composer input[type=file]").set_input_files(list(files))
    await expect(window.page.locator(".tray li")).to_have_count(len(files))


async def test_pictures_are_sent_with_words_and_shown_large(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    await choose(member, picture("one.png"), picture("two.png"))
    await member.write("Lockout!")
    for one in (coach, member):
        pictures = one.message("Lockout!").locator(".picture img")
        await expect(pictures).to_have_count(2)
        for place in range(2):
            await pictures.nth(place).scroll_into_view_if_needed()
            handle = await pictures.nth(place).element_handle()
            await one.page.wait_for_function(SHOWN, arg=handle)
    await expect(member.tick("Lockout!")).to_have_attribute("aria-label", "Read")
    await expect(member.page.locator(".tray")).to_be_hidden()

    await coach.message("Lockout!").locator(".picture").first.click()
    await expect(coach.page.locator(".lightbox img")).to_be_visible()
    await coach.page.keyboard.press("Escape")
    await expect(coach.page.locator(".lightbox")).to_be_hidden()


@pytest.mark.skipif(FFMPEG is None, reason="NO FFMPEG, no video is sent")
async def test_a_video_is_sent_and_plays(window: OpenWindow, tmp_path: Path) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    film = recorded(tmp_path, 1.0, "-c:v", "libx264", "-pix_fmt", "yuv420p")
    await choose(member, {"name": "squat.mp4", "mimeType": "video/mp4", "buffer": film})
    await member.write("How deep?")
    await coach.message("How deep?").get_by_role("button", name="Play the video").click()
    video = coach.page.locator(".lightbox video")
    await expect(video).to_be_visible()
    handle = await video.element_handle()
    await coach.page.wait_for_function("video => video.readyState >= 2 && video.videoWidth > 0", arg=handle)


async def test_a_message_with_a_picture_survives_a_reload_while_the_server_is_away(
    server: Instance, window: OpenWindow
) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    server.kill()
    await server.exit_code()
    await choose(member, picture())
    await member.write("from the basement", "and some words")
    left = await member.shut()
    await server.start()
    await member.back(left)
    await coach.comes_back()
    for one in (coach, member):
        await expect(one.message("from the basement").locator(".picture")).to_have_count(1)
        await expect(one.message("and some words")).to_have_count(1)
    seen = await coach.texts()
    assert seen[-2:] == ["from the basement", "and some words"]
    assert seen == await member.texts()


async def test_a_file_that_is_no_picture_is_not_taken_and_the_page_says_why(window: OpenWindow) -> None:
    coach = await window("coach")
    await coach.open(MEMBER)
    file: FilePayload = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    await coach.page.locator(".composer input[type=file]").set_input_files(file)
    await expect(coach.page.locator(".composer-hint")).to_contain_text("plan.pdf: only pictures")
    await expect(coach.page.locator(".tray li")).to_have_count(0)
