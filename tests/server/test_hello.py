"""Hello and welcome: how a connection begins, and what ends it before it has begun."""

from uuid import uuid4

import pytest

from ..gym import Place, is_wire_time, message_to
from .conftest import OpenPhone
from .platform import Tables, add_skipped, delete_user, join

UNSOUND = (
    '{"type":"ping","ref":1}',
    "{}",
    "[]",
    "",
    "not json",
    "7",
    '"hello"',
    '[{"type":"ping"}]',
    '{"type":"hello","device":"0190a000-0000-7000-8000-0000000000d0"}',
    '{"type":"hello","token":"","device":"0190a000-0000-7000-8000-0000000000d0"}',
    '{"type":"hello","token":7,"device":"0190a000-0000-7000-8000-0000000000d0"}',
    '{"type":"hello","token":"x"}',
    '{"type":"hello","token":"x","device":"my phone"}',
    '{"type":"hello","token":"x\\u0000","device":"0190a000-0000-7000-8000-0000000000d0"}',
    '{"type":"hello","token":"x","device":"0190a000-0000-7000-8000-0000000000d0","resume":null}',
    '{"type":"hello","token":"x","device":"0190a000-0000-7000-8000-0000000000d0","resume":{"epoch":"k"}}',
    '{"type":"hello","token":"x","device":"0190a000-0000-7000-8000-0000000000d0","resume":{"position":1}}',
    '{"type":"hello","token":"x","device":"0190a000-0000-7000-8000-0000000000d0","state":"asleep"}',
)


async def test_the_welcome_names_everything_to_begin_with(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, elsewhere = gym.coach, await join(database, gym.coach, other_gym, "owner")
    member, owner = await phone(gym.member), await phone(other_gym.owner)
    for _ in range(2):
        await member.ask("message.send", **message_to(coach))
    await owner.ask("message.send", **message_to(elsewhere))

    token = coach.token_with(exp=4_000_000_000)
    welcome = (await phone(token, device="0190a000-0000-7000-8000-0000000000d0")).welcome

    epoch = await database.fetchval("select epoch from stream_epoch")
    assert is_wire_time(welcome["serverTime"])
    assert welcome == {
        "type": "welcome",
        "userId": coach.user_id,
        "session": "1",
        "resume": "fresh",
        "epoch": epoch,
        "position": 3,
        "events": 0,
        "memberships": sorted(
            (
                {"membershipId": one.membership_id, "organizationId": one.organization_id, "role": one.role}
                for one in (coach, elsewhere)
            ),
            key=lambda one: one["membershipId"],
        ),
        "unread": {
            "total": 3,
            "organizations": sorted(
                (
                    {"organizationId": gym.organization_id, "count": 2},
                    {"organizationId": other_gym.organization_id, "count": 1},
                ),
                key=lambda one: str(one["organizationId"]),
            ),
        },
        "heartbeatSeconds": 25,
        "tokenExpiresAt": "2096-10-02T07:06:40.000000Z",
        "serverTime": welcome["serverTime"],
        "limits": {
            "frameBytes": 65536,
            "frames": 32,
            "content": 5000,
            "attachments": 10,
            "inFlight": 64,
            "topics": 64,
            "watch": 200,
            "messagesPerMinute": 30,
        },
    }


async def test_somebody_without_organizations_is_welcome(
    phone: OpenPhone, gym: Place, database: Tables
) -> None:
    await database.execute("delete from memberships where id = $1", gym.member2.membership_id)
    welcome = (await phone(gym.member2)).welcome
    assert welcome["memberships"] == []
    assert welcome["unread"] == {"total": 0, "organizations": []}


async def test_only_active_memberships_are_named(phone: OpenPhone, gym: Place, database: Tables) -> None:
    await database.execute(
        "update memberships set status = 'suspended' where id = $1", gym.member.membership_id
    )
    assert (await phone(gym.member)).welcome["memberships"] == []


async def test_a_fresh_start_is_live_from_the_head_and_replays_nothing(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member)
    for _ in range(3):
        await member.ask("message.send", **message_to(gym.coach))

    coach = await phone(gym.coach, connect=False)
    await coach.open()
    await coach.say({"type": "hello", "token": coach.token, "device": coach.device})
    frames = [*await coach.read(), *await coach.read()]
    assert frames[0]["resume"] == "fresh"
    assert frames[0]["position"] == 3
    assert frames[1:] == [{"type": "live", "position": 3}]

    coach.position = 3
    await member.ask("message.send", **message_to(gym.coach))
    assert (await coach.event("message.created"))["position"] == 4


async def test_someone_whom_the_platform_has_just_added_is_welcome_and_can_talk(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    await database.execute("delete from user_streams")
    member = await phone(gym.member)
    assert member.welcome["position"] == 0
    assert (await member.ask("message.send", **message_to(gym.coach)))["position"] == 1


async def test_a_hello_that_does_not_come_in_time_closes_the_socket(
    gym: Place, phone: OpenPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.socket.hello.HELLO", 0.1)
    silent = await phone(gym.member, connect=False)
    await silent.open()
    assert await silent.close_code() == 4006


async def test_anything_but_a_sound_hello_first_closes_the_socket(gym: Place, phone: OpenPhone) -> None:
    for first in UNSOUND:
        stranger = await phone(gym.member, connect=False)
        await stranger.open()
        await stranger.say(first)
        assert await stranger.close_code() == 4501, first


async def test_a_hello_in_an_array_closes_the_socket(gym: Place, phone: OpenPhone) -> None:
    member = await phone(gym.member, connect=False)
    await member.open()
    await member.say([{"type": "hello", "token": member.token, "device": member.device}])
    assert await member.close_code() == 4501


@pytest.mark.parametrize("alone", [True, False])
async def test_a_second_hello_closes_the_socket(gym: Place, phone: OpenPhone, alone: bool) -> None:
    member = await phone(gym.member)
    hello = {"type": "hello", "token": member.token, "device": member.device}
    await member.say(hello if alone else [{"type": "ping"}, hello])
    assert await member.close_code() == 4501


async def test_someone_deleted_or_unknown_is_told_not_to_come_back(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    await delete_user(database, gym.member)
    for token in (gym.member.token, gym.coach.token_with(sub=str(uuid4()))):
        gone = await phone(token, connect=False)
        await gone.open()
        await gone.say({"type": "hello", "token": gone.token, "device": gone.device})
        assert await gone.close_code() == 4503


async def test_topics_asked_for_are_answered_after_live(gym: Place, phone: OpenPhone) -> None:
    thread = f"thread:{uuid4()}"
    member = await phone(gym.member, connect=False)
    await member.open()
    hello = {"type": "hello", "token": member.token, "device": member.device, "topics": [{"topic": thread}]}
    await member.say(hello)
    await member.next("welcome")
    closed = await member.match(lambda frame: "topic" in frame)
    assert closed == {"type": "topic.closed", "topic": thread, "reason": "forbidden"}
    assert await member.next("live") == {"type": "live", "position": 0}  # it was read before


async def test_the_welcome_of_a_long_stream_names_its_head(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    await add_skipped(database, gym.member, 100_000)
    member = await phone(gym.member)
    assert member.welcome["position"] == 100_000
    assert (await member.ask("message.send", **message_to(gym.coach)))["position"] == 100_001
