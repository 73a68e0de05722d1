"""Sends that are refused: each has its code, nothing is stored, nobody's stream moves."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from ..gym import Place, message_to
from ..phone import Frame, Phone
from .conftest import OpenPhone
from .platform import Tables, set_status, stored

NOT_FOUND = {"code": "not_found", "message": "There is no such thing, or you may not see it."}
FORBIDDEN = {"code": "forbidden", "message": "You may not do this."}
GONE = {"code": "gone", "message": "It was there, and is no more."}


@pytest.fixture
async def coach(gym: Place, phone: OpenPhone, database: Tables) -> AsyncIterator[Phone]:
    """A coach's phone, on which nothing that a test sends may be stored."""
    yield await phone(gym.coach)
    assert await stored(database) == 0
    assert await database.fetchval("select count(*) from message_ledger") == 0
    assert await database.fetchval("select count(*) from conversations") == 0
    assert await database.fetchval("select coalesce(sum(position), 0) from user_streams") == 0


async def refused(phone: Phone, sent: dict[str, Any]) -> Frame:
    """The error that answers a send."""
    error: Frame = (await phone.ask("message.send", **sent))["error"]
    return error


async def offending(phone: Phone, sent: dict[str, Any]) -> list[str]:
    """The fields that the answer to a bad send lists."""
    error = await refused(phone, sent)
    assert (error["code"], error["message"]) == ("bad_request", "The request is not as the contract says.")
    return [detail["field"] for detail in error["details"]]


async def test_a_recipient_who_is_not_active_is_gone(gym: Place, coach: Phone, database: Tables) -> None:
    for status in ("suspended", "cancelled", "invited", "pending_invitation"):
        await set_status(database, gym.member, status)
        assert await refused(coach, message_to(gym.member)) == GONE


async def test_a_recipient_whom_the_platform_took_away_is_gone(
    gym: Place, coach: Phone, database: Tables
) -> None:
    await database.execute(
        "update memberships set deleted_at = now() where id = $1", gym.member.membership_id
    )
    await database.execute("update users set deleted_at = now() where id = $1", gym.coach2.user_id)
    for other in (gym.member, gym.coach2):
        assert await refused(coach, message_to(other)) == GONE


async def test_another_organizations_member_does_not_exist(
    gym: Place, other_gym: Place, coach: Phone, database: Tables
) -> None:
    await set_status(database, other_gym.member2, "suspended")
    for membership_id in (
        str(uuid4()),
        other_gym.member.membership_id,
        other_gym.member2.membership_id,
        gym.member.user_id,
        gym.organization_id,
    ):
        sent = message_to(gym.member, to={"membershipId": membership_id})
        assert await refused(coach, sent) == NOT_FOUND


async def test_another_organization_is_forbidden_whether_it_exists_or_not(
    gym: Place, other_gym: Place, coach: Phone, database: Tables
) -> None:
    await database.execute(
        "update organizations set deleted_at = now() where id = $1", other_gym.organization_id
    )
    for organization_id in (other_gym.organization_id, str(uuid4()), gym.coach.user_id):
        sent = message_to(other_gym.member, organizationId=organization_id)
        assert await refused(coach, sent) == FORBIDDEN


async def test_a_living_organization_of_others_is_forbidden_too(other_gym: Place, coach: Phone) -> None:
    assert await refused(coach, message_to(other_gym.member)) == FORBIDDEN


async def test_a_sender_who_is_not_active_is_forbidden(gym: Place, coach: Phone, database: Tables) -> None:
    for status in ("suspended", "cancelled", "invited", "pending_invitation"):
        await set_status(database, gym.coach, status)
        assert await refused(coach, message_to(gym.member)) == FORBIDDEN


async def test_an_organization_that_was_closed_is_forbidden(
    gym: Place, coach: Phone, database: Tables
) -> None:
    await database.execute("update organizations set deleted_at = now()")
    assert await refused(coach, message_to(gym.member)) == FORBIDDEN


