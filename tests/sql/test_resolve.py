"""resolve_sends: the answer to each send, and who is meant, before anything is stored."""

from datetime import timedelta
from uuid import UUID

from ..gym import Place, Someone
from .calls import NOWHERE, Connection, Sending, assignment_of, codes, resolve, send


def somewhere_else(someone: Someone, **changes: str) -> Someone:
    return Someone(**{**someone.__dict__, **changes})


async def test_resolve_says_who_is_meant(tx: Connection, gym: Place) -> None:
    (row,) = await resolve(tx, Sending(sender=gym.owner, recipient=gym.member))
    assert (row.code, row.sender_as, row.sender_name) == ("new", "admin", gym.owner.name)
    assert str(row.sender_membership_id) == gym.owner.membership_id
    assert str(row.recipient_membership_id) == gym.member.membership_id
    assert str(row.recipient_id) == gym.member.user_id


async def test_resolve_answers_each_request_of_a_batch_by_itself_and_in_order(
    tx: Connection, gym: Place, other_gym: Place
) -> None:
    stored = Sending(sender=gym.coach, recipient=gym.member)
    vanished = Sending(sender=gym.coach, recipient=gym.member)
    await send(tx, stored, vanished)
    await tx.execute("delete from messages where id = $1", UUID(vanished.id))
    await tx.execute(
        "update memberships set status = 'suspended' where id = $1", UUID(gym.coach2.membership_id)
    )
    await tx.execute("update users set deleted_at = now() where id = $1", UUID(gym.admin.user_id))
    unknown = somewhere_else(gym.member, membership_id=NOWHERE)
    cases = {
        "staff to member": (Sending(sender=gym.coach, recipient=gym.member), "new"),
        "member to staff": (Sending(sender=gym.member, recipient=gym.coach), "new"),
        "staff to staff": (Sending(sender=gym.coach, recipient=gym.owner), "new"),
        "member to member": (Sending(sender=gym.member, recipient=gym.member2), "forbidden"),
        "oneself": (Sending(sender=gym.coach, recipient=gym.coach), "bad_request"),
        "unknown membership": (Sending(sender=gym.coach, recipient=unknown), "not_found"),
        "another organization's": (
            Sending(sender=gym.coach, recipient=other_gym.member, organization_id=gym.organization_id),
            "not_found",
        ),
        "suspended recipient": (Sending(sender=gym.coach, recipient=gym.coach2), "gone"),
        "deleted recipient": (Sending(sender=gym.coach, recipient=gym.admin), "gone"),
        "suspended sender": (Sending(sender=gym.coach2, recipient=gym.member), "forbidden"),
        "deleted sender": (Sending(sender=gym.admin, recipient=gym.member), "forbidden"),
        "stranger": (Sending(sender=other_gym.coach, recipient=gym.member), "forbidden"),
        "no such organization": (
            Sending(sender=gym.coach, recipient=gym.member, organization_id=NOWHERE), "forbidden",
        ),
        "the same again": (stored.again(), "duplicate"),
        "the same id, other words": (stored.again(content="bye"), "conflict"),
        "the same id, another sender": (stored.again(sender=gym.owner), "conflict"),
        "the id of what is gone": (vanished.again(), "gone"),
    }  # fmt: skip
    found = await codes(tx, *(sending for sending, _ in cases.values()))
    assert dict(zip(cases, found, strict=True)) == {name: code for name, (_, code) in cases.items()}


async def test_a_deleted_organization_is_nobodys(tx: Connection, gym: Place) -> None:
    await tx.execute("update organizations set deleted_at = now() where id = $1", UUID(gym.organization_id))
    assert await codes(tx, Sending(sender=gym.coach, recipient=gym.member)) == ["forbidden"]


async def test_a_duplicate_tells_when_it_was_stored_also_after_an_erasure(tx: Connection, gym: Place) -> None:
    sending = Sending(sender=gym.coach, recipient=gym.member)
    stored = await send(tx, sending)
    await tx.execute("update message_ledger set payload_hash = null, erased_at = now()")
    (row,) = await resolve(tx, sending)
    assert (row.code, row.first_created_at) == ("duplicate", stored.at + timedelta(microseconds=1))


async def test_resolve_knows_who_may_write_in_a_thread(tx: Connection, gym: Place, other_gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    draft = await assignment_of(tx, gym.member, published=False)
    removed = await assignment_of(tx, gym.member2)
    await tx.execute("update workout_assignments set deleted_at = now() where id = $1", UUID(removed))
    foreign = await assignment_of(tx, other_gym.member)

    def post(sender: Someone, assignment_id: str) -> Sending:
        return Sending(sender=sender, recipient=gym.member, assignment_id=assignment_id)

    cases = {
        "its member": (post(gym.member, thread), "new"),
        "staff": (post(gym.coach2, thread), "new"),
        "another member": (post(gym.member2, thread), "not_found"),
        "its member, a draft": (post(gym.member, draft), "not_found"),
        "staff, a draft": (post(gym.coach, draft), "new"),
        "a deleted one": (post(gym.coach, removed), "not_found"),
        "another organization's": (post(gym.coach, foreign), "not_found"),
        "an unknown one": (post(gym.coach, NOWHERE), "not_found"),
    }
    found = await codes(tx, *(sending for sending, _ in cases.values()))
    assert dict(zip(cases, found, strict=True)) == {name: code for name, (_, code) in cases.items()}


async def test_a_members_post_goes_to_who_wrote_last_else_who_assigned_else_the_first_owner(
    tx: Connection, gym: Place
) -> None:
    thread = await assignment_of(tx, gym.member)
    post = Sending(sender=gym.member, recipient=gym.member, assignment_id=thread)
    assigned_by = await tx.fetchval(
        "select assigned_by::text from workout_assignments where id = $1", UUID(thread)
    )

    async def recipient() -> tuple[str, str]:
        (row,) = await resolve(tx, post)
        return row.code, str(row.recipient_id)

    async def leave(user_id: str) -> None:
        await tx.execute("update memberships set status = 'cancelled' where user_id = $1", UUID(user_id))

    assert await recipient() == ("new", assigned_by)
    await send(tx, Sending(sender=gym.admin, recipient=gym.member, assignment_id=thread))
    assert await recipient() == ("new", gym.admin.user_id)
    await leave(gym.admin.user_id)
    assert await recipient() == ("new", assigned_by)
    await leave(assigned_by)
    assert await recipient() == ("new", gym.owner.user_id)
    await leave(gym.owner.user_id)
    assert (await resolve(tx, post))[0].code == "gone"


async def test_staff_who_are_the_athlete_post_as_the_member(tx: Connection, gym: Place) -> None:
    thread = await assignment_of(tx, gym.member)
    await tx.execute(
        "update workout_assignments set user_id = $2 where id = $1", UUID(thread), UUID(gym.coach2.user_id)
    )
    (row,) = await resolve(tx, Sending(sender=gym.coach2, recipient=gym.coach2, assignment_id=thread))
    assert (row.code, row.sender_as) == ("new", "member")


async def test_resolve_counts_what_is_new_in_the_batch(tx: Connection, gym: Place, other_gym: Place) -> None:
    fine = [Sending(sender=gym.coach, recipient=gym.member) for _ in range(3)]
    refused = Sending(sender=gym.coach, recipient=other_gym.member, organization_id=gym.organization_id)
    assert await codes(tx, fine[0], refused, fine[1], fine[2], limit=2) == [
        "new", "not_found", "new", "rate_limited",
    ]  # fmt: skip
