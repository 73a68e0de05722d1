"""Bad input: what is answered, what closes the socket, and what the answer says."""

import json

import pytest
from coachwire_protocol.check import checked, read_body
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.conversations import ListConversations
from coachwire_protocol.errors import BadRequest
from coachwire_protocol.frames import Refused, error_frame, parse
from coachwire_protocol.messages import Party, SendMessage
from coachwire_protocol.session import Ack, Ping

from .ids import DEVICE, GYM, MEMBER, MESSAGE, OTHER, THREAD, answer, offending

UUID = "Expected a UUID in lower case"
SEND = f'{{"type":"message.send","organizationId":"{GYM}","id":"{MESSAGE}"'
TO = f'"to":{{"membershipId":"{MEMBER}"}}'
READ = f'{{"type":"message.read","organizationId":"{GYM}"'


def many(count: int) -> str:
    """That many ids, as they stand in an array."""
    return ",".join([f'"{OTHER}"'] * count)


def test_missing_fields_are_listed_together_in_order() -> None:
    assert answer('{"type":"message.send","ref":"r1"}') == {
        "type": "error",
        "ref": "r1",
        "error": {
            "code": "bad_request",
            "message": "The request is not as the contract says.",
            "details": [
                {"field": "organizationId", "message": f"{UUID}, got nothing."},
                {"field": "id", "message": f"{UUID}, got nothing."},
                {"field": "to", "message": "Expected an object, got nothing."},
                {"field": "content", "message": "Expected content that is not blank, or attachments."},
            ],
        },
    }


def test_every_offending_field_is_listed_with_its_path() -> None:
    frame = (
        '{"type":"message.send","ref":true,"organizationId":7,"id":"X","to":{"membershipId":[]},'
        f'"content":{{}},"attachmentIds":["{OTHER}",null,"y"]}}'
    )
    assert answer(frame)["ref"] is None
    assert answer(frame)["error"]["details"] == [
        {
            "field": "ref",
            "message": "Expected text of at most 64 characters"
            " or a whole number from 0 to 9007199254740991, got true.",
        },
        {"field": "organizationId", "message": f"{UUID}, got a number."},
        {"field": "id", "message": f"{UUID}, got text of 1 character."},
        {"field": "to.membershipId", "message": f"{UUID} or null, got a list of 0 items."},
        {"field": "content", "message": "Expected text of at most 5000 characters or null, got an object."},
        {"field": "attachmentIds.1", "message": f"{UUID}, got null."},
        {"field": "attachmentIds.2", "message": f"{UUID}, got text of 1 character."},
    ]


