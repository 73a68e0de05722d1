"""The catalogue: what is shipped, in three languages, and not sent again to who has it."""

from aiohttp import ClientSession

from ..gym import Place
from ..server.platform import Tables
from .conftest import Trainer

PATH = "/v1/metric-definitions"


async def test_at_least_forty_are_shipped_with_names_in_three_languages(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    member = Trainer(http, gym.member)
    lists = {lang: (await member.get(PATH, lang=lang)).data["items"] for lang in ("en", "he", "ru")}
    assert len(lists["en"]) >= 40
    for english, hebrew, russian in zip(*lists.values(), strict=True):
        assert english["id"] == hebrew["id"] == russian["id"]
        names = {english["name"], hebrew["name"], russian["name"]}
        assert all(names)
        assert len(names) == 3 or english["slug"] == "vo2_max"
    squat = next(one for one in lists["en"] if one["slug"] == "back_squat_1rm")
    assert squat == {
        "id": "12fd73fd-6b00-5fb1-a86b-77bcead4f7f7",
        "slug": "back_squat_1rm",
        "name": "1RM Back Squat",
        "unit": "kg",
        "kind": "one_rep_max",
        "description": None,
    }
    units = {row["unit"] for row in await database.fetch("select unit::text from metric_units")}
    assert {one["unit"] for one in lists["en"]} <= units


async def test_another_language_is_answered_in_english_and_a_regions_in_its_language(
    gym: Place, http: ClientSession
) -> None:
    member = Trainer(http, gym.member)

    async def names(lang: str) -> list[str]:
        return [one["name"] for one in (await member.get(PATH, lang=lang)).data["items"]]

    assert await names("fr") == await names("en")
    assert await names("he-IL") == await names("he") != await names("en")
    assert (await member.get(PATH, lang="x" * 36)).code == "bad_request"


async def test_a_list_that_one_has_is_not_sent_again(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    headers = {"Authorization": f"Bearer {gym.member.token}"}
    async with http.get(PATH, headers=headers) as answer:
        assert answer.status == 200
        tag = answer.headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        async with http.get(PATH, headers=headers | {"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    async with http.get(PATH, headers=headers | {"If-None-Match": tag}, params={"lang": "he"}) as answer:
        assert answer.status == 200
    async with http.get(PATH, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 401
