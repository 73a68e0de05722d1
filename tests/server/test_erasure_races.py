"""Whatever a person does while their erasure runs is refused, or goes with the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.blobs.local import LocalBlobs
from coachwire.database import Database
from coachwire.files.sweeping import Sweeping
from coachwire.jobs import Step
from coachwire.jobs.erasing import take_step
from coachwire.jobs.exporting import TAKE
from coachwire.operations.jobs import export_key
from coachwire.settings import Settings

from ..comments.conftest import add_exercise
from ..files import picture
from ..gym import Place, message_to
from ..phone import SocketClosed
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, until
from .test_erasure_reach import files_below, tables_with
from .uploading import put

WORD = "wolverine"
Act = Callable[[], Awaitable[object]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, rate_limit=None)


async def acts_of(gym: Place, http: ClientSession, database: Tables, chance: Random) -> list[Act]:
    """All that a person can leave behind, once each."""
    member, coach = Caller(http, gym.member), Caller(http, gym.coach)
    assignment = await assign(database, gym.member, gym.coach)
    exercise = await add_exercise(database, gym, gym.member, by=gym.coach)
    definition = str(await database.fetchval("select id from metric_definitions order by id limit 1"))
    unit = await database.fetchval("select unit::text from metric_definitions where id = $1", definition)
    values = f"members/{gym.member.membership_id}/metrics"
    sent: list[str] = []

    def value() -> dict[str, Any]:
        return {"id": str(uuid4()), "definitionId": definition, "value": "77", "unit": unit, "source": WORD}

    async def say() -> None:
        message = message_to(gym.coach, WORD)
        await member.post("messages", message)
        sent.append(message["id"])

    async def edit() -> None:
        if sent:
            await member.patch(f"messages/{chance.choice(sent)}", {"content": f"{WORD} again"})

    async def upload() -> None:
        body = picture()
        asked = {"fileName": "a.jpg", "fileSize": len(body), "mimeType": "image/jpeg"}
        answer = await member.post("messages/upload-url", asked)
        if answer.status == 200:
            await put(http, answer.data, body)
            await member.post(f"uploads/{answer.data['uploadId']}/complete", {})

    return [
        say,
        edit,
        upload,
        lambda: member.post(f"workout-assignments/{assignment}/comments", {"content": WORD}),
        lambda: member.put(f"workout-assignments/{assignment}/read", {}),
        lambda: member.post(exercise.path, {"body": WORD}),
        lambda: member.post(values, value()),
        lambda: coach.post(values, value()),
        lambda: member.post(
            "metric-sets",
            {"name": WORD, "owner": {"membershipId": gym.member.membership_id}, "definitions": [definition]},
        ),
        lambda: member.put(f"/v1/me/devices/{uuid4()}", {"platform": WORD, "language": "en"}),
        lambda: member.put("/v1/me/metric-grants", {"organizationId": gym.organization_id}),
        lambda: member.post("/v1/me/export", {}),
    ]


async def go_on(acts: list[Act], chance: Random, over: asyncio.Event) -> None:
    while not over.is_set():
        await chance.choice(acts)()


async def come_back(phone: OpenPhone, gym: Place, over: asyncio.Event) -> None:
    while not over.is_set():
        with suppress(SocketClosed):
            one = await phone(gym.member)
            for _ in range(5):
                await one.ask("message.send", **message_to(gym.coach, WORD))


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_left_of_what_a_person_did_meanwhile(
    gym: Place,
    http: ClientSession,
    phone: OpenPhone,
    server: TestServer,
    settings: Settings,
    database: Tables,
    seed: int,
) -> None:
    chance, over = Random(seed), asyncio.Event()  # noqa: S311 - to be repeated, not to be secret
    acts = await acts_of(gym, http, database, chance)
    tasks = [asyncio.create_task(go_on(acts, chance, over)) for _ in range(6)]
    tasks.append(asyncio.create_task(come_back(phone, gym, over)))
    try:
        await until(database, "select count(*) > 20 from messages where content is not null")
        job = (await Caller(http, gym.member).delete("/v1/me")).data["jobId"]
        await until(database, "select state = 'done' from jobs where id = $1", job)
    finally:
        over.set()
        await asyncio.gather(*tasks)
    await until(database, "select not exists (select from uploads where state = 'processing')")
    await until(database, "select not exists (select from jobs where state = 'running')")
    await until(database, "select not exists (select from search_pending)")
    assert await tables_with(database, WORD) == []
    for table, column in (
        ("devices", "user_id"),
        ("thread_marks", "user_id"),
        ("member_metrics", "member_id"),
        ("metric_grants", "user_id"),
        ("metric_sets", "member_user_id"),
        ("uploads", "user_id"),
    ):
        question = f"select count(*) from {table} where {column} = $1"  # noqa: S608 - names from above
        assert await database.fetchval(question, gym.member.user_id) == 0, table
    store = settings.home / "blobs"
    kept = {
        path.relative_to(store).as_posix() for path in files_below(store) if gym.member.user_id in str(path)
    }
    noted = {str(key) for (key,) in await database.fetch("select key from blob_garbage")}
    assert {key for key in kept - noted if not key.startswith("erasures/")} == set()
    with pytest.raises(SocketClosed, match="4503"):
        await phone(gym.member)


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_left_in_a_gym_of_what_a_member_did_meanwhile(
    gym: Place, http: ClientSession, database: Tables, seed: int
) -> None:
    chance, over = Random(seed), asyncio.Event()  # noqa: S311 - to be repeated, not to be secret
    acts = await acts_of(gym, http, database, chance)
    tasks = [asyncio.create_task(go_on(acts, chance, over)) for _ in range(6)]
    try:
        await until(database, "select count(*) > 20 from messages where content is not null")
        path = f"members/{gym.member.membership_id}/erasure"
        job = (await Caller(http, gym.owner).post(path, {})).data["jobId"]
        await until(database, "select state = 'done' from jobs where id = $1", job)
    finally:
        over.set()
        await asyncio.gather(*tasks)
    await until(database, "select not exists (select from search_pending)")
    assert not {"messages", "exercise_comments", "message_search"} & set(await tables_with(database, WORD))
    assert (
        await database.fetchval("select count(*) from metric_origins where organization_id is not null") == 0
    )
    assert await database.fetchval("select count(*) from message_attachments") == 0


async def test_an_export_whose_builder_died_before_it_was_told_goes_with_its_person(
    gym: Place, database: Tables, database_url: str, tmp_path: Path
) -> None:
    blobs, pool = LocalBlobs(tmp_path / "blobs", lambda: "http://127.0.0.1"), Database(database_url)
    await pool.open()
    try:
        job = await database.fetchval("select begin_export($1)", gym.member.user_id)
        async with pool.connection() as tx:
            assert str((await TAKE.one(tx, job)).user_id) == gym.member.user_id
        (tmp_path / "zip").write_bytes(b"all that they ever said")
        key = export_key(gym.member.user_id, str(job))
        await blobs.put(key, tmp_path / "zip", "application/zip")
        erasure = await database.fetchval("select begin_erasure($1, null, null)", gym.member.user_id)
        while (await take_step(pool, blobs, erasure)).step is not Step.DONE:
            pass
        await Sweeping(pool, blobs).sweep()
        assert await blobs.head(key) is None
    finally:
        await pool.close()