@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        ("{}", ["type"]),
        ('{"type":null}', ["type"]),
        ('{"type":"message.forward"}', ["type"]),
        ('{"type":"welcome"}', ["type"]),
        ('{"type":["ping"]}', ["type"]),
        ('{"type":"Ping"}', ["type"]),
        (f"{SEND},{TO}}}", ["content"]),
        (f'{SEND},{TO},"content":""}}', ["content"]),
        (f'{SEND},{TO},"content":null,"attachmentIds":[]}}', ["content"]),
        (f'{SEND},{TO},"content":" \\n\\t\\u00a0\\u2003"}}', ["content"]),
        (f'{SEND},{TO},"content":"{"x" * 5001}"}}', ["content"]),
        (f'{SEND},{TO},"content":"{"💪" * 5001}"}}', ["content"]),
        (f'{SEND},{TO},"attachmentIds":[{many(11)}]}}', ["attachmentIds"]),
        (f'{SEND},{TO},"attachmentIds":null,"content":"x"}}', ["attachmentIds"]),
        (f'{SEND},"to":{{}},"content":"x"}}', ["to"]),
        (f'{SEND},"to":[],"content":"x"}}', ["to"]),
        (f'{SEND},"to":"{MEMBER}","content":"x"}}', ["to"]),
        (
            f'{SEND},"to":{{"membershipId":"{MEMBER}","workoutAssignmentId":"{THREAD}"}},"content":"x"}}',
            ["to"],
        ),
        (
            f'{SEND},"to":{{"membershipId":1,"workoutAssignmentId":2}},"content":"x"}}',
            ["to.membershipId", "to.workoutAssignmentId"],
        ),
        (f'{SEND},{TO},"content":"x\\u0000"}}', ["content"]),
        (f'{SEND},{TO},"content":"\\ud800"}}', ["content"]),
        (f'{SEND},{TO},"content":"\\uDC00\\uD800"}}', ["content"]),
        (f'{SEND},{TO},"content":"x","x":["\\u0000"]}}', ["x"]),
        (f'{SEND},{TO},"content":"x","a\\u0000":1}}', [""]),
        (f'{SEND},{TO},"content":"x","n":{{"a":{{"\\udfff":1}}}}}}', ["n.a"]),
        (f'{SEND},{TO},"content":"x","a b":"\\u0000"}}', ["?"]),
        (f'{{"type":"ping","{"k" * 65}":"\\u0000"}}', ["?"]),
        ('{"type":"ping\\u0000"}', ["type"]),
        ('{"type":"nothing","x":"\\u0000"}', ["type", "x"]),
        ('{"type":"ack","position":"\\u0000","x":"\\u0000"}', ["position", "x"]),
        (
            '{"type":"message.send","to":{"membershipId":"\\u0000"}}',
            ["organizationId", "id", "to.membershipId", "content"],
        ),
        ('{"type":"state","state":"\\ud800"}', ["state"]),
        ('{"type":"ack","position":"\\ud800"}', ["position"]),
        (f'{SEND},"to":"\\ud800","content":"x"}}', ["to"]),
        (f'{SEND},{TO},"attachmentIds":["\\ud800"]}}', ["attachmentIds.0", "attachmentIds"]),
        (f'{READ},"messageIds":"\\ud800"}}', ["messageIds"]),
        (f'{{"type":"typing","organizationId":"{GYM}",{TO},"active":"\\udc00"}}', ["active"]),
        (f"{READ}}}", ["messageIds"]),
        (f'{READ},"messageIds":[]}}', ["messageIds"]),
        (f'{READ},"messageIds":[{many(101)}]}}', ["messageIds"]),
        (f'{READ},"messageIds":["{OTHER}"],"conversation":{{"membershipId":"{MEMBER}"}}}}', ["messageIds"]),
        (f'{READ},"messageIds":["{OTHER}"],"upTo":"{OTHER}"}}', ["upTo"]),
        (f'{READ},"upTo":"{OTHER}"}}', ["messageIds"]),
        (f'{READ},"conversation":{{}}}}', ["conversation"]),
        (f'{READ},"conversation":{{"membershipId":"{MEMBER}"}},"upTo":null}}', ["upTo"]),
        (f'{READ.replace(GYM, GYM + chr(92) + "n")},"messageIds":["{OTHER}"]}}', ["organizationId"]),
        ('{"type":"ack"}', ["position"]),
        ('{"type":"ack","position":-1}', ["position"]),
        ('{"type":"ack","position":1.0}', ["position"]),
        ('{"type":"ack","position":1e2}', ["position"]),
        ('{"type":"ack","position":1e400}', ["position"]),
        ('{"type":"ack","position":9007199254740992}', ["position"]),
        ('{"type":"ack","position":18446744073709551616}', ["position"]),
        (f'{{"type":"ack","position":{"9" * 5000}}}', ["position"]),
        (f'{{"type":"ack","position":-{"9" * 5000}}}', ["position"]),
        ('{"type":"ack","position":true}', ["position"]),
        ('{"type":"ack","position":"1"}', ["position"]),
        ('{"type":"state","state":"asleep"}', ["state"]),
        ('{"type":"token.refresh","token":""}', ["token"]),
        (f'{{"type":"typing","organizationId":"{GYM}",{TO},"active":1}}', ["active"]),
        ('{"type":"topic.open","topic":"user:1"}', ["topic"]),
        (f'{{"type":"topic.open","topic":"thread:{THREAD}\\n"}}', ["topic"]),
        (
            f'{{"type":"topic.open","topic":"thread:{THREAD}","resume":{{"epoch":"12345678901234567"}}}}',
            ["resume.epoch", "resume.position"],
        ),
        (f'{{"type":"topic.close","topic":"thread:{THREAD.upper()}"}}', ["topic"]),
        (
            f'{{"type":"comment.edit","organizationId":"{GYM}","id":"{MESSAGE}","body":" "}}',
            ["body"],
        ),
        (f'{{"type":"comment.edit","organizationId":"{GYM}","id":"{MESSAGE}","body":""}}', ["body"]),
        (
            f'{{"type":"presence.watch","organizationId":"{GYM}","membershipIds":[{",".join(["1"] * 201)}]}}',
            ["membershipIds"],
        ),
        ('{"type":"ping","ref":-1}', ["ref"]),
        ('{"type":"ping","ref":9007199254740992}', ["ref"]),
        ('{"type":"ping","ref":1.5}', ["ref"]),
        ('{"type":"ping","ref":null}', ["ref"]),
        (f'{{"type":"ping","ref":"{"r" * 65}"}}', ["ref"]),
        ('{"type":"ping","ref":"\\u0000"}', ["ref"]),
        ('{"type":"ping","ref":"\\ud83d"}', ["ref"]),
    ],
)
def test_a_bad_request_names_its_fields(frame: str, fields: list[str]) -> None:
    assert offending(frame) == fields


@pytest.mark.parametrize("ref", ["7", '"a\\nb"', '"💪"'])
def test_a_valid_ref_is_echoed_with_its_type(ref: str) -> None:
    assert answer(f'{{"type":"ack","ref":{ref}}}')["ref"] == json.loads(ref)
    assert error_frame(json.loads(ref), BadRequest()).startswith(f'{{"type":"error","ref":{ref},'.encode())


@pytest.mark.parametrize(
    "ref", ["-1", "1.0", "true", "null", "{}", '"\\u0000"', '"\\ud800"', f'"{"r" * 65}"']
)
def test_a_ref_that_is_not_valid_is_not_echoed(ref: str) -> None:
    assert answer(f'{{"type":"ack","ref":{ref}}}')["ref"] is None


