"""A membership that ends, changes or comes back, by one statement of the platform."""

from uuid import UUID

import pytest

from ..gym import Place, message_to
from .conftest import OpenPhone, Platform, event, told


@pytest.mark.parametrize("status", ["suspended", "cancelled"])
async def test_who_is_suspended_or_cancelled_is_told_and_hears_no_more(
    gym: Place, phone: OpenPhone, platform: Platform, status: str
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await coach.ask("message.send", **message_to(gym.member, "before"))
    await member.event("message.created")

    await platform.set_status(gym.member, status)
    ended = event("membership.ended", gym.organization_id, 2, membershipId=gym.member.membership_id)
    assert await told(member, "membership.ended") == ended

    refused = await member.ask("message.send", **message_to(gym.coach))
    assert refused["error"]["code"] == "forbidden"
    gone = await coach.ask("message.send", **message_to(gym.member))
    assert gone["error"]["code"] == "gone"
    assert [frame["kind"] for frame in member.events] == ["message.created", "membership.ended"]


async def test_sends_are_refused_from_the_commit_on_not_from_the_event_on(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await platform.do("set coachwire.quiet = on")  # no event will come
    await platform.set_status(gym.member, "suspended")
    assert (await member.ask("message.send", **message_to(gym.coach)))["error"]["code"] == "forbidden"
    assert (await coach.ask("message.send", **message_to(gym.member)))["error"]["code"] == "gone"


async def test_a_replay_skips_what_belongs_to_an_organization_that_was_left(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await member.leave()
    for _ in range(3):
        await coach.ask("message.send", **message_to(gym.member, "a secret of this gym"))
    await platform.set_status(gym.member, "suspended")
    await platform.settled()

    welcome = await member.connect()
    assert (welcome["resume"], welcome["events"], welcome["memberships"]) == ("resumed", 4, [])
    assert member.position == 4
    assert member.events == [
        event("membership.ended", gym.organization_id, 4, membershipId=gym.member.membership_id)
    ]


async def test_what_others_do_reaches_who_has_left_as_skipped_positions(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    """Receipts and deletions are events in the other party's stream as well, whatever has become of them."""
    coach, member = await phone(gym.coach), await phone(gym.member)
    from_member = await member.ask("message.send", **message_to(gym.coach))
    from_coach = await coach.ask("message.send", **message_to(gym.member))
    await platform.do("set coachwire.quiet = on")  # no event tells the server or the phone
    await platform.set_status(gym.member, "suspended")

    assert (await coach.ask(
        "message.read", organizationId=gym.organization_id, messageIds=[from_member["data"]["id"]]
    ))["data"]["markedCount"] == 1  # fmt: skip
    assert (await coach.ask(
        "message.delete", organizationId=gym.organization_id, id=from_coach["data"]["id"]
    ))["type"] == "ok"  # fmt: skip

    for position in (3, 4):
        skipped = {"type": "event", "kind": "skipped", "position": position, "through": position}
        assert await told(member, "skipped") == skipped


async def test_who_comes_back_keeps_the_membership_and_loads_anew(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await platform.set_status(gym.member, "suspended")
    await told(member, "membership.ended")
    await platform.set_status(gym.member, "active")
    assert await told(member, "membership.changed") == event(
        "membership.changed", gym.organization_id, 2,
        membershipId=gym.member.membership_id, role="member", status="active", reload=True,
    )  # fmt: skip
    assert (await coach.ask("message.send", **message_to(gym.member)))["type"] == "ok"
    assert (await told(member, "message.created"))["position"] == 3


async def test_a_new_role_is_told_with_reload_and_counts_at_once(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    member = await phone(gym.member)
    assert (await member.ask("message.send", **message_to(gym.member2)))["error"]["code"] == "forbidden"
    await platform.do("update memberships set role = 'coach' where id = $1", UUID(gym.member.membership_id))
    assert await told(member, "membership.changed") == event(
        "membership.changed", gym.organization_id, 1,
        membershipId=gym.member.membership_id, role="coach", status="active", reload=True,
    )  # fmt: skip
    assert (await member.ask("message.send", **message_to(gym.member2)))["type"] == "ok"


@pytest.mark.parametrize(
    "statement",
    ["delete from memberships where id = $1", "update memberships set deleted_at = now() where id = $1"],
)
async def test_a_membership_that_is_taken_away_has_ended(
    gym: Place, phone: OpenPhone, platform: Platform, statement: str
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    await platform.do(statement, UUID(gym.member.membership_id))
    ended = event("membership.ended", gym.organization_id, 1, membershipId=gym.member.membership_id)
    assert await told(member, "membership.ended") == ended
    assert (await coach.ask("message.send", **message_to(gym.member)))["error"]["code"] in (
        "gone",
        "not_found",
    )


async def test_who_joins_another_gym_is_told_and_keeps_the_first_one(
    gym: Place, other_gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    member = await phone(gym.member)
    membership_id = UUID("0190b5a2-0000-7000-8000-000000000001")
    await platform.do(
        "insert into memberships (id, user_id, organization_id, role, status) values ($1, $2, $3, 'coach', 'invited')",
        membership_id, UUID(gym.member.user_id), UUID(other_gym.organization_id),
    )  # fmt: skip
    assert await told(member, "membership.changed") == event(
        "membership.changed", other_gym.organization_id, 1,
        membershipId=str(membership_id), role="coach", status="invited", reload=False,
    )  # fmt: skip
    await platform.do("update memberships set status = 'active' where id = $1", membership_id)
    changed = await told(member, "membership.changed")
    assert (changed["data"]["status"], changed["data"]["reload"]) == ("active", True)
    assert (await member.ask("message.send", **message_to(gym.coach)))["type"] == "ok"


async def test_nobody_is_told_of_a_change_that_changes_no_right(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    member = await phone(gym.member)
    await platform.do("update memberships set joined_at = now(), updated_at = now()")
    await platform.do("update users set phone = '1', updated_at = now()")
    await platform.do("update organizations set name = name || '.'")
    await platform.settled()
    assert member.position == 0
    assert await platform.positions(gym.member) == []


async def test_a_quiet_transaction_is_not_told(gym: Place, phone: OpenPhone, platform: Platform) -> None:
    member = await phone(gym.member)
    await platform.do("begin; set local coachwire.quiet = on; update memberships set role = 'coach'; commit")
    await platform.settled()
    await platform.set_status(gym.member, "suspended")  # the next one is told again
    assert (await told(member, "membership.ended"))["position"] == 1


async def test_a_thousand_memberships_in_one_statement_are_told_once_each(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    await platform.do("set coachwire.quiet = on")
    await platform.do(
        """
        with people as (
          insert into users (email) select 'many-' || n || '@harbor.test' from generate_series(1, 1000) n returning id)
        insert into memberships (user_id, organization_id, role, status) select id, $1, 'member', 'active' from people
        """,
        UUID(gym.organization_id),
    )
    await platform.do("set coachwire.quiet = off")
    member = await phone(gym.member)
    await platform.do("update memberships set status = 'suspended' where role = 'member'")
    await told(member, "membership.ended")
    await platform.settled()
    assert await platform.streams() == {
        1: 1002
    }  # as many streams as members, each with one event at position 1
