"""Values of the body: recorded by the member, seen live by the coach, and taken away with the grant."""

from typing import TYPE_CHECKING

from ..instances import Instance
from .conftest import OpenWindow
from .window import Window, expect

if TYPE_CHECKING:
    from playwright.async_api import Locator

MEMBER, IN_TWO_GYMS = "Tom Baker", "Sam Rivera"


async def test_what_the_member_records_is_seen_live_by_the_coach(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await look_at(coach, MEMBER)
    await choose(coach, "1RM Back Squat")
    await expect(coach.page.locator(".chart canvas")).to_be_visible()
    await expect(coach.page.locator(".history-list li")).to_have_count(7)

    await member.page.get_by_role("button", name="Body", exact=True).click()
    await record(member, "1RM Back Squat", "112.5", "kg")
    for one in (member, coach):
        await expect(amount(one, "1RM Back Squat")).to_have_text("112.5 kg")
    await expect(coach.page.locator(".history-list li").first).to_contain_text("112.5 kg")
    await expect(coach.page.locator(".history-list li")).to_have_count(8)

    await record(coach, "1RM Back Squat", "250", "lb")
    for one in (coach, member):
        await expect(amount(one, "1RM Back Squat")).to_have_text("113.3981 kg")


async def test_a_value_waits_while_the_server_is_away_and_is_recorded_once(
    server: Instance, window: OpenWindow
) -> None:
    member = await window("member2")
    await member.page.get_by_role("button", name="Body", exact=True).click()
    await expect(amount(member, "Body weight")).to_have_text("82.4 kg")
    server.kill()
    await server.exit_code()
    await record(member, "Body weight", "81,9", "kg")
    await expect(member.page.locator(".pending-values li")).to_contain_text("Waiting")
    left = await member.shut()
    await server.start()
    await member.back(left)
    await expect(amount(member, "Body weight")).to_have_text("81.9 kg")
    await expect(member.page.locator(".pending-values li")).to_have_count(0)
    await choose(member, "Body weight")
    await expect(member.page.locator(".history-list li", has_text="81.9 kg")).to_have_count(1)


async def test_a_value_that_is_refused_says_why_and_can_be_removed(window: OpenWindow) -> None:
    member = await window("member2")
    await member.page.get_by_role("button", name="Body", exact=True).click()
    await expect(amount(member, "Body weight")).to_have_text("82.4 kg")
    await member.page.get_by_label("When, if not now").fill("2999-01-01T10:00")
    await record(member, "Body weight", "80", "kg")
    refused = member.page.locator(".pending-values .failed")
    await expect(refused.locator(".state")).not_to_have_text("Waiting")
    await refused.get_by_role("button", name="Remove").click()
    await expect(refused).to_have_count(0)
    member.errors.clear()  # a refused request is an error on the console as well


async def test_a_grant_opens_what_was_recorded_elsewhere_and_its_withdrawal_takes_it_away_live(
    window: OpenWindow,
) -> None:
    coach, person = await window("coach2"), await window("both")
    await person.page.get_by_role("button", name="Body", exact=True).click()
    await expect(amount(person, "Body weight")).to_have_text("75.2 kg")
    await look_at(coach, IN_TWO_GYMS)
    await expect(amount(coach, "Body weight")).to_have_text("–")

    harbor = person.page.locator(".sharing-with", has_text="Iron Harbor")
    await harbor.get_by_role("button", name="Let them see").click()
    await expect(harbor.locator(".grant")).to_contain_text("Everything")
    await coach.page.reload()
    await coach.is_live()
    await expect(amount(coach, "Body weight")).to_have_text("75.2 kg")
    await choose(coach, "Body weight")
    await expect(coach.page.locator(".history-list li")).to_have_count(5)

    await harbor.get_by_role("button", name="Withdraw").click()
    await expect(amount(coach, "Body weight")).to_have_text("–")
    await expect(coach.page.locator(".history-list li")).to_have_count(0)
    await expect(amount(person, "Body weight")).to_have_text("75.2 kg")


async def test_a_workout_says_what_its_percentages_come_to(window: OpenWindow) -> None:
    member = await window("member2")
    await member.page.get_by_role("button", name="Workouts").click()
    await member.page.locator(".list-pane .row", has_text="Lower body strength").first.click()
    squat = member.page.locator(".exercise-head", has_text="Back squat")
    await expect(squat).to_contain_text("80 % of 1RM = 88 kg")


async def look_at(window: Window, other: str) -> None:
    await window.open(other)
    await window.page.get_by_role("link", name="Body").click()
    await expect(window.page.locator(".body-pane .bar-title")).to_contain_text(other)


async def choose(window: Window, name: str) -> None:
    await row(window, name).locator(".metric-head").click()


async def record(window: Window, name: str, value: str, unit: str) -> None:
    form = window.page.locator(".recording")
    await form.get_by_label("What").select_option(label=name)
    await form.get_by_label("Unit").select_option(unit)
    await form.get_by_label("Value").fill(value)
    await form.get_by_role("button", name="Record").click()


def row(window: Window, name: str) -> "Locator":
    return window.page.locator(".metric", has=window.page.get_by_text(name, exact=True)).first


def amount(window: Window, name: str) -> "Locator":
    return row(window, name).locator(".metric-head .amount")
