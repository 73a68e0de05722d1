"""Sets of metrics on the page: made, put in another order, renamed, removed, and what the server says against it."""

from typing import TYPE_CHECKING

from ..instances import Instance
from .conftest import OpenWindow
from .test_metrics import look_at
from .test_threads import open_workout
from .window import Window, expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Route

MEMBER = "Tom Baker"


async def test_a_member_makes_reorders_renames_and_removes_a_set_by_the_keyboard(window: OpenWindow) -> None:
    member = await window("member2")
    await open_body(member)
    await member.page.get_by_role("button", name="New set of my own").press("Enter")
    await member.page.keyboard.type("בוקר Morning")
    for words in ("body weight", "resting heart", "back squat 1rm"):
        await editor(member).get_by_label("Search what to measure").fill(words)
        await member.page.keyboard.press("Enter")
    await expect(chosen(member)).to_have_text(["Body weight", "Resting heart rate", "1RM Back Squat"])
    await editor(member).get_by_role("button", name="Move 1RM Back Squat up").focus()
    await member.page.keyboard.press("Enter")
    await member.page.keyboard.press("Enter")  # the focus went with it
    await expect(chosen(member)).to_have_text(["1RM Back Squat", "Body weight", "Resting heart rate"])
    await expect(editor(member).get_by_role("button", name="Move 1RM Back Squat up")).to_be_disabled()
    await expect(editor(member).get_by_role("button", name="Move 1RM Back Squat down")).to_be_focused()
    await save(member)
    await expect(named(member, "בוקר Morning")).to_have_text(
        ["1RM Back Squat", "Body weight", "Resting heart rate"]
    )
    await expect(one(member, "בוקר Morning").locator(".amount").first).to_have_text("110 kg")

    await change(member, "בוקר Morning")
    await editor(member).get_by_label("Name", exact=True).fill("Evening")
    await editor(member).get_by_role("button", name="Take Body weight out").click()
    await save(member)
    await member.page.reload()
    await expect(named(member, "Evening")).to_have_text(["1RM Back Squat", "Resting heart rate"])
    await expect(one(member, "בוקר Morning")).to_have_count(0)

    await change(member, "Evening")
    await editor(member).get_by_role("button", name="Delete this set").click()
    await member.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(one(member, "Evening")).to_have_count(0)
    await expect(one(member, "Strength")).to_have_count(1)


async def test_staff_write_the_gyms_set_and_a_member_may_only_look_at_it(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await look_at(coach, MEMBER)
    await change(coach, "Strength")
    await editor(coach).get_by_role("button", name="Take 1RM Bench Press out").click()
    await save(coach)
    await expect(named(coach, "Strength")).to_have_text(["1RM Back Squat", "1RM Deadlift", "Body weight"])
    await open_body(member)
    await expect(named(member, "Strength")).to_have_text(["1RM Back Squat", "1RM Deadlift", "Body weight"])
    await expect(one(member, "Strength").locator(".set-edit")).to_be_hidden()
    await expect(member.page.get_by_role("button", name="New set for Iron Harbor")).to_have_count(0)


async def test_staff_write_a_workouts_sets_beside_it_and_its_member_sees_them(window: OpenWindow) -> None:
    coach, member = await window("coach"), await window("member2")
    await open_workout(coach, MEMBER)
    await coach.page.get_by_role("button", name="New set for this workout").click()
    await editor(coach).get_by_label("Name", exact=True).fill("Before the squat")
    await editor(coach).get_by_role("button", name="1RM Back Squat").click()
    await save(coach)
    await expect(coach.page.locator(".workout-sets li")).to_contain_text("Before the squat")
    await open_workout(member)
    await expect(member.page.locator(".workout-sets li")).to_contain_text("1RM Back Squat")
    await expect(member.page.locator(".workout-sets .button")).to_be_hidden()
    await expect(member.page.locator(".workout-sets .set-edit")).to_be_hidden()


async def test_what_the_server_refuses_is_said_in_words_and_what_was_written_stays(
    window: OpenWindow,
) -> None:
    coach, other = await window("coach"), await window("coach")
    for staff in (coach, other):
        await look_at(staff, MEMBER)
        await change(staff, "Strength")
    await editor(other).get_by_role("button", name="Delete this set").click()
    await other.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(editor(other)).to_be_hidden()
    await editor(coach).get_by_label("Name", exact=True).fill("Power")
    await editor(coach).get_by_role("button", name="Save").click()
    await expect(editor(coach).get_by_role("alert")).to_have_text(
        "This set, or what it belongs to, is not there any more."
    )
    await expect(editor(coach).get_by_label("Name", exact=True)).to_have_value("Power")
    await expect(one(coach, "Strength")).to_have_count(0)  # the page has looked again
    await expect(one(coach, "Power")).to_have_count(0)

    await coach.page.route("**/metric-sets/*", refuse)
    await editor(coach).get_by_role("button", name="Save").click()
    await expect(editor(coach).get_by_role("alert")).to_have_text(
        "You may look at this set, but not change it."
    )
    coach.errors.clear()  # a refused request is an error on the console as well


async def test_a_set_whose_answer_was_lost_is_made_once(server: Instance, window: OpenWindow) -> None:
    member = await window("member2")
    await open_body(member)
    await member.page.get_by_role("button", name="New set of my own").click()
    await editor(member).get_by_label("Name", exact=True).fill("Mornin")
    await editor(member).get_by_role("button", name="Body weight").click()
    await member.page.route("**/metric-sets", lose)
    await editor(member).get_by_role("button", name="Save").click()
    await expect(editor(member).get_by_role("alert")).to_contain_text("cannot be reached")
    await member.page.unroute("**/metric-sets")
    await editor(member).get_by_label("Name", exact=True).fill("Morning")
    await save(member)
    await expect(named(member, "Morning")).to_have_text(["Body weight"])
    await expect(member.page.locator(".metric-set", has_text="Mornin")).to_have_count(1)
    member.errors.clear()  # the lost answer, and the conflict of the second request


async def refuse(route: "Route") -> None:
    problem = '{"type": "about:blank", "title": "Forbidden", "status": 403, "code": "forbidden"}'
    await route.fulfill(status=403, content_type="application/problem+json", body=problem)


async def lose(route: "Route") -> None:
    """The request arrives, its answer does not."""
    if route.request.method == "POST":
        await route.fetch()
        await route.abort()
    else:
        await route.continue_()


async def open_body(window: Window) -> None:
    await window.page.get_by_role("button", name="Body", exact=True).click()
    await expect(window.page.locator(".metric").first).to_be_visible()


async def change(window: Window, name: str) -> None:
    await window.page.get_by_role("button", name=f"Change the set {name}").click()
    await expect(editor(window)).to_be_visible()


async def save(window: Window) -> None:
    await editor(window).get_by_role("button", name="Save").click()
    await expect(editor(window)).to_be_hidden()


def editor(window: Window) -> "Locator":
    return window.page.locator(".set-editor")


def chosen(window: Window) -> "Locator":
    return editor(window).locator(".set-chosen .name")


def one(window: Window, name: str) -> "Locator":
    title = window.page.get_by_role("heading", name=name)
    return window.page.locator(".metric-set", has=title)


def named(window: Window, name: str) -> "Locator":
    """What is in a set, in order."""
    return one(window, name).locator(".metric .name")
