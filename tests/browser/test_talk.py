"""Two people write to each other, each in a window of their own."""

from .conftest import OpenWindow
from .window import expect

COACH, MEMBER = "Noa Mizrahi", "Tom Baker"


async def test_what_one_writes_the_other_sees_and_ticks_tell_when(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await coach.write("Ready for Thursday?")
    await expect(coach.tick("Ready for Thursday?")).to_have_attribute("aria-label", "Delivered")
    await expect(member.page.locator(".row", has_text=COACH).locator(".badge")).to_have_text("1")

    await member.open(COACH)
    await expect(member.message("Ready for Thursday?")).to_be_visible()
    await expect(coach.tick("Ready for Thursday?")).to_have_attribute("aria-label", "Read")
    await expect(member.page.locator(".row", has_text=COACH).locator(".badge")).to_be_hidden()

    await member.write("Always! מוכן 💪")
    await expect(coach.message("Always! מוכן 💪")).to_be_visible()
    await expect(member.tick("Always! מוכן 💪")).to_have_attribute("aria-label", "Read")
    assert (await coach.texts()) == (await member.texts())


async def test_one_sees_that_the_other_is_typing_and_has_stopped(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    await member.page.locator(".composer textarea").press_sequentially("I wi")
    await expect(coach.page.locator(".typing-line")).to_have_text("Tom Baker is typing…")
    await member.write("I will")
    await expect(coach.message("I will")).to_be_visible()
    await expect(coach.page.locator(".typing-line")).to_have_text("")


async def test_a_deleted_message_is_gone_on_both_sides(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    await coach.write("wrong window")
    await expect(member.message("wrong window")).to_be_visible()
    await coach.message("wrong window").hover()
    await coach.message("wrong window").get_by_role("button", name="Delete this message").click()
    await coach.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(coach.message("You deleted this message")).to_be_visible()
    await expect(member.message("This message was deleted")).to_be_visible()
    await expect(member.message("wrong window")).to_have_count(0)


async def test_a_message_of_ones_own_is_written_anew(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    await coach.write("Thursday at six")
    await coach.message("Thursday at six").hover()
    await coach.message("Thursday at six").get_by_role("button", name="Edit this message").click()
    await expect(coach.page.locator(".editing")).to_be_visible()
    await coach.write("Thursday at seven")
    for one in (coach, member):
        await expect(one.message("Thursday at seven")).to_have_count(1)
        await expect(one.message("Thursday at seven").locator(".meta")).to_contain_text("edited")
        await expect(one.message("Thursday at six")).to_have_count(0)
    await expect(coach.page.locator(".editing")).to_be_hidden()


async def test_a_conversation_begins_with_somebody_who_is_looked_for(window: OpenWindow) -> None:
    owner, member = await window("owner"), await window("member2")
    await owner.page.get_by_role("button", name="New conversation").first.click()
    await owner.page.get_by_role("searchbox", name="Name").fill("bak")
    await owner.page.locator(".choice", has_text=MEMBER).click()
    await expect(owner.page.locator(".chat-pane .bar-title")).to_contain_text(MEMBER)
    await owner.write("Welcome to the gym, Tom")
    await expect(member.page.locator(".row", has_text="Dana Levi").locator(".badge")).to_have_text("1")
    await member.open("Dana Levi")
    await expect(member.message("Welcome to the gym, Tom")).to_be_visible()
    await expect(owner.tick("Welcome to the gym, Tom")).to_have_attribute("aria-label", "Read")
    await owner.page.reload()
    await expect(owner.message("Welcome to the gym, Tom")).to_have_count(1)
