"""Files that are sent: shown live as in every later read, over both doors, in threads and to watchers."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..files import picture
from ..gym import SECRET, Place, message_to
from ..s3 import S3Server
from ..sql.calls import ready_uploads
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign
from .uploading import ready_upload

Message = dict[str, Any]


def without_links(message: Message) -> Message:
    """Links and their times differ from one look to the next."""
    kept = {"id", "type", "mimeType", "size"}
    files = [{key: one[key] for key in kept} for one in message["attachments"]]
    return {key: value for key, value in message.items() if key != "delivered"} | {"attachments": files}


async def test_the_broadcast_shows_what_every_read_shows(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    uploads = await ready_uploads(database, gym.coach, 3)
    uploads.reverse()  # the order is the sender's, not that of the rows
    member, coach, tablet = await phone(gym.member), await phone(gym.coach), await phone(gym.coach)
    sent = message_to(gym.member, None, attachmentIds=uploads)
    assert (await coach.ask("message.send", **sent))["type"] == "ok"
    told = (await member.event("message.created"))["data"]
    assert [one["id"] for one in told["attachments"]] == uploads
    for upload, one in zip(uploads, told["attachments"], strict=True):
        assert f"/{upload}.jpg?" in one["url"]
        assert f"/{upload}.thumb.webp?" in one["thumbnailUrl"]
    reads = [
        (await tablet.event("message.created"))["data"],
        (await Caller(http, gym.member).get(f"messages/{sent['id']}")).data,
        (await Caller(http, gym.coach).get(f"conversations/{gym.member.membership_id}")).data["items"][0],
    ]
    for read in reads:
        assert without_links(read) == without_links(told)
    link = (await Caller(http, gym.member).get(f"attachments/{uploads[0]}/url")).data
    assert f"/{uploads[0]}.jpg?" in link["url"]


async def test_over_rest_the_answer_shows_them(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    uploads = await ready_uploads(database, gym.member, 10)
    coach = await phone(gym.coach)
    answer = await Caller(http, gym.member).post(
        "messages", message_to(gym.coach, "look", attachmentIds=uploads)
    )
    told = (await coach.event("message.created"))["data"]
    assert [one["id"] for one in answer.data["attachments"]] == uploads
    assert without_links(told) == without_links(answer.data)


async def test_in_a_thread_its_member_and_those_who_watch_are_shown_them(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    topic = f"thread:{thread}"
    uploads = await ready_uploads(database, gym.coach, 2)
    member, watcher = await phone(gym.member), await phone(gym.owner)
    assert (await watcher.ask("topic.open", topic=topic))["type"] == "ok"
    caller = Caller(http, gym.coach)
    post = (await caller.post(f"workout-assignments/{thread}/comments", {"attachmentIds": uploads})).data
    assert [file["id"] for file in post["attachments"]] == uploads
    for told in (
        await member.event("message.created"),
        await watcher.in_topic(topic, "message.created"),
    ):
        assert without_links(told["data"]) == without_links(post)
    edited = (await caller.patch(f"messages/{post['id']}", {"content": "with words"})).data
    for told in (await member.event("message.edited"), await watcher.in_topic(topic, "message.edited")):
        assert without_links(told["data"]) == without_links(edited)
    assert (edited["content"], [file["id"] for file in edited["attachments"]]) == ("with words", uploads)


class TestWithAPicture:
    """From the phone that took it to the one that shows it."""

    @pytest.fixture(params=["folder", "bucket"])
    def settings(self, database_url: str, tmp_path: Any, request: pytest.FixtureRequest) -> Settings:
        s3: S3Server | None = request.getfixturevalue("s3_server") if request.param == "bucket" else None
        return Settings(
            database_url=database_url,
            jwt_secret=SECRET,
            home=tmp_path,
            s3=None if s3 is None else s3.settings,
        )

    async def test_the_recipient_gets_its_bytes_and_a_smaller_one(
        self, gym: Place, phone: OpenPhone, http: ClientSession
    ) -> None:
        member, coach = await phone(gym.member), await phone(gym.coach)
        upload = await ready_upload(http, gym.coach, picture())
        assert (await coach.ask("message.send", **message_to(gym.member, attachmentIds=[upload])))[
            "type"
        ] == "ok"
        (live,) = (await member.event("message.created"))["data"]["attachments"]
        await member.leave()
        member.position = 0
        await member.connect()
        (replayed,) = member.events[-1]["data"]["attachments"]
        anew = (await Caller(http, gym.member).get(f"attachments/{upload}/url")).data
        for shown in (live, replayed, anew):
            sizes = []
            for link in (shown["url"], shown["thumbnailUrl"]):
                async with asyncio.timeout(10), http.get(link) as response:
                    assert response.status == 200
                    sizes.append(len(await response.read()))
            assert sizes[0] == live["size"]
            assert sizes[1] > 0
