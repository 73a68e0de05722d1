"""Retention: what an organization does not keep longer goes, and each person is told once a run."""

from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession
from coachwire_protocol.times import wire_time

from ..gym import Place, message_to
from .caller import Caller
from .conftest import OpenPhone
from .platform import Tables, assign, until


async def grow_old(tables: Tables, days: int, *message_ids: str) -> None:
    for table, name in (("messages", "id"), ("message_ledger", "message_id")):
        await tables.execute(
            f"update {table} set created_at = created_at - make_interval(days => $1) where {name} = any ($2)",  # noqa: S608 - names of ours
            days,
            message_ids,
        )


async def run_now(tables: Tables) -> None:
    """As the hourly look does, and until the runs are done."""
    await tables.execute("select begin_retention(0)")
    await until(tables, "select not exists (select from jobs where state <> 'done')")


async def test_what_is_older_goes_and_both_are_told_once(
    gym: Place, other_gym: Place, http: ClientSession, phone: OpenPhone, database: Tables
) -> None:
    coach, member, stranger = await phone(gym.coach), await phone(gym.member), await phone(other_gym.coach)
    old, older, new = (message_to(gym.member, f"{n}") for n in range(3))
    for one in (old, older, new):
        await coach.ask("message.send", **one)
    await stranger.ask("message.send", **message_to(other_gym.member))
    await grow_old(database, 31, old["id"], older["id"])
    await Caller(http, gym.owner).patch("settings", {"messageRetentionDays": 30})

    await run_now(database)

    trimmed = await member.event("history.trimmed")
    before = datetime.fromisoformat(trimmed["data"]["before"])
    assert timedelta(days=29) < datetime.now(UTC) - before < timedelta(days=31)
    assert trimmed == {
        "type": "event",
        "kind": "history.trimmed",
        "organizationId": gym.organization_id,
        "data": {"before": wire_time(before)},
        "position": 4,
    }
    assert (await coach.event("history.trimmed"))["data"] == trimmed["data"]
    items = (await Caller(http, gym.member).get(f"conversations/{gym.coach.membership_id}")).data["items"]
    assert [one["id"] for one in items] == [new["id"]]
    assert await database.fetchval("select count(*) from messages") == 2
    assert await database.fetchval("select counts::text from jobs") == '{"people": 2, "messages": 2}'
    await run_now(database)
    for person in (coach, member, stranger):
        kinds = [frame.get("kind") for frame in await person.drained()]
        assert "message.deleted" not in kinds
        assert "history.trimmed" not in kinds


async def test_a_trimmed_id_stays_taken(gym: Place, http: ClientSession, database: Tables) -> None:
    sent = message_to(gym.member)
    coach = Caller(http, gym.coach)
    assert (await coach.post("messages", sent)).status == 201
    await grow_old(database, 3, sent["id"])
    await Caller(http, gym.owner).patch("settings", {"messageRetentionDays": 1})
    await run_now(database)
    assert (await coach.post("messages", sent)).code == "gone"
    assert (await coach.post("messages", sent | {"content": "other"})).code == "conflict"


async def test_a_locked_thread_is_left_for_the_next_run(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    import asyncpg

    assignment = await assign(database, gym.member, gym.coach)
    coach = Caller(http, gym.coach)
    posted = (await coach.post(f"workout-assignments/{assignment}/comments", {"content": "held"})).data["id"]
    direct = message_to(gym.member)
    await coach.post("messages", direct)
    await grow_old(database, 3, posted, direct["id"])
    await Caller(http, gym.owner).patch("settings", {"messageRetentionDays": 1})
    holder = await asyncpg.connect(database_url)
    async with holder.transaction():
        await holder.execute("select from workout_assignments where id = $1 for update", assignment)
        await run_now(database)
    await holder.close()
    assert [str(row["id"]) for row in await database.fetch("select id from messages")] == [posted]
    await run_now(database)
    assert await database.fetchval("select count(*) from messages") == 0
