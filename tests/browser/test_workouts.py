"""The list of workouts beyond its first page, and loads that follow the values they come from."""

import asyncpg

from .conftest import OpenWindow
from .test_metrics import IN_TWO_GYMS, amount, record
from .test_threads import open_workout
from .window import expect

MEMBER = "Tom Baker"
# One workout a day, back from yesterday. Answers the key of the last of them.
ADD = """
    with tom as (
      select u.id, m.organization_id from users u join memberships m on m.user_id = u.id
      where u.email = 'member2@demo.test'),
    made as (
      insert into workouts (id, organization_id, title)
      select gen_random_uuid(), tom.organization_id, 'Day ' || day from tom, generate_series(1, $1::int) day
      returning id, organization_id, substr(title, 5)::int as day),
    assigned as (
      insert into workout_assignments (organization_id, user_id, workout_id, date, published)
      select made.organization_id, tom.id, made.id, current_date - made.day, true from made, tom
      returning id, organization_id, date)
    select organization_id || '/thread:' || id from assigned order by date limit 1"""
COUNT = """
    select count(*) from workout_assignments a join users u on u.id = a.user_id
    where u.email = 'member2@demo.test' and a.published and a.deleted_at is null and a.kind = 'workout'"""


async def test_workouts_are_listed_to_the_first_one_ever(window: OpenWindow, database_url: str) -> None:
    member = await window("member2")
    connection = await asyncpg.connect(database_url)
    oldest = await connection.fetchval(ADD, 120)
    total = await connection.fetchval(COUNT)
    await connection.close()
    await member.page.get_by_role("button", name="Workouts").click()
    rows = member.page.locator(".list-pane .row")
    more = member.page.get_by_role("button", name="Show older")
    await expect(rows.nth(49)).to_be_visible()
    assert await rows.count() < 60
    await more.click()
    await expect(rows.nth(99)).to_be_visible()
    await more.click()
    await expect(rows).to_have_count(total)
    await expect(more).to_be_hidden()
    await expect(rows.last).to_contain_text("Day 120")

    chat = f"{member.url}/#as=member2@demo.test&chat={oldest}"  # on no page that is loaded by then
    await member.shut()
    await member.back(chat)
    await expect(member.page.locator(".chat-pane .bar-title")).to_contain_text("Day 120")


async def test_loads_follow_the_values_as_they_are_recorded(window: OpenWindow) -> None:
    coach, member, other = await window("coach"), await window("member2"), await window("member2")
    await open_workout(coach, MEMBER)
    await open_workout(member)
    for one in (coach, member):
        await expect(one.page.locator(".exercise-head", has_text="Back squat")).to_contain_text("= 88 kg")
    await other.page.get_by_role("button", name="Body", exact=True).click()
    await record(other, "1RM Back Squat", "120", "kg")
    for one in (coach, member):
        await expect(one.page.locator(".exercise-head", has_text="Back squat")).to_contain_text("= 96 kg")


async def test_a_load_that_came_from_a_grant_goes_with_it_at_once(window: OpenWindow) -> None:
    coach, person = await window("coach"), await window("both")
    await person.page.get_by_role("button", name="Body", exact=True).click()
    await person.page.locator(".gyms .tab", has_text="Studio North").click()
    await record(person, "1RM Back Squat", "100", "kg")
    await expect(amount(person, "1RM Back Squat")).to_have_text("100 kg")
    await open_workout(coach, IN_TWO_GYMS)
    squat = coach.page.locator(".exercise-head", has_text="Back squat")
    await expect(squat).to_contain_text("% of 1RM")
    await expect(squat).not_to_contain_text("=")

    harbor = person.page.locator(".sharing-with", has_text="Iron Harbor")
    await harbor.get_by_role("button", name="Let them see").click()
    await expect(harbor.locator(".grant")).to_contain_text("Everything")
    await coach.page.reload()
    await expect(squat).to_contain_text("= 80 kg")
    await harbor.get_by_role("button", name="Withdraw").click()
    await expect(squat).not_to_contain_text("=")
