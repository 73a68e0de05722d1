"""The server dies while people write: what they wrote waits, and comes once."""

from ..instances import Instance
from .conftest import OpenWindow
from .window import expect

COACH, MEMBER = "Noa Mizrahi", "Tom Baker"
BEFORE = ["before one", "before two"]
BY_COACH = [f"away, coach {number}" for number in range(8)]
BY_MEMBER = [f"away, member {number}" for number in range(8)]


async def test_nothing_is_lost_or_doubled_when_the_server_is_killed_with_messages_waiting(
    server: Instance, window: OpenWindow
) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    await coach.write(*BEFORE)
    await expect(member.message(BEFORE[-1])).to_be_visible()
    shown = await member.texts()

    server.kill()
    await server.exit_code()
    await coach.write(*BY_COACH)
    await member.write(*BY_MEMBER)
    await expect(coach.page.locator("#status")).to_contain_text("8 waiting")
    await expect(coach.tick(BY_COACH[-1])).to_have_attribute("aria-label", "Waiting to be sent")
    left = await coach.shut()  # a tab that is closed and opened again has lost nothing either
    await server.start()
    await coach.back(left)

    for one in (coach, member):
        await one.comes_back()
    for one in (coach, member):
        for text in (*BY_COACH, *BY_MEMBER):
            await expect(one.message(text)).to_have_count(1)
    for text in BY_COACH:
        await expect(coach.tick(text)).to_have_attribute("aria-label", "Read")
    for text in BY_MEMBER:
        await expect(member.tick(text)).to_have_attribute("aria-label", "Read")
    seen = await coach.texts()
    assert seen == await member.texts()
    assert seen[: len(shown)] == shown
    assert [text for text in seen if text in BY_COACH] == BY_COACH
    assert [text for text in seen if text in BY_MEMBER] == BY_MEMBER
    assert len(seen) == len(shown) + len(BY_COACH) + len(BY_MEMBER)


async def test_a_message_that_was_stored_but_not_confirmed_is_not_sent_twice(
    server: Instance, window: OpenWindow
) -> None:
    coach, member = await window("coach"), await window("member2")
    await coach.open(MEMBER)
    await member.open(COACH)
    server.freeze()
    await coach.write("did it arrive?")
    await expect(coach.tick("did it arrive?")).to_have_attribute("aria-label", "Sending")
    left = await coach.shut()  # the answer, if it comes, comes to nobody
    server.thaw()
    await expect(member.message("did it arrive?")).to_have_count(1)
    await coach.back(left)
    await expect(coach.tick("did it arrive?")).to_have_attribute("aria-label", "Read")
    await expect(member.message("did it arrive?")).to_have_count(1)
    await expect(coach.message("did it arrive?")).to_have_count(1)
