"""Talk under a workout, beside its exercises."""

from ..instances import Instance
from .conftest import OpenWindow
from .window import Window, expect

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
        await one.is_live()
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
