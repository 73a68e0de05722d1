"""Looking for a message, and finding oneself in the conversation where it stands."""

import json
from typing import Any

import pytest_asyncio
from aiohttp import ClientSession

from ..instances import Instance
from .conftest import OpenWindow
from .window import Window, expect

COACH, MEMBER = "Noa Mizrahi", "Tom Baker"
MANY = 130  # more than a page of history, and than the page around a message


@pytest_asyncio.fixture(loop_scope="module")
async def long_talk(server: Instance) -> list[str]:
    """What the coach has said to the member, message by message."""
    said = [f"set {number}" if number != 40 else "the kettlebell is by the door" for number in range(MANY)]
    async with ClientSession(server.url) as http:
        async with http.post("/dev/token", json={"email": "coach@demo.test"}) as answer:
            token = (await answer.json())["data"]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        state = await _get(http, "/v1/sync", headers)
        organization = state["organizations"][0]
        conversations = organization["conversations"]["items"]
        to = next(one["membershipId"] for one in conversations if one["name"] == MEMBER)
        path = f"/v1/organizations/{organization['organizationId']}/messages"
        for content in said:
            body = {"to": {"membershipId": to}, "content": content}
            async with http.post(path, data=json.dumps(body), headers=headers) as answer:
                assert answer.status == 201
    return said


async def test_a_message_that_was_found_is_shown_in_its_place_and_the_way_back_is_whole(
    long_talk: list[str], window: OpenWindow
) -> None:
    member = await window("member2")
    await search(member, "kettlebell")
    await member.page.locator(".finding", has_text="by the door").click()
    found = member.message("the kettlebell is by the door")
    await expect(found.locator(".bubble")).to_be_in_viewport()
    await expect(member.message(long_talk[39])).to_have_count(1)
    await expect(member.message(long_talk[41])).to_have_count(1)
    await expect(member.message(long_talk[-1])).to_have_count(0)

    await member.page.locator(".jump").click()
    await expect(member.message(long_talk[-1])).to_be_in_viewport()
    await expect(member.message("the kettlebell is by the door")).to_have_count(0)


async def test_a_search_without_a_find_says_so(window: OpenWindow) -> None:
    member = await window("member2")
    await search(member, "zeppelin")
    await expect(member.page.locator(".found .hint")).to_have_text("Nothing was found.")
    await member.page.keyboard.press("Escape")
    await expect(member.page.locator(".found")).to_be_hidden()
    await expect(member.page.locator(".row", has_text=COACH)).to_be_visible()


async def search(window: Window, words: str) -> None:
    await window.page.get_by_role("searchbox", name="Search messages").fill(words)


async def _get(http: ClientSession, path: str, headers: dict[str, str]) -> Any:
    async with http.get(path, headers=headers) as answer:
        return (await answer.json())["data"]
