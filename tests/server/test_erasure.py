"""Erasure: the words go, everywhere or in one gym; ids, order and the words of others stay."""

import json
from uuid import uuid4

import asyncpg
from aiohttp import ClientSession

from ..gym import Place, message_to
from .caller import Answer, Caller
from .conftest import OpenPhone
from .platform import Tables, assign, join, until

WORD = "wolverine"


async def finished(tables: Tables, job_id: str) -> dict[str, int]:
    """The report of a job, once it is done."""
    await until(tables, "select state = 'done' from jobs where id = $1", job_id)
    return dict(json.loads(await tables.fetchval("select counts::text from jobs where id = $1", job_id)))


async def erase_me(who: Caller) -> str:
    answer = await who.delete("/v1/me")
    assert (answer.status, list(answer.data)) == (202, ["jobId"])
    return str(answer.data["jobId"])


async def test_a_person_erased_is_a_stranger_at_once_and_their_words_are_gone(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.coach, WORD)
    await member.ask("message.send", **sent)
    await coach.event("message.created")
    answer = message_to(gym.member, "words of somebody else")
    await coach.ask("message.send", **answer)

    job = await erase_me(Caller(http, gym.member))

    assert await member.close_code() == 4503
    erased = await coach.event("message.erased")
    assert erased["data"] == {"senderMembershipId": gym.member.membership_id, "messageIds": [sent["id"]]}
    assert await finished(database, job) == {"messages": 1, "devices": 1}
    assert (await Caller(http, gym.member).get("/v1/sync")).status == 401
    history = (await Caller(http, gym.coach).get(f"conversations/{gym.member.membership_id}")).data["items"]
    assert [(m["id"], m["content"], m["erased"], m["senderName"]) for m in history] == [
        (answer["id"], "words of somebody else", False, gym.coach.name),
        (sent["id"], None, True, ""),
    ]
    row = await database.fetchrow("select * from users where id = $1", gym.member.user_id)
    assert row is not None
    assert row["email"] == f"erased-{gym.member.user_id}@invalid"
    names = ("clerk_id", "first_name", "last_name", "phone", "image_url")
    assert [row[name] for name in names] == [None] * len(names)
    assert (await Caller(http, gym.coach).post("messages", message_to(gym.member))).code == "gone"


async def test_an_erased_id_is_taken_and_a_replay_tells_no_word(
    gym: Place, http: ClientSession, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.coach, WORD)
    assert (await Caller(http, gym.member).post("messages", sent)).status == 201
    await finished(database, await erase_me(Caller(http, gym.member)))

    again = await coach.ask("message.send", **(message_to(gym.coach2) | {"id": sent["id"]}))
    assert again["error"]["code"] == "conflict"
    other = await phone(gym.coach, connect=False)
    other.epoch, other.position = coach.epoch, 0
    await other.connect()
    created, erased = await other.event("message.created"), await other.event("message.erased")
    assert (created["data"]["content"], created["data"]["erased"]) == (None, True)
    assert erased["data"]["messageIds"] == [sent["id"]]


async def test_an_owner_erases_a_membership_and_nothing_of_other_gyms(
    gym: Place, other_gym: Place, http: ClientSession, phone: OpenPhone, database: Tables
) -> None:
    elsewhere = await join(database, gym.member, other_gym, "member")
    member = await phone(gym.member)
    here, there = message_to(gym.coach, WORD), message_to(other_gym.coach, "stays")
    await member.ask("message.send", **here)
    await member.ask("message.send", **there)
    owner = Caller(http, gym.owner)

    answer = await owner.post(f"members/{gym.member.membership_id}/erasure", {})

    assert answer.status == 202
    ended = await member.event("membership.ended")
    assert ended["data"] == {"membershipId": gym.member.membership_id}
    job = answer.data["jobId"]
    assert await finished(database, job) == {"messages": 1}
    read = (await owner.get(f"/v1/me/jobs/{job}")).data
    assert (read["kind"], read["state"], read["counts"]) == ("erasure", "done", {"messages": 1})
    assert (await Caller(http, gym.coach).get(f"messages/{here['id']}")).data["content"] is None
    assert (await Caller(http, elsewhere).get(f"messages/{there['id']}")).data["content"] == "stays"
    row = await database.fetchrow(
        "select first_name, deleted_at from users where id = $1", gym.member.user_id
    )
    assert row is not None
    assert row["deleted_at"] is None
    assert row["first_name"] is not None


async def test_who_may_not_erase_whom(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    second = await join(database, other_gym.owner, gym, "owner")

    async def ask(who: Caller, membership: str) -> Answer:
        return await who.post(f"members/{membership}/erasure", {})

    for who in (gym.admin, gym.coach, gym.member):
        assert (await ask(Caller(http, who), gym.member2.membership_id)).code == "forbidden"
    owner = Caller(http, gym.owner)
    assert (await ask(owner, second.membership_id)).code == "forbidden"
    assert (await ask(owner, gym.owner.membership_id)).code == "forbidden"
    assert (await ask(owner, other_gym.member.membership_id)).code == "not_found"
    assert (await ask(owner, str(uuid4()))).code == "not_found"
    assert await database.fetchval("select count(*) from jobs") == 0


async def test_a_second_erasure_is_the_first(gym: Place, http: ClientSession, database: Tables) -> None:
    first = await erase_me(Caller(http, gym.member))
    assert str(await database.fetchval("select begin_erasure($1, null, null)", gym.member.user_id)) == first
    report = await finished(database, first)
    assert str(await database.fetchval("select begin_erasure($1, null, null)", gym.member.user_id)) == first
    assert await database.fetchval("select count(*) from erasures") == 1
    assert report == {}


async def test_steps_are_taken_anywhere_and_a_held_thread_is_waited_for(
    gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    assignment = await assign(database, gym.member, gym.coach)
    posted = await Caller(http, gym.member).post(
        f"workout-assignments/{assignment}/comments", {"content": WORD}
    )
    for number in range(3):
        assert (
            await Caller(http, gym.member).post("messages", message_to(gym.coach, f"{WORD} {number}"))
        ).status == 201
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute("select from workout_assignments where id = $1 for update", assignment)
            job = await erase_me(Caller(http, gym.member))
            # What is not held goes on.
            await until(database, "select count(*) = 1 from messages where content is not null")
    finally:
        await holder.close()
    assert (await finished(database, job))["messages"] == 4
    assert await database.fetchval("select content from messages where id = $1", posted.data["id"]) is None
