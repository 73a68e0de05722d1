"""Frames as they leave, byte for byte; a client's decoder reads every one of them."""

import msgspec
import pytest
from coachwire_protocol.envelopes import ErrorFrame, EventFrame, NoticeFrame, OkFrame, SignalFrame
from coachwire_protocol.errors import ErrorBody, NotFound
from coachwire_protocol.frames import (
    Event,
    encode,
    error_frame,
    notice_frame,
    ok_frame,
    signal_frame,
    skipped_frame,
)
from coachwire_protocol.memberships import MembershipView
from coachwire_protocol.messages import Attachment, Message, Sent
from coachwire_protocol.receipts import MarkedRead, MessageRead
from coachwire_protocol.schema import EVENT_DATA, EVENT_KINDS, EventKind, Frame
from coachwire_protocol.session import (
    DrainingNotice,
    Limits,
    Live,
    Pong,
    TypingSignal,
    Unread,
    UnreadFrame,
    UnreadOrganization,
    Welcome,
)
from coachwire_protocol.topics import TopicClosed, TopicOpened
from msgspec import Struct

from .ids import COACH, GYM, MEMBER, MESSAGE, OTHER, THREAD

AT = "2026-01-31T09:30:00.000000Z"
read = msgspec.json.Decoder(Frame).decode


def test_ok_carries_ref_data_and_position() -> None:
    sent = Sent(id=MESSAGE, recipient_membership_id=MEMBER, created_at=AT)
    assert (
        ok_frame(17, sent, 8844)
        == (
            f'{{"type":"ok","ref":17,"data":{{"id":"{MESSAGE}","recipientMembershipId":"{MEMBER}",'
            f'"createdAt":"{AT}"}},"position":8844}}'
        ).encode()
    )
    assert read(ok_frame('a\n"', b'{"a":1}')) == OkFrame(ref='a\n"', data={"a": 1})


def test_ok_without_data_carries_an_empty_object() -> None:
    assert ok_frame(0) == b'{"type":"ok","ref":0,"data":{}}'


def test_ok_of_a_duplicate_says_so() -> None:
    sent = Sent(id=MESSAGE, recipient_membership_id=MEMBER, created_at=AT, duplicate=True)
    assert (
        ok_frame("א", sent)
        == (
            f'{{"type":"ok","ref":"א","data":{{"id":"{MESSAGE}","recipientMembershipId":"{MEMBER}",'
            f'"createdAt":"{AT}","duplicate":true}}}}'
        ).encode()
    )


def test_ok_of_a_read_that_marked_nothing_has_no_time() -> None:
    assert encode(MarkedRead(marked_count=0)) == b'{"markedCount":0}'
    assert encode(MarkedRead(marked_count=2, read_at=AT)) == f'{{"markedCount":2,"readAt":"{AT}"}}'.encode()


def test_an_error_without_ref_carries_null() -> None:
    body = ErrorBody(code="not_found", message="There is no such thing, or you may not see it.")
    expected = (
        b'{"type":"error","ref":null,"error":'
        b'{"code":"not_found","message":"There is no such thing, or you may not see it."}}'
    )
    assert error_frame(None, NotFound()) == expected
    assert error_frame(msgspec.UNSET, NotFound()) == expected
    assert read(error_frame("7", NotFound())) == ErrorFrame(ref="7", error=body)


def test_an_event_is_encoded_once_and_gets_its_position_last() -> None:
    receipt = MessageRead(
        reader_membership_id=MEMBER,
        sender_membership_id=COACH,
        workout_assignment_id=None,
        message_ids=(MESSAGE, OTHER),
        read_at=AT,
    )
    event = Event("message.read", GYM, receipt)
    assert (
        event.frame(8842)
        == (
            f'{{"type":"event","kind":"message.read","organizationId":"{GYM}","data":{{"readerMembershipId":"{MEMBER}",'
            f'"senderMembershipId":"{COACH}","workoutAssignmentId":null,"messageIds":["{MESSAGE}","{OTHER}"],'
            f'"readAt":"{AT}"}},"position":8842}}'
        ).encode()
    )
    assert event.frame(1) == Event("message.read", GYM, encode(receipt)).frame(1)
    assert (event.kind, event.organization_id, event.topic) == ("message.read", GYM, None)


def test_an_event_of_a_topic_names_it() -> None:
    assert read(Event("comment.created", GYM, b'{"a":1}', f"exercise:{THREAD}").frame(3)) == EventFrame(
        kind="comment.created", organization_id=GYM, topic=f"exercise:{THREAD}", data={"a": 1}, position=3
    )


def test_a_skipped_range_carries_nothing_else() -> None:
    assert skipped_frame(5, 9) == b'{"type":"event","kind":"skipped","position":5,"through":9}'
    assert read(skipped_frame(5, 9, f"thread:{THREAD}")) == EventFrame(
        kind="skipped", topic=f"thread:{THREAD}", position=5, through=9
    )


