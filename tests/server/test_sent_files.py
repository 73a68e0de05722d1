"""Messages with files: which uploads attach, once, and to whom they are shown."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, stored
from .uploading import ready_upload

MINUTES_16 = "now() - interval '16 minutes'"


async def ready(tables: Tables, owner: Someone, count: int = 1, state: str = "ready") -> list[str]:
    """Uploads as the processing leaves them; the bytes are another matter."""
    rows = await tables.fetch(
        """
        insert into uploads (id, organization_id, user_id, type, mime_type, size, state, upload_key, key, thumbnail_key)
        select id, $1, $2, 'image', 'image/jpeg', 1000, $4::text::upload_state, 'incoming/' || id, id || '.jpg',
          id || '.thumb.webp'
        from (select gen_random_uuid() as id from generate_series(1, $3)) u
        returning id
        """,
        UUID(owner.organization_id), UUID(owner.user_id), count, state,
    )  # fmt: skip
    return [str(row["id"]) for row in rows]


def ids(message: Any) -> list[str]:
    return [one["id"] for one in message["attachments"]]


async def test_a_picture_goes_from_one_phone_to_the_other(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    upload_id = await ready_upload(http, gym.member)
    member, coach = await phone(gym.member), await phone(gym.coach)
    sent = message_to(gym.coach, None, attachmentIds=[upload_id])
    assert (await member.ask("message.send", **sent))["type"] == "ok"
    message = (await coach.event("message.created"))["data"]
    assert (message["content"], ids(message)) == (None, [upload_id])
    (shown,) = message["attachments"]
    for link, kind in ((shown["url"], "image/jpeg"), (shown["thumbnailUrl"], "image/webp")):
        async with http.get(link) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert await answer.read()


async def test_files_keep_the_order_in_which_they_were_sent_in_every_read(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    files = await ready(database, gym.coach, 10)
    files.sort(reverse=True)
    coach, web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "look", attachmentIds=files)
    await coach.ask("message.send", **sent)
    for device in (web, member):
        assert ids((await device.event("message.created"))["data"]) == files
    caller = Caller(http, gym.member)
    assert ids((await caller.get(f"messages/{sent['id']}")).data) == files
    (item,) = (await caller.get(f"conversations/{gym.coach.membership_id}")).data["items"]
    assert ids(item) == files
    away = await phone(gym.member, connect=False)
    away.epoch, away.position = member.epoch, 0
    await away.connect()
    assert ids((await away.event("message.created"))["data"]) == files


async def test_over_rest_and_under_a_workout_it_is_the_same(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    thread = await assign(database, gym.member, gym.coach)
    one, two = await ready(database, gym.member, 2)
    member = Caller(http, gym.member)
    posted = await member.post(f"workout-assignments/{thread}/comments", {"attachmentIds": [one]})
    assert (posted.status, ids(posted.data), posted.data["content"]) == (201, [one], None)
    body = message_to(gym.coach, "see", attachmentIds=[two])
    first = await member.post("messages", body)
    again = await member.post("messages", body)
    assert (first.status, again.status, ids(again.data)) == (201, 200, [two])
    page = (await Caller(http, gym.coach2).get(f"workout-assignments/{thread}/comments")).data
    assert [ids(item) for item in page["items"]] == [[one]]


async def test_each_way_not_to_attach_has_its_code_and_stores_nothing(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    (good,) = await ready(database, gym.coach)
    (sent_before,) = await ready(database, gym.coach)
    coach = await phone(gym.coach)
    await coach.ask("message.send", **message_to(gym.member, attachmentIds=[sent_before]))
    old = (await ready(database, gym.coach))[0]
    await database.execute(f"update uploads set created_at = {MINUTES_16} where id = $1", old)  # noqa: S608 - a test's own words
    elsewhere = (await ready(database, other_gym.coach))[0]
    await database.execute("update uploads set user_id = $2 where id = $1", elsewhere, gym.coach.user_id)
    states = {
        state: (await ready(database, gym.coach, 1, state))[0]
        for state in ("waiting", "processing", "refused")
    }
    cases: dict[str, tuple[list[str], str]] = {
        "unknown": ([str(uuid4())], "not_found"),
        "another person's": (await ready(database, gym.coach2), "not_found"),
        "of another organization": ([elsewhere], "not_found"),
        "too old": ([old], "not_found"),
        "attached before": ([sent_before], "conflict"),
        "twice in one": ([good, good], "conflict"),
        "not completed": ([states["waiting"]], "attachment_not_ready"),
        "processing": ([states["processing"]], "attachment_not_ready"),
        "refused": ([states["refused"]], "attachment_not_ready"),
    }
    for name, (files, code) in cases.items():
        for together in (files, [good, *files]) if good not in files else (files,):
            answer = await coach.ask("message.send", **message_to(gym.member, attachmentIds=together))
            assert answer["error"]["code"] == code, name
            assert [detail["field"] for detail in answer["error"]["details"]] == ["attachmentIds"], name
    assert await stored(database) == 1
    assert await database.fetchval("select count(*) from message_attachments") == 1
    last = await coach.ask("message.send", **message_to(gym.member, attachmentIds=[good]))
    assert (last["type"], last["position"]) == ("ok", 2)


async def test_a_retry_answers_the_same_though_its_files_are_taken_now(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    files = await ready(database, gym.coach, 2)
    coach = await phone(gym.coach)
    sent = message_to(gym.member, attachmentIds=files)
    first = await coach.ask("message.send", **sent)
    await database.execute(f"update uploads set created_at = {MINUTES_16}")  # noqa: S608 - a test's own words
    again = await coach.ask("message.send", **sent)
    assert again["data"] == first["data"] | {"duplicate": True}
    other = await coach.ask("message.send", **sent | {"attachmentIds": files[::-1]})
    assert other["error"]["code"] == "conflict"


async def test_who_may_not_send_learns_nothing_of_files(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    member = await phone(gym.member)
    sent = message_to(gym.member2, attachmentIds=[str(uuid4())])
    assert (await member.ask("message.send", **sent))["error"]["code"] == "forbidden"


@pytest.mark.parametrize("together", [True, False])
async def test_of_those_who_send_one_file_at_once_one_has_it(
    gym: Place, phone: OpenPhone, database: Tables, together: bool
) -> None:
    (file,) = await ready(database, gym.coach)
    phones = [await phone(gym.coach)] * 4 if together else [await phone(gym.coach) for _ in range(4)]
    for ref, one in enumerate(phones):
        sent = message_to(gym.member, f"{ref}", attachmentIds=[file])
        await one.say({"type": "message.send", "ref": f"r{ref}", **sent})
    answers = [await one.answer(f"r{ref}") for ref, one in enumerate(phones)]
    codes = sorted(answer["error"]["code"] if answer["type"] == "error" else "ok" for answer in answers)
    assert codes == ["conflict", "conflict", "conflict", "ok"]
    (row,) = await database.fetch(
        "select u.message_id as claimed, f.message_id from uploads u join message_attachments f using (id)"
    )
    assert row["claimed"] == row["message_id"]
    assert await stored(database) == 1


async def test_a_refused_one_does_not_count_against_the_rate(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    for _ in range(31):
        sent = message_to(gym.member, attachmentIds=[str(uuid4())])
        assert (await coach.ask("message.send", **sent))["error"]["code"] == "not_found"
    assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"


async def test_a_message_of_files_only_may_be_edited_to_nothing_and_loses_them_when_taken_back(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    files = await ready(database, gym.coach, 2)
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member, "look", attachmentIds=files)
    await coach.ask("message.send", **sent)
    where = {"organizationId": gym.organization_id, "id": sent["id"]}
    assert (await coach.ask("message.edit", **where, content=" "))["type"] == "ok"
    assert ids((await member.event("message.edited"))["data"]) == files
    assert (await coach.ask("message.delete", **where))["type"] == "ok"
    tombstone = (await Caller(http, gym.member).get(f"messages/{sent['id']}")).data
    assert (tombstone["content"], tombstone["attachments"]) == (None, [])
    again = await coach.ask("message.send", **message_to(gym.member, attachmentIds=files[:1]))
    assert again["error"]["code"] == "conflict"