async def test_a_member_may_not_write_to_a_member(gym: Place, coach: Phone, phone: OpenPhone) -> None:
    assert await refused(await phone(gym.member), message_to(gym.member2)) == FORBIDDEN


async def test_nobody_writes_to_themselves(gym: Place, coach: Phone, phone: OpenPhone) -> None:
    for mine, me in ((coach, gym.coach), (await phone(gym.member), gym.member)):
        assert await offending(mine, message_to(me)) == ["to.membershipId"]


async def test_unknown_attachments_do_not_exist(gym: Place, coach: Phone) -> None:
    for content in ("look", None):
        sent = message_to(gym.member, content, attachmentIds=[str(uuid4())])
        assert (await refused(coach, sent))["code"] == "not_found"


async def test_the_thread_of_no_workout_is_not_found(gym: Place, coach: Phone) -> None:
    sent = message_to(gym.member, to={"workoutAssignmentId": str(uuid4())})
    assert await refused(coach, sent) == NOT_FOUND


async def test_content_that_cannot_be_is_a_bad_request(gym: Place, coach: Phone) -> None:
    blank = ("", " ", "\n\t \u00a0\u2003", None)
    too_long = ("x" * 5_001, "💪" * 5_001)
    no_text: tuple[object, ...] = ("nul\0", "\ud800", "\udc00\ud800", 7, ["x"])
    for content in (*blank, *too_long, *no_text):
        sent = message_to(gym.member) | {"content": content}
        assert await offending(coach, sent) == ["content"], content


async def test_a_message_without_any_content_is_a_bad_request(gym: Place, coach: Phone) -> None:
    sent = message_to(gym.member)
    del sent["content"]
    assert await offending(coach, sent) == ["content"]


async def test_missing_fields_are_listed_together(coach: Phone) -> None:
    assert await offending(coach, {}) == ["organizationId", "id", "to", "content"]


async def test_wrong_fields_are_listed_together(gym: Place, coach: Phone) -> None:
    sent = message_to(gym.member, organizationId=7, id="X", to={"membershipId": gym.organization_id.upper()})
    assert await offending(coach, sent) == ["organizationId", "id", "to.membershipId"]


async def test_a_recipient_must_be_one(gym: Place, coach: Phone) -> None:
    both = {"membershipId": gym.member.membership_id, "workoutAssignmentId": str(uuid4())}
    wrong: tuple[object, ...] = (both, {}, None, [], gym.member.membership_id)
    for to in wrong:
        assert await offending(coach, message_to(gym.member, to=to)) == ["to"]


async def test_eleven_attachments_are_too_many(gym: Place, coach: Phone) -> None:
    sent = message_to(gym.member, attachmentIds=[str(uuid4()) for _ in range(11)])
    assert await offending(coach, sent) == ["attachmentIds"]


async def test_an_outsiders_question_touches_what_one_about_nothing_does(
    gym: Place, other_gym: Place, database: Tables
) -> None:
    """The same statement, and neither row, stream nor lock of the organization asked about."""

    async def traces(membership_id: str) -> list[object]:
        async with database.transaction():
            codes = await database.fetch(
                "select code, retry_at is null from resolve_sends(array[$1]::uuid[], array[$2]::uuid[],"
                " array[$3]::uuid[], array[$4]::uuid[], array[null]::uuid[], array['\\x00'::bytea],"
                " '{}', '{}', 30, '1 min')",
                str(uuid4()), gym.organization_id, gym.coach.user_id, membership_id,
            )  # fmt: skip
            locks = await database.fetch(
                "select locktype, relation::regclass::text, mode from pg_locks"
                " where pid = pg_backend_pid() and locktype <> 'virtualxid' order by 1, 2, 3"
            )
            written = await database.fetch(
                "select relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_xact_user_tables"
                " where n_tup_ins + n_tup_upd + n_tup_del > 0"
            )
            return [tuple(row) for rows in (codes, locks, written) for row in rows]

    await traces(str(uuid4()))  # the first one fills the caches
    assert await traces(other_gym.member.membership_id) == await traces(str(uuid4()))
