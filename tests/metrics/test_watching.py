"""Topics of values: each organization hears what it may see, live and in a replay, and drops what is withdrawn."""

from typing import Any

from aiohttp import ClientSession

from ..gym import Place, Someone
from ..phone import Phone
from ..server.conftest import OpenPhone
from ..server.platform import Tables, set_status
from .conftest import Trainer


def topic(of: Someone) -> str:
    return f"metrics:{of.membership_id}"


async def told(phone: Phone, of: Someone) -> list[dict[str, Any]]:
    """Events of the topic so far."""
    return [
        frame
        for frame in await phone.drained()
        if frame["type"] == "event" and frame.get("topic") == topic(of) and frame["kind"] != "skipped"
    ]


async def test_staff_who_watch_hear_of_a_value_and_again_when_they_come_back(
    gym: Place, http: ClientSession, phone: OpenPhone, squat: str
) -> None:
    coach = await phone(gym.coach)
    opened = await coach.open_topic(topic(gym.member))
    value = (await Trainer(http, gym.coach2).record(gym.member, squat)).data
    event = await coach.in_topic(topic(gym.member), "metric.recorded")
    assert event == {
        "type": "event",
        "kind": "metric.recorded",
        "organizationId": gym.organization_id,
        "topic": topic(gym.member),
        "data": value,
        "position": opened["position"] + 1,
    }
    another = await phone(gym.owner)
    another.topics[topic(gym.member)] = opened["position"]
    assert (await another.open_topic(topic(gym.member)))["resume"] == "resumed"
    assert (await another.in_topic(topic(gym.member), "metric.recorded"))["data"] == value


async def test_who_may_watch(gym: Place, other_gym: Place, phone: OpenPhone, database: Tables) -> None:
    async def code(who: Someone, of: Someone) -> str:
        answer = await (await phone(who)).ask("topic.open", topic=topic(of))
        return "ok" if answer["type"] == "ok" else str(answer["error"]["code"])

    assert [await code(who, gym.member) for who in (gym.coach, gym.owner, gym.member)] == ["ok"] * 3
    assert [await code(who, gym.member) for who in (gym.member2, other_gym.coach)] == ["not_found"] * 2
    await set_status(database, gym.member2, "cancelled")
    assert await code(gym.coach, gym.member2) == "not_found"


async def test_another_gym_hears_only_what_it_was_granted_and_no_longer_than_that(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    squat: str,
    bench: str,
) -> None:
    here, there = Trainer(http, gym.coach), Trainer(http, other_gym.coach)
    member, stranger = Trainer(http, gym.member), await phone(other_gym.coach)
    opened = await stranger.open_topic(topic(abroad))

    await here.recorded(gym.member, squat, "1")
    assert await told(stranger, abroad) == []
    await member.grant(other_gym, definitionId=squat)
    second = await here.recorded(gym.member, squat, "2")
    await here.recorded(gym.member, bench, "3")
    own = await there.recorded(abroad, squat, "4")
    events = await told(stranger, abroad)
    assert [(one["kind"], one["data"]["value"]) for one in events] == [
        ("metric.recorded", "2"),
        ("metric.recorded", "4"),
    ]
    assert events[0]["organizationId"] == other_gym.organization_id
    assert events[0]["data"]["membershipId"] == abroad.membership_id

    assert (await member.withdraw(other_gym, definitionId=squat)).data == {}
    hidden = await stranger.in_topic(topic(abroad), "metric.erased")
    assert hidden["data"]["membershipId"] == abroad.membership_id
    assert second in hidden["data"]["valueIds"]
    assert own not in hidden["data"]["valueIds"]
    await here.recorded(gym.member, squat, "5")
    assert await told(stranger, abroad) == []

    late = await phone(other_gym.owner)
    late.topics[topic(abroad)] = opened["position"]
    await late.open_topic(topic(abroad))
    await late.in_topic(topic(abroad), "metric.erased")
    values = [one["data"]["value"] for one in await told(late, abroad) if one["kind"] == "metric.recorded"]
    assert "2" not in values
    assert "5" not in values


async def test_a_narrowed_grant_hides_as_a_withdrawn_one_and_a_wider_one_stays(
    gym: Place,
    other_gym: Place,
    abroad: Someone,
    http: ClientSession,
    phone: OpenPhone,
    squat: str,
    bench: str,
) -> None:
    here, member, stranger = Trainer(http, gym.coach), Trainer(http, gym.member), await phone(other_gym.coach)
    await stranger.open_topic(topic(abroad))
    squatted, benched = await here.recorded(gym.member, squat), await here.recorded(gym.member, bench)
    await member.grant(other_gym)
    await member.grant(other_gym, definitionId=squat)
    await member.withdraw(other_gym)
    assert (await stranger.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [benched]
    await member.grant(other_gym, definitionId=squat, **{"from": "2999-01-01T00:00:00.000000Z"})
    assert (await stranger.in_topic(topic(abroad), "metric.erased"))["data"]["valueIds"] == [squatted]


async def test_a_member_hears_of_every_value_in_their_own_stream(
    gym: Place, other_gym: Place, abroad: Someone, http: ClientSession, phone: OpenPhone, squat: str
) -> None:
    member = await phone(gym.member)
    await Trainer(http, gym.coach).recorded(gym.member, squat, "1")
    await Trainer(http, other_gym.coach).recorded(abroad, squat, "2")
    events = [await member.event("metric.recorded") for _ in range(2)]
    assert [(one["organizationId"], one["data"]["membershipId"]) for one in events] == [
        (who.organization_id, who.membership_id) for who in (gym.member, abroad)
    ]
