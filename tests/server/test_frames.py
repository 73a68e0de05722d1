"""Frames after hello: what closes the socket, what is answered, and what is harmless."""

import json

import pytest

from ..gym import Place
from ..phone import Phone
from .conftest import OpenPhone

NO_FRAMES: tuple[str | bytes, ...] = (
    b'{"type":"ping"}',
    "{",
    "ping",
    "7",
    "null",
    '"ping"',
    '[{"type":"ping"},7]',
    '[[{"type":"ping"}]]',
    '{"type":"ping"}{"type":"ping"}',
    '{"type":"ping","n":NaN}',
    "[" * 2_000,
    json.dumps([{"type": "ping"}] * 33),
)
UNANSWERED: tuple[dict[str, object], ...] = (
    {"type": "message.forward"},
    {"type": "welcome"},
    {"type": None},
    {},
)


def ping_of(length: int) -> str:
    """A ping that is as many bytes long."""
    empty = '{"type":"ping","ref":1,"pad":""}'
    return empty.replace('""', f'"{"x" * (length - len(empty))}"')


@pytest.fixture
async def member(gym: Place, phone: OpenPhone) -> Phone:
    return await phone(gym.member)


async def test_64_kib_are_taken_and_one_byte_more_is_not(member: Phone) -> None:
    await member.say(ping_of(65_536))
    assert await member.next("pong") == {"type": "pong", "ref": 1}
    await member.say(ping_of(65_537))
    assert await member.close_code() == 1009


async def test_an_oversized_first_frame_closes_with_1009(gym: Place, phone: OpenPhone) -> None:
    stranger = await phone(gym.member, connect=False)
    await stranger.open()
    await stranger.say(ping_of(65_537))
    assert await stranger.close_code() == 1009


async def test_what_is_no_frame_closes_the_socket(gym: Place, phone: OpenPhone) -> None:
    for frame in NO_FRAMES:
        member = await phone(gym.member)
        await member.say(frame)
        assert await member.close_code() == 4501, frame


async def test_32_requests_in_an_array_are_answered_each_in_order(member: Phone) -> None:
    await member.say([{"type": "ping", "ref": f"p{number}"} for number in range(32)])
    for number in range(32):
        assert (await member.next("pong"))["ref"] == f"p{number}"


async def test_an_empty_frame_is_harmless(member: Phone) -> None:
    for frame in ("[]", "", " \n\t"):
        await member.say(frame)
    assert await member.drained() == []


async def test_an_error_does_not_stop_the_rest_of_an_array(member: Phone) -> None:
    await member.say([{"type": "ping", "ref": 1}, {"type": "nothing", "ref": 2}, {"type": "ping", "ref": 3}])
    frames = [*await member.drained()]
    assert frames == [
        {"type": "pong", "ref": 1},
        {
            "type": "error",
            "ref": 2,
            "error": {
                "code": "bad_request",
                "message": "The request is not as the contract says.",
                "details": [{"field": "type", "message": "Expected the type of a request."}],
            },
        },
        {"type": "pong", "ref": 3},
    ]


async def test_a_type_that_nobody_answers_is_a_bad_request(member: Phone) -> None:
    for request in UNANSWERED:
        await member.say({**request, "ref": "r"})
        answer = await member.answer("r")
        assert answer["error"]["code"] == "bad_request", request
        assert answer["error"]["details"] == [{"field": "type", "message": "Expected the type of a request."}]


async def test_a_ref_that_cannot_be_echoed_is_null(member: Phone) -> None:
    unfit: tuple[object, ...] = (True, -1, 1.5, "x" * 65, {}, 2**53)
    for ref in unfit:
        await member.say({"type": "ping", "ref": ref})
        answer = await member.answer(None)
        assert answer["error"]["code"] == "bad_request"
        assert [detail["field"] for detail in answer["error"]["details"]] == ["ref"]
    await member.say({"type": "ping", "ref": "x" * 64})
    assert (await member.next("pong"))["ref"] == "x" * 64
    await member.say({"type": "ping", "ref": 2**53 - 1})
    assert (await member.next("pong"))["ref"] == 2**53 - 1