def test_one_bad_request_does_not_stop_the_rest() -> None:
    first, second, third, fourth = parse(
        b'[{"type":"ping","ref":1},{"type":"ack","ref":2},{"ref":"3"},{"type":"ack","position":4}]'
    )
    assert (first, fourth) == (Ping(ref=1), Ack(position=4))
    assert isinstance(second, Refused)
    assert isinstance(third, Refused)
    assert (second.ref, third.ref) == (2, "3")


@pytest.mark.parametrize(
    "frame",
    [
        b"nothing",
        b"{",
        b'{"type":"ping"',
        b'{"type":"ping",}',
        b'{"type":"ping"}{"type":"ping"}',
        b"{'type':'ping'}",
        b'{"type":"ping","x":NaN}',
        b'{"type":"ping","x":Infinity}',
        b'{"type":"ack","position":-Infinity}',
        b'{"type":"ack","position":01}',
        b'{"type":"ping","x":"\n"}',
        b'{"type":"ping","x":"\x00"}',
        b'{"type":"ping"}\x00',
        b'{"type":"ping","x":"\\q"}',
        b'{"type":"ping","x":"\\u12"}',
        b'{"type":"ping","x":"\xff"}',
        b'{"type":"ping","x":"\xed\xa0\x80"}',
        b'{"type":"ping","\xff":1}',
        b'\xef\xbb\xbf{"type":"ping"}',
        '{"type":"ping"}'.encode("utf-16"),
        b"\x0b",
        b'{"type":"ping","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b"[" * 60_000,
        b'{"x":' * 12_000,
        b"null",
        b"true",
        b"7",
        b'"ping"',
        b"[1]",
        b"[null]",
        b'[{"type":"ping"},[]]',
        b'[[{"type":"ping"}]]',
        b'[{"type":"ping"},"x"]',
        b"[" + b",".join([b'{"type":"ping"}'] * 33) + b"]",
        b"[" + b",".join([b"{}"] * 33) + b"]",
        b'{"type":"hello"}',
        b'{"type":"hello","token":"t"}',
        b'{"type":"hello","token":"","device":"%b"}' % DEVICE.encode(),
        b'{"type":"hello","token":"t","device":"%b"}' % DEVICE.upper().encode(),
        b'{"type":"hello","token":"t\\u0000","device":"%b"}' % DEVICE.encode(),
        b'{"type":"hello","token":"t","device":"%b","x":"\\ud800"}' % DEVICE.encode(),
        b'{"type":"hello","token":"t","device":"%b","resume":{"epoch":"k3"}}' % DEVICE.encode(),
        b'[{"type":"hello","token":"t","device":"%b"}]' % DEVICE.encode(),
        b'[{"type":"ping"},{"type":"hello"}]',
    ],
    ids=lambda frame: repr(frame[:40]),
)
def test_a_frame_that_is_none_closes_the_socket(frame: bytes) -> None:
    with pytest.raises(Closed) as closed:
        parse(frame)
    assert closed.value.code is CloseCode.BAD_FRAME


def test_an_answer_is_a_frame_however_much_is_wrong() -> None:
    ids = ",".join(["{}"] * 200)
    (refused,) = parse(
        f'{{"type":"presence.watch","organizationId":"{GYM}","membershipIds":[{ids}]}}'.encode()
    )
    assert isinstance(refused, Refused)
    assert len(refused.error.details) == 200
    assert len(error_frame(refused.ref, refused.error)) < 65_536
    keys = ",".join(f'"k{number}":"\\u0000"' for number in range(3_000))
    (refused,) = parse(f'{{"type":"ping",{keys}}}'.encode())
    assert isinstance(refused, Refused)
    assert len(error_frame(refused.ref, refused.error)) < 65_536


def test_a_body_over_rest_is_held_to_the_same_rules() -> None:
    body = {"organizationId": GYM, "id": MESSAGE, "to": {"membershipId": MEMBER}, "content": "x"}
    request = SendMessage(organization_id=GYM, id=MESSAGE, to=Party(membership_id=MEMBER), content="x")
    assert checked(SendMessage, body) == request
    assert checked(SendMessage, {**body, "type": 1, "ref": []}) == request
    with pytest.raises(BadRequest) as refusal:
        checked(SendMessage, {"content": "\0", "to": {}})
    assert [detail.field for detail in refusal.value.details] == ["organizationId", "id", "to", "content"]


def test_a_query_is_read_from_text() -> None:
    assert checked(ListConversations, {"organizationId": GYM, "limit": "7"}, strict=False).limit == 7
    for limit in ("0", "101", "x", ""):
        with pytest.raises(BadRequest) as refusal:
            checked(ListConversations, {"organizationId": GYM, "limit": limit}, strict=False)
        assert [detail.field for detail in refusal.value.details] == ["limit"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[]", b"7", b"NaN", b"[" * 100_000])
def test_a_body_that_is_no_object_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        read_body(raw)
    assert read_body(b' {"a":1} ') == {"a": 1}
