"""Export: a person's own data as a ZIP, the other side's words as references only."""

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

from aiohttp import ClientSession

from ..gym import Place, message_to
from .caller import Caller
from .platform import Tables, until


async def exported(
    http: ClientSession, tables: Tables, who: Caller
) -> tuple[dict[str, Any], zipfile.ZipFile]:
    """The job when it is done, and what its link shows."""
    begun = await who.post("/v1/me/export", {})
    assert (begun.status, list(begun.data)) == (202, ["jobId"])
    await until(tables, "select state = 'done' from jobs where id = $1", begun.data["jobId"])
    job = (await who.get(f"/v1/me/jobs/{begun.data['jobId']}")).data
    async with http.get(job["url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        return job, zipfile.ZipFile(io.BytesIO(await answer.read()))


def lines(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]


async def test_own_words_are_whole_and_those_of_others_are_references(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    mine, theirs = message_to(gym.coach, "my own: שלום"), message_to(gym.member, "somebody else's")
    await Caller(http, gym.member).post("messages", mine)
    await Caller(http, gym.coach).post("messages", theirs)

    job, archive = await exported(http, database, Caller(http, gym.member))

    assert (job["kind"], job["counts"]) == ("export", {"messages-sent": 1, "messages-received": 1})
    person = json.loads(archive.read("person.json"))
    assert person["userId"] == gym.member.user_id
    assert [one["membershipId"] for one in person["memberships"]] == [gym.member.membership_id]
    (sent,), (received,) = lines(archive, "messages-sent"), lines(archive, "messages-received")
    assert (sent["id"], sent["content"]) == (mine["id"], "my own: שלום")
    assert (received["id"], received["senderMembershipId"]) == (theirs["id"], gym.coach.membership_id)
    assert "content" not in received
    assert b"somebody else" not in b"".join(archive.read(name) for name in archive.namelist())


async def test_asking_again_soon_finds_the_same_export(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    member = Caller(http, gym.member)
    job, _ = await exported(http, database, member)
    assert (await member.post("/v1/me/export", {})).data["jobId"] == job["jobId"]
    await database.execute("update jobs set finished_at = finished_at - interval '10 minutes'")
    assert (await member.post("/v1/me/export", {})).data["jobId"] != job["jobId"]


async def test_nobody_else_sees_the_job_or_its_link(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    job, _ = await exported(http, database, Caller(http, gym.member))
    assert (await Caller(http, gym.owner).get(f"/v1/me/jobs/{job['jobId']}")).code == "not_found"
    assert (await Caller(http, gym.member).get(f"/v1/me/jobs/{uuid4()}")).code == "not_found"


async def test_an_export_goes_after_a_day_and_with_its_person(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    member = Caller(http, gym.member)
    job, _ = await exported(http, database, member)
    await database.execute("update jobs set finished_at = finished_at - interval '1 day'")
    assert (await member.get(f"/v1/me/jobs/{job['jobId']}")).data["url"] is None
    assert await database.fetchval("select due_at > now() from blob_garbage where key like 'exports/%'")
    erasure = (await member.delete("/v1/me")).data["jobId"]
    await until(database, "select state = 'done' from jobs where id = $1", erasure)
    assert not await database.fetchval("select due_at > now() from blob_garbage where key like 'exports/%'")


async def test_an_export_under_way_ends_with_its_person(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    job = await database.fetchval(
        "insert into jobs (kind, user_id, actor_id, stage) values ('export', $1, $1, 'building') returning id",
        gym.member.user_id,
    )
    assert await database.fetchval("select keep_export($1, '{}')", job)
    await database.execute("insert into erased_people (user_id) values ($1)", gym.member.user_id)
    assert not await database.fetchval("select keep_export($1, '{}')", job)
    assert not await database.fetchval("select finish_export($1, 'exports/key.zip', '{}')", job)
    assert await database.fetchval("select due_at <= clock_timestamp() from blob_garbage")
    assert await database.fetchval("select begin_export($1)", gym.member.user_id) is None


async def test_of_two_who_built_an_export_neither_takes_it_away(gym: Place, database: Tables) -> None:
    job = await database.fetchval(
        "insert into jobs (kind, user_id, actor_id, stage) values ('export', $1, $1, 'building') returning id",
        gym.member.user_id,
    )
    for _ in range(2):  # the first one's way to the store took longer than it had
        assert await database.fetchval("select finish_export($1, 'exports/key.zip', '{}')", job)
    assert await database.fetchval("select due_at > now() from blob_garbage")