def test_signals_and_notices() -> None:
    typing = TypingSignal(from_membership_id=COACH, workout_assignment_id=None, active=True)
    assert (
        signal_frame("typing", GYM, typing)
        == (
            f'{{"type":"signal","kind":"typing","organizationId":"{GYM}",'
            f'"data":{{"fromMembershipId":"{COACH}","workoutAssignmentId":null,"active":true}}}}'
        ).encode()
    )
    assert notice_frame("draining", DrainingNotice(reconnect_within_ms=(0, 5000))) == (
        b'{"type":"notice","kind":"draining","data":{"reconnectWithinMs":[0,5000]}}'
    )
    assert isinstance(read(signal_frame("typing", GYM, typing)), SignalFrame)
    assert isinstance(read(notice_frame("draining", b"{}")), NoticeFrame)


def test_a_welcome_carries_everything_to_begin_with() -> None:
    welcome = Welcome(
        user_id=OTHER,
        session="1",
        resume="reset",
        reason="too_many",
        epoch="k3",
        position=8843,
        events=0,
        memberships=(MembershipView(membership_id=COACH, organization_id=GYM, role="coach"),),
        unread=Unread(total=1, organizations=(UnreadOrganization(organization_id=GYM, count=1),)),
        token_expires_at=AT,
        server_time=AT,
        limits=Limits(),
    )
    assert (
        encode(welcome)
        == (
            f'{{"type":"welcome","userId":"{OTHER}","session":"1","resume":"reset","reason":"too_many","epoch":"k3",'
            '"position":8843,"events":0,'
            f'"memberships":[{{"membershipId":"{COACH}","organizationId":"{GYM}","role":"coach"}}],'
            f'"unread":{{"total":1,"organizations":[{{"organizationId":"{GYM}","count":1}}]}},'
            f'"heartbeatSeconds":25,"tokenExpiresAt":"{AT}","serverTime":"{AT}",'
            '"limits":{"frameBytes":65536,"frames":32,"content":5000,"attachments":10,"inFlight":64,"topics":64,'
            '"watch":200,"messagesPerMinute":30}}'
        ).encode()
    )
    assert read(encode(welcome)) == welcome


def test_the_limit_that_is_off_is_null() -> None:
    assert b'"messagesPerMinute":null' in encode(Limits(messages_per_minute=None))


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Live(position=8843), '{"type":"live","position":8843}'),
        (Pong(), '{"type":"pong"}'),
        (Pong(ref=3), '{"type":"pong","ref":3}'),
        (UnreadFrame(total=0, organizations=()), '{"type":"unread","total":0,"organizations":[]}'),
        (
            TopicOpened(topic=f"thread:{THREAD}", resume="fresh", epoch="k3", position=4),
            f'{{"type":"topic.opened","topic":"thread:{THREAD}","resume":"fresh","epoch":"k3","position":4}}',
        ),
        (
            TopicClosed(topic=f"thread:{THREAD}", reason="gone"),
            f'{{"type":"topic.closed","topic":"thread:{THREAD}","reason":"gone"}}',
        ),
    ],
)
def test_frames_without_an_envelope(frame: Struct, text: str) -> None:
    assert encode(frame) == text.encode()
    assert read(text) == frame


def test_a_message_has_every_key_and_delivered_only_for_its_sender() -> None:
    message = Message(
        id=MESSAGE,
        organization_id=GYM,
        sender_membership_id=COACH,
        sender_name="נועה Levi",
        sender_role="admin",
        recipient_membership_id=MEMBER,
        workout_assignment_id=None,
        content=None,
        attachments=(
            Attachment(
                id=OTHER,
                type="image",
                mime_type="image/png",
                size=9,
                url="https://files/1",
                thumbnail_url=None,
                url_expires_at=AT,
            ),
        ),
        created_at=AT,
        read_at=None,
        edited_at=None,
        deleted_at=None,
        erased=False,
    )
    text = (
        f'{{"id":"{MESSAGE}","organizationId":"{GYM}","senderMembershipId":"{COACH}",'
        f'"senderName":"נועה Levi","senderRole":"admin","recipientMembershipId":"{MEMBER}",'
        '"workoutAssignmentId":null,"content":null,'
        f'"attachments":[{{"id":"{OTHER}","type":"image","mimeType":"image/png","size":9,"url":"https://files/1",'
        f'"thumbnailUrl":null,"urlExpiresAt":"{AT}"}}],"createdAt":"{AT}","readAt":null,"editedAt":null,'
        '"deletedAt":null,"erased":false}'
    )
    assert encode(message) == text.encode()
    assert (
        encode(msgspec.structs.replace(message, delivered=False))
        == (text[:-1] + ',"delivered":false}').encode()
    )


def test_every_kind_of_event_but_skipped_has_its_data() -> None:
    assert {str(kind) for kind in EVENT_KINDS} == {
        *("message.created", "message.edited", "message.deleted", "message.erased", "message.read"),
        *("history.trimmed", "comment.created", "comment.edited", "comment.deleted", "comment.erased"),
        *("comment.mentioned", "metric.recorded", "metric.erased", "membership.changed", "membership.ended"),
        *("assignment.published", "assignment.removed", "skipped"),
    }
    assert set(EVENT_DATA) == EVENT_KINDS - {EventKind.SKIPPED}
