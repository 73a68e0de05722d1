"""SIGTERM: finish what is in flight, tell the clients, go with 0."""

import pytest
from aiohttp import ClientError, ClientSession

from ..gym import Place, message_to
from ..instances import instances
from ..phone import Phone
from .platform import Tables, stored


async def test_what_is_in_flight_is_answered_everybody_is_told_and_it_ends_with_0(
    gym: Place, database_url: str, database: Tables
) -> None:
    async with instances(1, database_url) as (instance,), ClientSession() as session:
        async with (
            Phone(session, instance.url, gym.coach.token) as coach,
            Phone(session, instance.url, gym.member.token) as member,
        ):
            requests = [{"type": "message.send", "ref": n, **message_to(gym.member)} for n in range(32)]
            await coach.say(requests)
            assert (await coach.answer(0))["type"] == "ok"
            instance.terminate()

            assert [(await coach.answer(n))["type"] for n in range(1, 32)] == ["ok"] * 31
            for one in (coach, member):
                notice = await one.next("notice")
                low, high = notice["data"]["reconnectWithinMs"]
                assert 0 <= low < high <= 10_000
                assert notice == {
                    "type": "notice",
                    "kind": "draining",
                    "data": {"reconnectWithinMs": [low, high]},
                }
                assert await one.close_code() == 4000
            assert member.position == coach.position == 32
        assert await instance.exit_code() == 0
        with pytest.raises(ClientError):
            await session.get(f"{instance.url}/healthz")
    assert await stored(database) == 32


async def test_a_phone_resumes_on_the_next_server_without_loss(gym: Place, database_url: str) -> None:
    async with instances(1, database_url) as (instance,), ClientSession() as session:
        coach = Phone(session, instance.url, gym.coach.token)
        async with coach, Phone(session, instance.url, gym.member.token) as member:
            await coach.ask("message.send", **message_to(gym.member, "before"))
            await member.reach(1)
            instance.terminate()
            assert {await one.close_code() for one in (coach, member)} == {4000}
            assert await instance.exit_code() == 0
            await instance.start()

            await coach.connect()
            await coach.ask("message.send", **message_to(gym.member, "after"))
            assert (await member.connect())["resume"] == "resumed"
            await member.reach(2)
            assert [event["data"]["content"] for event in member.events] == ["before", "after"]


async def test_a_socket_that_never_said_hello_holds_nobody_up(gym: Place, database_url: str) -> None:
    async with instances(1, database_url) as (instance,), ClientSession() as session:
        async with Phone(session, instance.url, gym.coach.token) as coach:
            nobody = Phone(session, instance.url, gym.coach.token)
            await nobody.open()
            instance.terminate()

            assert await coach.close_code() == 4000
            assert await instance.exit_code() == 0
            await nobody.leave()
        assert "drain_aborted" not in {line["event"] for line in instance.lines()}
