"""Grants that end, when their time passes or with the membership: what they showed is taken back, once, for good."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.settings import Settings
from coachwire_protocol.times import wire_time

from ..gym import Place, Someone
from ..phone import Frame, Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, set_status, until
from .conftest import UNKNOWN, Trainer

ALL_TOLD = "select not exists (select from metric_grants where until_at is not null and not ended)"


def topic(of: Someone) -> str:
    return f"metrics:{of.membership_id}"


def soon(seconds: float) -> str:
    return wire_time(datetime.now(UTC) + timedelta(seconds=seconds))


async def kinds(phone: Phone, of: Someone) -> list[str]:
    """Of the topic's events that came since."""
    return [frame["kind"] for frame in await phone.drained() if frame.get("topic") == topic(of)]


async def test_when_its_time_passes_whoever_watches_drops_what_it_showed_and_hears_nothing_more(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    squat: str,
    bench: str,
) -> None:
    here, there = Trainer(http, gym.coach), Trainer(http, other_gym.coach)
    member, watcher = Trainer(http, gym.member), await phone(other_gym.coach)
    squatted = await here.recorded(gym.member, squat, "1")
    await here.recorded(gym.member, bench, "2")
    await there.recorded(abroad, squat, "3")
    opened = await watcher.open_topic(topic(abroad))
    await member.grant(other_gym, definitionId=squat)
    assert sorted(await there.values(abroad)) == ["1", "3"]
    await member.grant(other_gym, definitionId=squat, until=soon(0.3))

    assert await watcher.in_topic(topic(abroad), "metric.erased") == {
        "type": "event",
        "kind": "metric.erased",
        "organizationId": other_gym.organization_id,
        "topic": topic(abroad),
        "data": {"membershipId": abroad.membership_id, "valueIds": [squatted]},
        "position": opened["position"] + 1,
    }
    assert await there.values(abroad) == ["3"]
    await here.recorded(gym.member, squat, "4")
    await there.recorded(abroad, squat, "5")
    assert (await watcher.in_topic(topic(abroad), "metric.recorded"))["data"]["value"] == "5"
    assert await kinds(watcher, abroad) == []


