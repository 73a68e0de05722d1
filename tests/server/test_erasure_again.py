"""What is asked of or for somebody who is erased already, through the routes."""

from aiohttp import ClientSession

from ..gym import Place
from .caller import Caller
from .platform import Tables, until


async def test_who_is_erased_is_nobody_to_export_or_to_erase_again(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    member = Caller(http, gym.member)
    job = (await member.delete("/v1/me")).data["jobId"]
    await until(database, "select state = 'done' from jobs where id = $1", job)
    answers = [
        await member.post("/v1/me/export", {}),
        await member.delete("/v1/me"),
        await member.get(f"/v1/me/jobs/{job}"),
        await member.get("/v1/me/metric-grants"),
        await member.get(f"members/{gym.member.membership_id}/metrics"),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [(401, "unauthenticated")] * len(answers)
    assert await database.fetchval("select count(*) from jobs") == 1


async def test_an_owner_who_asks_again_finds_nothing_left_to_erase(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    owner, path = Caller(http, gym.owner), f"members/{gym.member.membership_id}/erasure"
    asked = [await owner.post(path, {}) for _ in range(2)]
    assert [answer.status for answer in asked] == [202, 202]
    await until(database, "select not exists (select from jobs where state <> 'done')")
    person = (await Caller(http, gym.member2).delete("/v1/me")).data["jobId"]
    await until(database, "select state = 'done' from jobs where id = $1", person)
    for whose in (gym.member, gym.member2):  # erased here, and everywhere
        again = await owner.post(f"members/{whose.membership_id}/erasure", {})
        await until(database, "select state = 'done' from jobs where id = $1", again.data["jobId"])
        counts = (
            "select coalesce(sum(v.value::bigint), 0)::int from jobs, jsonb_each_text(counts) v where id = $1"
        )
        assert await database.fetchval(counts, again.data["jobId"]) == 0
