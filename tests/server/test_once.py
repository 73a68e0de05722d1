"""A send happens once: the id is the key, for ever."""

import asyncio
from uuid import uuid4

from ..gym import Place, message_to
from ..phone import Frame
from .conftest import OpenPhone
from .platform import Tables, head, join, set_status, stored

CONFLICT = {"code": "conflict", "message": "The id or the thing is taken already."}


def as_duplicate(first: Frame) -> Frame:
    """The data of the answer to a repetition of what was answered so."""
    data: Frame = first["data"] | {"duplicate": True}
    return data


async def test_the_same_payload_is_answered_as_the_first_time_and_stored_once(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, coach_web, member = await phone(gym.coach), await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member)
    first = await coach.ask("message.send", **sent)

    for again in (coach, coach_web, coach):
        answer = await again.ask("message.send", **sent)
        assert answer == {"type": "ok", "ref": answer["ref"], "data": as_duplicate(first)}

    assert await stored(database) == 1
    assert [frame["type"] for frame in await member.drained()].count("event") == 1
    assert (await head(database, gym.coach), await head(database, gym.member)) == (1, 1)


async def test_no_attachments_and_an_empty_list_of_them_are_one_payload(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    first = await coach.ask("message.send", **sent)
    assert (await coach.ask("message.send", **sent, attachmentIds=[]))["data"] == as_duplicate(first)


async def test_another_payload_is_a_conflict_that_tells_nothing(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member, "hello")
    await coach.ask("message.send", **sent)

    for other in (
        {"content": "hello "},
        {"content": "Hello"},
        {"to": {"membershipId": gym.member2.membership_id}},
        {"to": {"workoutAssignmentId": str(uuid4())}},
        {"attachmentIds": [str(uuid4())]},
    ):
        assert (await coach.ask("message.send", **sent | other))["error"] == CONFLICT

    assert await stored(database) == 1
    assert await database.fetchval("select content from messages") == "hello"
    assert await head(database, gym.coach) == 1


async def test_another_senders_id_is_a_conflict(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)

    for other, theirs in (
        (gym.coach2, sent),
        (gym.member, message_to(gym.coach, id=sent["id"])),
        (other_gym.coach, message_to(other_gym.member, id=sent["id"])),
    ):
        assert (await (await phone(other)).ask("message.send", **theirs))["error"] == CONFLICT
    assert await stored(database) == 1


async def test_a_retry_is_answered_though_the_recipient_has_left_meanwhile(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    first = await coach.ask("message.send", **sent)
    await set_status(database, gym.member, "cancelled")
    assert (await coach.ask("message.send", **sent))["data"] == as_duplicate(first)


async def test_a_retry_needs_an_active_membership_too(gym: Place, phone: OpenPhone, database: Tables) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    await set_status(database, gym.coach, "suspended")
    assert (await coach.ask("message.send", **sent))["error"]["code"] == "forbidden"


async def test_a_deleted_message_still_holds_its_id(gym: Place, phone: OpenPhone) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    first = await coach.ask("message.send", **sent)
    await coach.ask("message.delete", organizationId=gym.organization_id, id=sent["id"])
    assert (await coach.ask("message.send", **sent))["data"] == as_duplicate(first)
    assert (await coach.ask("message.send", **sent | {"content": "other"}))["error"] == CONFLICT


async def test_an_id_whose_message_is_gone_from_the_tables_is_gone(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    await database.execute("delete from messages")
    answer = await coach.ask("message.send", **sent)
    assert answer["error"] == {"code": "gone", "message": "It was there, and is no more."}
    assert (await coach.ask("message.send", **sent | {"content": "other"}))["error"] == CONFLICT
    assert await stored(database) == 0


async def test_an_erased_message_is_a_duplicate_whatever_is_sent(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach = await phone(gym.coach)
    sent = message_to(gym.member)
    first = await coach.ask("message.send", **sent)
    await database.execute("update message_ledger set erased_at = now(), payload_hash = null")
    assert (await coach.ask("message.send", **sent | {"content": "other"}))["data"] == as_duplicate(first)


async def test_a_refused_id_may_be_used_again(gym: Place, phone: OpenPhone, database: Tables) -> None:
    coach = await phone(gym.coach)
    await set_status(database, gym.member, "suspended")
    sent = message_to(gym.member)
    assert (await coach.ask("message.send", **sent))["error"]["code"] == "gone"
    await set_status(database, gym.member, "active")
    assert "duplicate" not in (await coach.ask("message.send", **sent))["data"]


async def test_the_same_id_at_the_same_moment_is_stored_once(
    gym: Place, phone: OpenPhone, database: Tables
) -> None:
    phones = [await phone(gym.coach) for _ in range(4)]
    for round_ in range(1, 6):
        sent = message_to(gym.member)
        answers = await asyncio.gather(*(one.ask("message.send", **sent) for one in phones))
        assert {answer["data"]["createdAt"] for answer in answers} == {answers[0]["data"]["createdAt"]}
        assert sum("duplicate" not in answer["data"] for answer in answers) == 1
        assert await stored(database) == round_
    assert await head(database, gym.coach) == await head(database, gym.member) == 5


async def test_the_same_id_of_two_senders_at_the_same_moment_is_stored_for_one(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    coach, other_coach = await phone(gym.coach), await phone(other_gym.coach)
    for round_ in range(1, 6):
        id_ = str(uuid4())
        answers = await asyncio.gather(
            coach.ask("message.send", **message_to(gym.member, id=id_)),
            other_coach.ask("message.send", **message_to(other_gym.member, id=id_)),
        )
        assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
        assert [answer["error"] for answer in answers if answer["type"] == "error"] == [CONFLICT]
        assert await stored(database) == round_


async def test_the_same_words_in_another_organization_are_another_payload(
    gym: Place, other_gym: Place, phone: OpenPhone, database: Tables
) -> None:
    elsewhere = await join(database, gym.coach, other_gym, "coach")
    coach = await phone(elsewhere)
    sent = message_to(gym.member)
    await coach.ask("message.send", **sent)
    there = message_to(other_gym.member, id=sent["id"])
    assert (await coach.ask("message.send", **there))["error"] == CONFLICT