async def test_whoever_was_away_when_it_ended_drops_it_on_coming_back(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    squat: str,
) -> None:
    watcher = await phone(other_gym.coach)
    await watcher.open_topic(topic(abroad))
    await Trainer(http, gym.member).grant(other_gym)
    squatted = await Trainer(http, gym.coach).recorded(gym.member, squat)
    await watcher.in_topic(topic(abroad), "metric.recorded")
    await watcher.leave()
    await Trainer(http, gym.member).grant(other_gym, until=soon(0.3))
    await until(database, ALL_TOLD)
    await watcher.connect()
    await watcher.open_topic(topic(abroad))
    assert (await watcher.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [squatted]


async def test_a_grant_that_is_put_anew_before_its_end_goes_on(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    squat: str,
    bench: str,
) -> None:
    member, watcher = Trainer(http, gym.member), await phone(other_gym.coach)
    await Trainer(http, gym.coach).recorded(gym.member, squat, "1")
    benched = await Trainer(http, gym.coach).recorded(gym.member, bench, "2")
    await watcher.open_topic(topic(abroad))
    end = soon(2)
    for definition in (squat, bench):
        await member.grant(other_gym, definitionId=definition, until=end)
    await member.grant(other_gym, definitionId=squat, until=soon(3600))
    assert (await watcher.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [benched]
    assert await kinds(watcher, abroad) == []
    assert await Trainer(http, other_gym.coach).values(abroad) == ["1"]


async def test_what_another_grant_shows_as_well_stays(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    squat: str,
    bench: str,
) -> None:
    member, watcher = Trainer(http, gym.member), await phone(other_gym.coach)
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    benched = await Trainer(http, gym.coach).recorded(gym.member, bench)
    await watcher.open_topic(topic(abroad))
    await member.grant(other_gym, definitionId=squat)
    await member.grant(other_gym, until=soon(0.5))
    assert (await watcher.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [benched]


async def test_when_a_grant_begins_its_values_are_there_and_what_is_recorded_then_is_told(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    squat: str,
) -> None:
    here, there = Trainer(http, gym.coach), Trainer(http, other_gym.coach)
    watcher = await phone(other_gym.coach)
    await here.recorded(gym.member, squat, "1")
    await watcher.open_topic(topic(abroad))
    begin = soon(1.5)
    await Trainer(http, gym.member).grant(other_gym, **{"from": begin})
    assert await there.values(abroad) == []
    await until(database, "select clock_timestamp() > $1::text::timestamptz", begin)
    assert await there.values(abroad) == ["1"]
    await here.recorded(gym.member, squat, "2")
    assert (await watcher.in_topic(topic(abroad), "metric.recorded"))["data"]["value"] == "2"


async def test_many_values_are_taken_back_in_several_events(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    squat: str,
) -> None:
    await database.execute(
        "with v as (insert into member_metrics (id, member_id, definition_id, value, unit)"
        "  select gen_random_uuid(), $1, $2, n, 'kg' from generate_series(1, 501) n returning id)"
        " insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
        " select id, $1, $3, $1, now() from v",
        gym.member.user_id,
        squat,
        gym.organization_id,
    )
    watcher = await phone(other_gym.coach)
    await watcher.open_topic(topic(abroad))
    await Trainer(http, gym.member).grant(other_gym, until=soon(0.3))
    events = [await watcher.in_topic(topic(abroad), "metric.erased") for _ in range(2)]
    assert [len(event["data"]["valueIds"]) for event in events] == [500, 1]
    assert len({id_ for event in events for id_ in event["data"]["valueIds"]}) == 501


async def test_of_two_servers_that_find_the_same_end_one_tells_it(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    settings: Settings,
    database: Tables,
    squat: str,
) -> None:
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    async with TestServer(init_app(settings)):
        for _ in range(5):
            await Trainer(http, gym.member).grant(other_gym, until=soon(0.2))
            await until(database, ALL_TOLD)
    told = await database.fetch(
        "select position, kind::text from topic_events where topic = $1", topic(abroad)
    )
    assert [tuple(row) for row in told] == [(position, "metric.erased") for position in range(1, 6)]


async def test_what_was_due_while_no_server_ran_is_told_by_the_next_one(
    gym: Place, other_gym: Place, abroad: Someone, settings: Settings, database: Tables, squat: str
) -> None:
    value = uuid4()
    await database.execute(
        "insert into member_metrics (id, member_id, definition_id, value, unit) values ($1, $2, $3, 1, 'kg')",
        value, gym.member.user_id, squat,
    )  # fmt: skip
    await database.execute(
        "insert into user_streams (user_id) values ($1) on conflict do nothing", gym.member.user_id
    )
    await database.execute(
        "insert into metric_grants (user_id, organization_id, until_at) values ($1, $2, now() - interval '1 hour')",
        gym.member.user_id, other_gym.organization_id,
    )  # fmt: skip
    async with TestServer(init_app(settings)):
        await until(database, ALL_TOLD)
    told = await database.fetch(
        "select kind::text, subject_ids from topic_events where topic = $1", topic(abroad)
    )
    assert [tuple(row) for row in told] == [("metric.erased", [value])]


async def test_whose_stream_is_held_is_told_when_it_is_free_and_holds_nobody_up(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    database_url: str,
    squat: str,
) -> None:
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    watcher = await phone(other_gym.coach)
    await watcher.open_topic(topic(abroad))
    await Trainer(http, gym.member).grant(other_gym)
    await Trainer(http, gym.member2).grant(gym)
    holder = await asyncpg.connect(database_url)
    async with holder.transaction():
        await holder.execute("select from user_streams where user_id = $1 for update", gym.member.user_id)
        await database.execute("update metric_grants set until_at = now()")
        await until(
            database, "select bool_or(ended) from metric_grants where user_id = $1", gym.member2.user_id
        )
        assert await database.fetchval(
            "select not ended from metric_grants where user_id = $1", gym.member.user_id
        )
    await holder.close()
    await watcher.in_topic(topic(abroad), "metric.erased")


async def test_a_grant_ends_with_the_membership_for_good(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    squat: str,
) -> None:
    member, staff = Trainer(http, gym.member), Trainer(http, other_gym.coach)
    squatted = await Trainer(http, gym.coach).recorded(gym.member, squat, "1")
    watcher = await phone(other_gym.coach)
    for end in ("cancelled", "suspended"):
        await watcher.open_topic(topic(abroad))
        await member.grant(other_gym)
        assert await staff.values(abroad) == ["1"]
        await database.execute("set coachwire.quiet = off")
        await set_status(database, abroad, end)
        assert (await watcher.next("topic.closed"))["reason"] == "gone"
        assert await staff.values(abroad) == []
        await until(database, ALL_TOLD)
        await set_status(database, abroad, "active")
        assert await staff.values(abroad) == []
        await watcher.open_topic(topic(abroad))  # where it was: what was on the screen is dropped
        assert (await watcher.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [squatted]
        await watcher.ask("topic.close", topic=topic(abroad))
    given = (await member.get("/v1/me/metric-grants")).data["items"]
    assert [one["until"] < wire_time(datetime.now(UTC)) for one in given] == [True]
    await member.grant(other_gym)
    assert await staff.values(abroad) == ["1"]


async def test_who_leaves_and_is_back_at_once_has_granted_nothing(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    await Trainer(http, gym.coach).recorded(gym.member, squat)
    await Trainer(http, gym.member).grant(other_gym)
    await Trainer(http, gym.member).grant(gym)
    async with database.transaction():
        await set_status(database, abroad, "cancelled")
        await set_status(database, abroad, "active")
    assert await Trainer(http, other_gym.coach).values(abroad) == []
    grants = "select organization_id::text from metric_grants where until_at is null"
    assert [row[0] for row in await database.fetch(grants)] == [
        gym.organization_id
    ]  # of the other nothing ended


async def test_a_deleted_membership_ends_its_grants(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, squat: str
) -> None:
    await Trainer(http, gym.member).grant(other_gym)
    await database.execute("delete from memberships where id = $1", abroad.membership_id)
    await until(database, ALL_TOLD)
    assert await database.fetchval("select ended from metric_grants")


async def test_nothing_is_granted_while_the_membership_is_being_ended(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, database: Tables, database_url: str
) -> None:
    member = Trainer(http, gym.member)
    platform = await asyncpg.connect(database_url)
    async with platform.transaction():
        await platform.execute(
            "update memberships set status = 'cancelled' where id = $1", UUID(abroad.membership_id)
        )
        assert (await member.grant(other_gym)).code == "unavailable"
    await platform.close()
    assert (await member.grant(other_gym)).code == "forbidden"
    assert await database.fetchval("select count(*) from metric_grants") == 0


async def test_an_end_that_was_not_told_yet_is_told_by_the_next_change(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    database: Tables,
    squat: str,
    bench: str,
) -> None:
    member, watcher = Trainer(http, gym.member), await phone(other_gym.coach)
    squatted = await Trainer(http, gym.coach).recorded(gym.member, squat)
    await watcher.open_topic(topic(abroad))
    for change in ("withdraw", "put", "another"):
        await member.grant(other_gym, definitionId=squat)
        # From here on the server looks as well: whoever comes first tells it.
        await database.execute("update metric_grants set until_at = clock_timestamp() where not ended")
        if change == "withdraw":
            await member.withdraw(other_gym, definitionId=squat)
        elif change == "put":
            await member.grant(other_gym, definitionId=squat, **{"from": soon(3600)})
        else:
            await member.grant(other_gym, definitionId=bench)
        event: Frame = await watcher.in_topic(topic(abroad), "metric.erased")
        assert event["data"]["valueIds"] == [squatted]
        assert await kinds(watcher, abroad) == []
    assert (await member.grant(other_gym, definitionId=UNKNOWN)).code == "not_found"
