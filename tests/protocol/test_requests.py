"""Requests as they arrive, each type once and in its forms."""

import pytest
from coachwire_protocol.comments import CreateComment, DeleteComment, EditComment
from coachwire_protocol.frames import encode, parse
from coachwire_protocol.messages import DeleteMessage, EditMessage, Party, SendMessage
from coachwire_protocol.receipts import ReadMessages
from coachwire_protocol.schema import REQUEST_TYPES, Request
from coachwire_protocol.session import (
    Ack,
    Hello,
    Ping,
    RefreshToken,
    SetState,
    Typing,
    WatchPresence,
)
from coachwire_protocol.topics import CloseTopic, OpenTopic, Resume, TopicAsk

from .ids import COACH, DEVICE, GYM, MEMBER, MESSAGE, OTHER, THREAD

READ = f'{{"type":"message.read","organizationId":"{GYM}"'

REQUESTS: list[tuple[str, Request]] = [
    (f'{{"type":"hello","token":"t","device":"{DEVICE}"}}', Hello(token="t", device=DEVICE)),
    (
        (
            f'{{"type":"hello","token":"t","device":"{DEVICE}","resume":{{"epoch":"k3","position":8841}},'
            f'"topics":[{{"topic":"thread:{THREAD}","resume":{{"epoch":"k3","position":0}}}},{{"topic":"new:1"}}],'
            '"state":"background"}'
        ),
        Hello(
            token="t",
            device=DEVICE,
            resume=Resume(epoch="k3", position=8841),
            topics=(
                TopicAsk(topic=f"thread:{THREAD}", resume=Resume(epoch="k3", position=0)),
                TopicAsk(topic="new:1"),
            ),
            state="background",
        ),
    ),
    (
        (
            f'{{"type":"message.send","ref":17,"organizationId":"{GYM}","id":"{MESSAGE}",'
            f'"to":{{"membershipId":"{MEMBER}"}},"content":" שלום, hello 💪 "}}'
        ),
        SendMessage(
            ref=17,
            organization_id=GYM,
            id=MESSAGE,
            to=Party(membership_id=MEMBER),
            content=" שלום, hello 💪 ",
        ),
    ),
    (
        (
            f'{{"type":"message.send","ref":"a","organizationId":"{GYM}","id":"{MESSAGE}",'
            f'"to":{{"workoutAssignmentId":"{THREAD}"}},"attachmentIds":["{OTHER}"]}}'
        ),
        SendMessage(
            ref="a",
            organization_id=GYM,
            id=MESSAGE,
            to=Party(workout_assignment_id=THREAD),
            attachment_ids=(OTHER,),
        ),
    ),
    (
        f'{READ},"messageIds":["{MESSAGE}","{OTHER}"]}}',
        ReadMessages(organization_id=GYM, message_ids=(MESSAGE, OTHER)),
    ),
    (
        f'{READ},"conversation":{{"membershipId":"{COACH}"}}}}',
        ReadMessages(organization_id=GYM, conversation=Party(membership_id=COACH)),
    ),
    (
        f'{READ},"conversation":{{"membershipId":"{COACH}"}},"upTo":"{MESSAGE}"}}',
        ReadMessages(organization_id=GYM, conversation=Party(membership_id=COACH), up_to=MESSAGE),
    ),
    (
        f'{{"type":"message.edit","organizationId":"{GYM}","id":"{MESSAGE}","content":"better"}}',
        EditMessage(organization_id=GYM, id=MESSAGE, content="better"),
    ),
    (
        f'{{"type":"message.delete","ref":9007199254740991,"organizationId":"{GYM}","id":"{MESSAGE}"}}',
        DeleteMessage(ref=9007199254740991, organization_id=GYM, id=MESSAGE),
    ),
    (
        (
            f'{{"type":"comment.create","organizationId":"{GYM}","id":"{MESSAGE}","workoutMovementId":"{THREAD}",'
            f'"body":"deeper","parentCommentId":"{OTHER}"}}'
        ),
        CreateComment(
            organization_id=GYM,
            id=MESSAGE,
            workout_movement_id=THREAD,
            body="deeper",
            parent_comment_id=OTHER,
        ),
    ),
    (
        f'{{"type":"comment.edit","organizationId":"{GYM}","id":"{MESSAGE}","body":"x"}}',
        EditComment(organization_id=GYM, id=MESSAGE, body="x"),
    ),
    (
        f'{{"type":"comment.delete","organizationId":"{GYM}","id":"{MESSAGE}"}}',
        DeleteComment(organization_id=GYM, id=MESSAGE),
    ),
    (
        f'{{"type":"typing","organizationId":"{GYM}","to":{{"membershipId":"{COACH}"}},"active":true}}',
        Typing(organization_id=GYM, to=Party(membership_id=COACH), active=True),
    ),
    (
        f'{{"type":"presence.watch","organizationId":"{GYM}","membershipIds":[]}}',
        WatchPresence(organization_id=GYM, membership_ids=()),
    ),
    (
        f'{{"type":"topic.open","topic":"exercise:{THREAD}","resume":{{"epoch":"k3","position":4}}}}',
        OpenTopic(topic=f"exercise:{THREAD}", resume=Resume(epoch="k3", position=4)),
    ),
    (f'{{"type":"topic.close","topic":"metrics:{COACH}"}}', CloseTopic(topic=f"metrics:{COACH}")),
    ('{"type":"ack","position":8843}', Ack(position=8843)),
    ('{"type":"state","state":"foreground"}', SetState(state="foreground")),
    ('{"type":"token.refresh","ref":"","token":"t"}', RefreshToken(ref="", token="t")),
    ('{"type":"ping","ref":0}', Ping(ref=0)),
    ('{"type":"ping"}', Ping()),
]


