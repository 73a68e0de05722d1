"""Frames that no client of RFC 6455 sends: each is answered with the code it earns, before and after hello, and the
server goes on."""

import json
from uuid import uuid4

import pytest

from ..gym import Place
from .conftest import OpenLine
from .line import BINARY, CLOSE, PING, PONG, TEXT, Line, frame, hello

CONTINUATION = 0x0
ASK = b'{"type":"ping","ref":1}'
PONGED = '{"type":"pong","ref":1}'


def long_frame(length: int) -> bytes:
    """The head of a text frame that says to be so long."""
    return bytes((0x81, 0xFF)) + length.to_bytes(8, "big") + b"\0\0\0\0"


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


TOO_BIG = {
    "2^63 bytes": long_frame(2**63),
    "2^64 - 1 bytes": long_frame(2**64 - 1),
    "a byte too many": long_frame(65_537),
    "fragments that add up": frame(TEXT, b" " * 40_000, fin=False)
    + frame(CONTINUATION, b" " * 40_000, fin=False),
}
NO_FRAMES = {
    "a continuation of nothing": frame(CONTINUATION, ASK),
    "a new message amid fragments": frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"),
    "compressed, which was not agreed on": frame(TEXT, ASK, rsv=4),
    "the second reserved bit": frame(TEXT, ASK, rsv=2),
    "the third reserved bit": frame(TEXT, ASK, rsv=1),
    **{
        f"the reserved opcode {code:x}": frame(code, ASK) for code in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)
    },
    "a ping in fragments": frame(PING, b"x", fin=False),
    "a ping of 126 bytes": frame(PING, b"x" * 126),
    "half a close code": frame(CLOSE, b"\x03"),
    "a close of 126 bytes": close_frame(1000, b"x" * 124),
    **{f"close code {code}": close_frame(code) for code in (0, 999, 1004, 1005, 1015, 1016, 2999)},
}
GOODBYES = (
    close_frame(1000),
    close_frame(1001, b"bye"),
    close_frame(3000),
    close_frame(4999),
    frame(CLOSE, b""),
)
NO_TEXTS = {
    "no UTF-8": frame(TEXT, b'{"type":"ping","ref":"\xff"}'),
    "half a pair in UTF-8": frame(TEXT, b'{"type":"ping","ref":"\xed\xa0\x80"}'),
    "an overlong NUL": frame(TEXT, b'{"type":"ping","ref":"\xc0\x80"}'),
    "a cut character at the end of fragments": frame(TEXT, b'{"type":"ping","ref":"\xe2', fin=False)
    + frame(CONTINUATION, b'"}'),
    "binary": frame(BINARY, ASK),
}
WHOLE = {
    "in fragments": frame(TEXT, ASK[:5], fin=False)
    + frame(CONTINUATION, b"", fin=False)
    + frame(CONTINUATION, ASK[5:]),
    "a character across fragments": frame(TEXT, b'{"type":"ping","ref":1,"x":"\xe2\x82', fin=False)
    + frame(CONTINUATION, b'\xac"}'),
    "longer length than needed": bytes((0x81, 0xFF)) + len(ASK).to_bytes(8, "big") + b"\0\0\0\0" + ASK,
    "unmasked": frame(TEXT, ASK, masked=False),  # see docs/decisions/0005-unmasked-frames.md
}


@pytest.fixture
async def lines(gym: Place, line: OpenLine) -> tuple[OpenLine, OpenLine]:
    """Lines before their hello, and live ones."""

    async def upgraded() -> Line:
        one = await line()
        await one.upgrade()
        return one

    async def live() -> Line:
        one = await line()
        await one.live(gym.member.token)
        return one

    return upgraded, live


async def closed_with(line: Line, data: bytes) -> int:
    """The code that these bytes are answered with."""
    await line.say(data)
    code = await line.close_code()
    line.cut()
    return code


async def test_a_frame_that_is_too_long_is_refused_by_its_head(lines: tuple[OpenLine, OpenLine]) -> None:
    for name, data in TOO_BIG.items():
        for open_line in lines:
            assert await closed_with(await open_line(), data) == 1009, name


async def test_what_is_no_frame_is_a_protocol_error(lines: tuple[OpenLine, OpenLine]) -> None:
    for name, data in NO_FRAMES.items():
        for open_line in lines:
            assert await closed_with(await open_line(), data) == 1002, name


async def test_what_is_no_text_is_a_bad_frame(lines: tuple[OpenLine, OpenLine]) -> None:
    for name, data in NO_TEXTS.items():
        for open_line in lines:
            assert await closed_with(await open_line(), data) == 4501, name
    assert await closed_with(await lines[1](), close_frame(1000, b"\xff")) == 1007


async def test_a_goodbye_is_answered(lines: tuple[OpenLine, OpenLine]) -> None:
    for goodbye in GOODBYES:
        for open_line in lines:
            one = await open_line()
            assert await closed_with(one, goodbye) == 1000
            assert await one.ends()


async def test_a_message_is_whole_however_it_was_cut(lines: tuple[OpenLine, OpenLine]) -> None:
    one = await lines[1]()
    for name, data in WHOLE.items():
        await one.say(data)
        assert await one.text() == PONGED, name


async def test_control_frames_may_come_amid_fragments(lines: tuple[OpenLine, OpenLine]) -> None:
    one = await lines[1]()
    await one.say(frame(TEXT, ASK[:5], fin=False) + frame(PING, b"x" * 125) + frame(CONTINUATION, ASK[5:]))
    assert await one.frame() == (PONG, b"x" * 125)
    assert await one.text() == PONGED


async def test_frames_that_come_byte_by_byte_are_frames(gym: Place, lines: tuple[OpenLine, OpenLine]) -> None:
    one = await lines[0]()
    for byte in hello(gym.member.token) + frame(TEXT, ASK):
        await one.say(bytes((byte,)))
    seen = [json.loads(await one.text())["type"] for _ in range(3)]
    assert seen == ["welcome", "live", "pong"]


async def test_all_frames_in_one_packet_are_answered_in_order(
    gym: Place, lines: tuple[OpenLine, OpenLine]
) -> None:
    one = await lines[0]()
    asks = [frame(TEXT, b'{"type":"ping","ref":%d}' % ref) for ref in range(20)]
    await one.say(hello(gym.member.token, str(uuid4())) + b"".join(asks) + frame(BINARY, b"x"))
    assert [json.loads(await one.text())["type"] for _ in range(2)] == ["welcome", "live"]
    assert [json.loads(await one.text())["ref"] for _ in range(20)] == list(range(20))
    assert await one.close_code() == 4501


async def test_pings_before_hello_wait_where_they_come_from(
    gym: Place, lines: tuple[OpenLine, OpenLine]
) -> None:
    one = await lines[0]()
    await one.say(frame(PING, b"") * 60)
    for _ in range(50):
        assert await one.frame() == (PONG, b"")
    await one.say(hello(gym.member.token))
    for _ in range(10):
        assert await one.frame() == (PONG, b"")
    assert json.loads(await one.text())["type"] == "welcome"
