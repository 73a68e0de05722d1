"""What people call themselves, say and send is text on the page, whatever it looks like."""

from typing import TYPE_CHECKING

import asyncpg

from .conftest import OpenWindow
from .test_threads import comment, open_workout, say
from .window import Window, expect

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

MEMBER = "Tom Baker"
MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script><b>bold</b>{{7*7}}${document.title=3}'
NAME = "<b>Noa</b><script>document.title=4</script>"
LINK = "javascript:document.title=5 data:text/html,<script>1</script> \u202egpj.exe"


async def is_text(window: Window) -> None:
    """Nothing that somebody wrote became an element, ran, or was asked for. (The policy would have complained on the
    console: that fails the test as well.)"""
    assert (await window.page.title()).endswith("Coachwire")
    said = ".row, .message, .comment, .finding, .tray, .bar, .list-pane, .side-pane"
    for made in ("script", "b", "iframe", "img[src='x']", "[onerror]", "a[href^='javascript']"):
        assert await window.page.locator(f":is({said}) {made}").count() == 0, made


async def test_markup_in_names_messages_comments_finds_and_files_is_text(
    window: OpenWindow, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "update users set first_name = $1, last_name = '' where email = 'coach@demo.test'", NAME
    )
    await connection.close()
    coach, member = await window("coach"), await window("member2")
    await member.open(NAME)
    await coach.open(MEMBER)
    for text in (MARKUP, LINK):
        await coach.write(text)
        for one in (coach, member):
            await expect(one.message(text)).to_have_count(1)
    await is_text(member)
    await member.page.get_by_role("searchbox", name="Search messages").fill("bold")
    await expect(member.page.locator(".finding-text bdi")).to_have_text([NAME, MARKUP])
    await is_text(member)
    await member.page.get_by_role("searchbox", name="Search messages").press("Escape")

    await open_workout(coach, MEMBER)
    await open_workout(member)
    for one in (coach, member):
        await one.page.locator(".exercise-head", has_text="Plank").click()
        await expect(one.page.locator(".comment-tree .hint")).to_have_text("Nothing said yet.")
    await say(coach, MARKUP)
    for one in (coach, member):
        await expect(comment(one, MARKUP).locator(".name")).to_have_text(NAME)
        await is_text(one)

    drawing: FilePayload = {
        "name": f"{MARKUP.replace('/', '_')}.svg",
        "mimeType": "image/svg+xml",
        "buffer": b"<svg/>",
    }
    await member.page.locator(".composer input[type=file]").set_input_files(drawing)
    await expect(member.page.get_by_text("can be sent")).to_contain_text("<b>bold<_b>")
    await is_text(member)
