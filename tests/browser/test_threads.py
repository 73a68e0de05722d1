"""Talk under a workout, beside its exercises."""

from typing import TYPE_CHECKING

from ..instances import Instance
from .conftest import OpenWindow
from .window import Window, expect

if TYPE_CHECKING:
    from playwright.async_api import Locator

MEMBER = "Tom Baker"
WORKOUT = "Lower body strength"


async def open_workout(window: Window, *words: str) -> None:
    """The workout in whose row all these words stand."""
    await window.page.get_by_role("button", name="Workouts").click()
    row = window.page.locator(".list-pane .row", has_text=WORKOUT)
    for word in words:
        row = row.filter(has_text=word)
    await row.first.click()
    await expect(window.page.locator(".side-pane .exercise").first).to_be_visible()
    await expect(window.page.locator(".room .thread .hint")).not_to_have_text("Loading…")


async def test_a_member_and_two_coaches_talk_under_a_workout(window: OpenWindow) -> None:
    member, coach, watching = await window("member2"), await window("coach"), await window("owner")
    await open_workout(member)
    await expect(member.page.locator(".exercise .name")).to_have_text(
        ["Back squat", "Romanian deadlift", "Walking lunge", "Plank"]
    )
    await member.write("Squat felt heavy")
    await expect(coach.page.get_by_role("button", name="Workouts").locator(".badge")).to_have_text("1")
    await open_workout(coach, MEMBER)
    await open_workout(watching, MEMBER)
    await expect(coach.message("Squat felt heavy").locator(".sender")).to_have_text(MEMBER)
    await expect(member.tick("Squat felt heavy")).to_have_attribute("aria-label", "Read")

    await coach.write("Take 5 % off next time")
    for one in (member, watching):  # whoever watches is told as well, by the topic
        await expect(one.message("Take 5 % off next time")).to_be_visible()
    await expect(coach.tick("Take 5 % off next time")).to_have_attribute("aria-label", "Read")
    await expect(coach.page.get_by_role("button", name="Workouts").locator(".badge")).to_be_hidden()


async def test_a_thread_goes_on_after_the_server_was_killed(server: Instance, window: OpenWindow) -> None:
    member, coach, watching = await window("member2"), await window("coach"), await window("owner")
    await open_workout(member)
    await member.write("first")
    for staff in (coach, watching):
        await open_workout(staff, MEMBER)
        await expect(staff.message("first")).to_be_visible()
    server.kill()
    await server.exit_code()
    await member.write("second")
    await coach.write("third")
    await server.start()
    for one in (member, coach, watching):
        await one.comes_back()
    for one in (member, coach, watching):
        for text in ("first", "second", "third"):
            await expect(one.message(text)).to_have_count(1)
    assert (await member.texts()) == (await coach.texts()) == (await watching.texts())


async def test_a_draft_is_marked_for_staff_and_is_not_there_for_its_member(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    for one in (coach, member):
        await one.page.get_by_role("button", name="Workouts").click()
        await expect(one.page.locator(".row", has_text=WORKOUT).first).to_be_visible()
    drafts = coach.page.locator(".row", has_text="Deload week").filter(has_text=MEMBER)
    await expect(drafts.locator(".draft")).to_be_visible()
    await expect(member.page.locator(".row", has_text="Deload week")).to_have_count(0)


async def test_comments_on_an_exercise_nest_and_are_told_live(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await open_workout(coach, MEMBER)
    await open_workout(member)
    for one in (coach, member):
        await one.page.locator(".exercise-head", has_text="Plank").click()
        await expect(one.page.locator(".comment-tree .hint")).to_have_text("Nothing said yet.")
    await say(coach, "Hips level")
    await expect(comment(member, "Hips level").locator(".name")).to_have_text("Noa Mizrahi")
    for depth in range(1, 5):
        await reply(member if depth % 2 else coach, depth)
        for one in (coach, member):
            await expect(comment(one, f"level {depth}")).to_have_attribute("data-depth", str(depth))
    await expect(comment(member, "level 4").get_by_role("button", name="Reply")).to_have_count(0)

    await comment(member, "level 3").get_by_role("button", name="Edit").click()
    await say(member, "level 3 anew")
    await expect(comment(coach, "level 3 anew").locator(".comment-head")).to_contain_text("edited")
    await comment(coach, "Hips level").get_by_role("button", name="Delete").click()
    await coach.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    for one in (coach, member):  # it has living replies: it stays, without its words
        await expect(comment(one, "This comment was deleted")).to_have_attribute("data-depth", "0")
        await expect(one.page.locator(".comment")).to_have_count(5)


def comment(window: Window, body: str) -> "Locator":
    text = window.page.locator(".text").get_by_text(body, exact=True)
    return window.page.locator(".comment", has=text)


async def say(window: Window, body: str) -> None:
    box = window.page.locator(".comment-form textarea")
    await box.fill(body)
    await box.press("Enter")


async def reply(window: Window, depth: int) -> None:
    """To the one above, which the other has written."""
    above = "Hips level" if depth == 1 else f"level {depth - 1}"
    await comment(window, above).get_by_role("button", name="Reply").click()
    await say(window, f"level {depth}")
