"""A word that one person planted everywhere is found nowhere after their erasure."""

import zipfile
from collections.abc import Iterator, MutableMapping
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.database import Database
from coachwire.files.sweeping import Sweeping
from coachwire.keys import BLOBS
from coachwire.settings import Settings

from ..comments.conftest import add_exercise
from ..gym import SECRET, Place, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, until
from .uploading import ready_upload

WORD = "wolverine"


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url, jwt_secret=SECRET, home=tmp_path)


async def test_a_planted_word_is_found_nowhere(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    server: TestServer,
    settings: Settings,
    database: Tables,
    log: list[MutableMapping[str, Any]],
) -> None:
    coach, owner = await phone(gym.coach), await phone(gym.owner)
    member = Caller(http, gym.member)
    keys = await plant(gym, http, phone, database)
    assert set(await tables_with(database, WORD)) == {
        "users",
        "messages",
        "message_search",
        "exercise_comments",
        "metric_sets",
        "member_metrics",
        "devices",
    }  # the test is worth nothing without
    assert all([(await server.app[BLOBS].head(key)) for key in keys])

    job = (await member.delete("/v1/me")).data["jobId"]
    await until(database, "select state = 'done' from jobs where id = $1", job)
    await coach.event("message.erased")
    swept = Database(settings.database_url or "")
    await swept.open()
    await Sweeping(swept, server.app[BLOBS]).sweep()
    await swept.close()
    await until(database, "select not exists (select from search_pending)")

    assert await tables_with(database, WORD) == []
    assert await tables_with(database, WORD.encode().hex()) == []  # as bytes would show
    assert [path for path in files_below(settings.home) if WORD.encode() in content(path)] == []
    assert [await server.app[BLOBS].head(key) for key in keys] == [None] * len(keys)
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url) as client:
        assert [key for key in client.scan_iter() if WORD in str(client.dump(key))] == []
    assert WORD not in str(log)
    for who in (gym.coach, gym.owner):
        for path in await readable(gym, database):
            answer = await Caller(http, who).get(path)
            assert WORD not in str(answer.body), path
        everything = await phone(who, connect=False)
        everything.epoch, everything.position = owner.epoch, 0
        await everything.connect()
        assert everything.events
        assert WORD not in str(everything.events)


async def plant(gym: Place, http: ClientSession, phone: OpenPhone, database: Tables) -> list[str]:
    """Wherever a person can put a word; returns the keys of their files."""
    member, coach = Caller(http, gym.member), Caller(http, gym.coach)
    await database.execute(
        "update users set first_name = $2::text, last_name = $2, phone = $2, image_url = $2, clerk_id = $2,"
        " email = $2 || '@example.test' where id = $1",
        gym.member.user_id,
        WORD,
    )
    for fields in ({}, {"attachmentIds": [await ready_upload(http, gym.member)]}):
        assert (await member.post("messages", message_to(gym.coach, WORD, **fields))).status == 201
    edited, deleted = message_to(gym.owner, WORD), message_to(gym.coach, WORD)
    for one in (edited, deleted):
        assert (await member.post("messages", one)).status == 201
    await member.patch(f"messages/{edited['id']}", {"content": f"{WORD} again"})
    await member.delete(f"messages/{deleted['id']}")
    await ready_upload(http, gym.member)  # never sent
    assignment = await assign(database, gym.member, gym.coach)
    thread = f"workout-assignments/{assignment}/comments"
    assert (await member.post(thread, {"content": WORD})).status == 201
    exercise = await add_exercise(database, gym, gym.member, by=gym.coach)
    root = (await member.post(exercise.path, {"body": WORD})).data["id"]
    reply = {"body": "an answer", "parentCommentId": root}
    assert (await coach.post(exercise.path, reply)).status == 201
    definition = str(await database.fetchval("select id from metric_definitions order by id limit 1"))
    unit = await database.fetchval("select unit::text from metric_definitions where id = $1", definition)
    value = {"id": str(uuid4()), "definitionId": definition, "value": "77", "unit": unit, "source": WORD}
    assert (await member.post(f"members/{gym.member.membership_id}/metrics", value)).status in (200, 201)
    named = {"name": WORD, "owner": {"membershipId": gym.member.membership_id}, "definitions": [definition]}
    assert (await member.post("metric-sets", named)).status in (200, 201)
    await member.put(f"/v1/me/devices/{uuid4()}", {"platform": WORD, "language": "en"})
    export = (await member.post("/v1/me/export", {})).data["jobId"]
    await until(database, "select state = 'done' from jobs where id = $1", export)
    link = (await member.get(f"/v1/me/jobs/{export}")).data["url"]
    async with http.get(link) as answer:
        archive = zipfile.ZipFile(BytesIO(await answer.read()))
    assert WORD in archive.read("messages-sent.jsonl").decode()
    await until(database, "select not exists (select from search_pending)")
    rows = await database.fetch(
        "select r2_key from message_attachments union all select thumbnail_r2_key from message_attachments"
        " union all select key from uploads union all select key from blob_garbage where key like 'exports/%'"
    )
    return sorted({str(key) for (key,) in rows if key is not None})


async def tables_with(tables: Tables, word: str) -> list[str]:
    """As a dump of the whole database would show them: each row of each table as text."""
    names = await tables.fetch(
        "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    found = []
    for (name,) in names:
        question = f"select exists (select from {name} t where t::text ilike '%' || $1 || '%')"  # noqa: S608 - names from the catalogue
        if await tables.fetchval(question, word):
            found.append(name)
    return found


async def readable(gym: Place, tables: Tables) -> list[str]:
    """Every route that reads, of which somebody else might see something."""
    threads = [str(row[0]) for row in await tables.fetch("select id from workout_assignments")]
    messages = [str(row[0]) for row in await tables.fetch("select id from messages")]
    movements = await tables.fetch("select workout_id, id from workout_movements")
    member = gym.member.membership_id
    return [
        "/v1/sync",
        "conversations",
        f"conversations/{member}",
        "members",
        f"members?search={WORD[:4]}",
        f"messages/search?q={WORD[:4]}",
        "workout-threads",
        f"workout-assignments?memberId={member}",
        f"members/{member}/metrics",
        "metric-sets",
        "audit",
        *(f"messages/{id_}" for id_ in messages),
        *(f"workout-assignments/{id_}/comments" for id_ in threads),
        *(f"workouts/{workout}" for workout, _ in movements),
        *(f"workouts/{workout}/movements/{movement}/comments" for workout, movement in movements),
    ]


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def content(path: Path) -> bytes:
    return path.read_bytes()