@pytest.mark.parametrize(("text", "request_"), REQUESTS, ids=[text[9:40] for text, _ in REQUESTS])
def test_a_frame_becomes_its_request_and_the_request_the_frame(text: str, request_: Request) -> None:
    assert parse(text.encode()) == [request_]
    assert parse(encode(request_)) == [request_]


def test_every_type_of_request_is_known_and_tried_here() -> None:
    assert set(REQUEST_TYPES) == {
        *("hello", "message.send", "message.read", "message.edit", "message.delete"),
        *("comment.create", "comment.edit", "comment.delete", "typing", "presence.watch"),
        *("topic.open", "topic.close", "ack", "state", "token.refresh", "ping"),
    }
    assert {type(request) for _, request in REQUESTS} == set(REQUEST_TYPES.values())


def test_an_array_is_taken_in_order() -> None:
    frame = b' [ {"type":"ping","ref":1}, {"position":2,"type":"ack"} ,{"type":"ping"}]\r\n'
    assert parse(frame) == [Ping(ref=1), Ack(position=2), Ping()]


@pytest.mark.parametrize("frame", [b"", b" \t\r\n", b"[]", b" [ ] "])
def test_an_empty_array_or_text_is_no_request(frame: bytes) -> None:
    assert parse(frame) == []


def test_thirty_two_requests_fit_in_a_frame() -> None:
    assert parse(b"[" + b",".join([b'{"type":"ping"}'] * 32) + b"]") == [Ping()] * 32


@pytest.mark.parametrize(
    "inside",
    [
        '"x":1e400',
        '"x":' + "9" * 5000,
        '"x":-0.5e-3',
        '"x":{"y":[null,true,{"type":"hello"}]}',
        '"x":"\\\\u0000 \\\\ud800"',
        '"x":"\\ud83d\\udcaa"',
        '"hello":"hello"',
        '"":""',
        '"x":' + "[" * 200 + "]" * 200,
    ],
)
def test_unknown_keys_are_ignored_whatever_they_hold(inside: str) -> None:
    assert parse(f'{{"type":"ping",{inside},"ref":1}}'.encode()) == [Ping(ref=1)]


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert parse(b'{"type":"ack","position":1,"position":2}') == [Ack(position=2)]
    assert parse(b'{"type":"ack","position":"x","position":2}') == [Ack(position=2)]
    assert parse(b'{"type":"ping","type":"ack","position":2}') == [Ack(position=2)]
    assert parse(b'{"position":2,"type":"hello","type":"ack"}') == [Ack(position=2)]


def test_escapes_stand_for_their_characters() -> None:
    assert parse(b'{"\\u0074ype":"\\u0070ing","ref":"\\u05d0\\ud83d\\udcaa\\n"}') == [Ping(ref="א💪\n")]


def test_five_thousand_code_points_fit_whatever_their_bytes() -> None:
    content = "💪" * 5000
    frame = f'{{"type":"message.edit","organizationId":"{GYM}","id":"{MESSAGE}","content":"{content}"}}'
    assert parse(frame.encode()) == [EditMessage(organization_id=GYM, id=MESSAGE, content=content)]
