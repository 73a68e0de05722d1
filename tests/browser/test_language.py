"""Names, days and numbers as the user of the browser reads them."""

import pytest

from .conftest import OpenWindow
from .test_sets import open_body
from .window import expect


@pytest.mark.parametrize(
    ("locale", "squat", "weight", "yesterday"),
    [
        ("en-GB", "1RM Back Squat", "82.4 kg", "Yesterday"),
        ("he-IL", "1RM סקוואט", "82.4 kg", "אתמול"),
        ("ru-RU", "1ПМ присед", "82,4 kg", "Вчера"),
        ("fr-FR", "1RM Back Squat", "82.4 kg", "Yesterday"),
    ],
)
async def test_what_is_measured_has_its_name_in_the_language_of_the_browser(
    window: OpenWindow, locale: str, squat: str, weight: str, yesterday: str
) -> None:
    member = await window("member2", locale=locale)
    await open_body(member)
    names = member.page.locator(".metric .name")
    await expect(names.first).to_have_text(squat)
    await expect(member.page.locator(".metric .amount").nth(3)).to_have_text(weight)
    await expect(member.page.locator(".metric .when").nth(3)).to_have_text(yesterday)


async def test_names_that_have_not_changed_are_not_sent_again(window: OpenWindow) -> None:
    member = await window("member2")
    await open_body(member)
    async with member.page.expect_response("**/metric-definitions?lang=en") as asked:
        await member.page.reload()
    answer = await asked.value
    # What the browser shows its page is the list that it kept; what came over the wire were headers.
    assert answer.status in (200, 304)
    assert (await answer.request.sizes())["responseBodySize"] == 0
    await expect(member.page.locator(".metric .name").first).to_have_text("1RM Back Squat")
