"""What was begun and not sent: words and pictures survive a reload, and a tab that was closed."""

from .conftest import OpenWindow
from .test_files import SHOWN, choose, picture
from .window import Window, expect

COACH, OTHER = "Noa Mizrahi", "Dana Levi"


async def test_a_draft_with_a_picture_survives_a_reload_and_is_sent_once(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open("Tom Baker")
    await member.open(COACH)
    await choose(member, picture())
    await write(member, "the bar path")
    await member.page.reload()
    await member.is_live()
    await expect(member.page.locator(".composer textarea")).to_have_value("the bar path")
    await expect(member.page.locator(".tray-state")).to_have_text("Ready")
    await member.page.locator(".send").click()
    for one in (member, coach):
        image = one.message("the bar path").locator(".picture img")
        await expect(image).to_have_count(1)
        await one.page.wait_for_function(SHOWN, arg=await image.element_handle())
    await member.page.reload()
    await member.is_live()
    await expect(member.message("the bar path")).to_have_count(1)
    await expect(member.page.locator(".composer textarea")).to_have_value("")
    await expect(member.page.locator(".tray")).to_be_hidden()


async def test_a_draft_belongs_to_its_conversation_and_to_whoever_opens_the_page_next(
    window: OpenWindow,
) -> None:
    member = await window("member2")
    await member.open(COACH)
    await choose(member, picture())
    await write(member, "for the coach")
    context = member.page.context
    await member.page.close()
    again = Window(await context.new_page(), member.url)
    await again.be("member2")
    await again.open(COACH)
    await expect(again.page.locator(".composer textarea")).to_have_value("for the coach")
    await expect(again.page.locator(".tray-state")).to_have_text("Ready")
    await again.page.get_by_role("button", name="Remove bar.png").click()
    await write(again, "")
    await again.page.reload()
    await again.is_live()
    await expect(again.page.locator(".composer textarea")).to_have_value("")
    await expect(again.page.locator(".tray")).to_be_hidden()
    assert again.errors == []


async def test_a_chosen_file_that_the_browser_has_thrown_away_is_said_to_be_lost(window: OpenWindow) -> None:
    member = await window("member2")
    await member.open(COACH)
    await choose(member, picture())
    await expect(member.page.locator(".tray-state")).to_have_text("Ready")
    await write(member, "look")
    await member.page.evaluate(
        """() => new Promise((resolve) => {
            const asked = indexedDB.open("coachwire.files");
            asked.onsuccess = () => {
                const store = asked.result.transaction("coachwire.files", "readwrite").objectStore("coachwire.files");
                store.clear().onsuccess = () => { asked.result.close(); resolve(); };
            };
        })"""
    )
    await member.page.reload()
    await expect(member.page.locator("#status")).to_contain_text("A file that you had chosen is lost")
    await expect(member.page.locator(".composer textarea")).to_have_value("look")
    await expect(member.page.locator(".tray")).to_be_hidden()


async def write(window: Window, text: str) -> None:
    await window.page.locator(".composer textarea").fill(text)
