"""Workouts that are published, withdrawn and deleted, and the threads under them."""

from uuid import UUID

from ..gym import Place
from .conftest import OpenPhone, Platform, event, told


async def test_publishing_and_withdrawing_is_told_to_the_member_alone(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member = await phone(gym.coach), await phone(gym.member)
    assignment_id = await platform.assign(gym.member, published=False)
    for published, kind in ((True, "assignment.published"), (False, "assignment.removed")):
        await platform.do(
            "update workout_assignments set published = $2 where id = $1", UUID(assignment_id), published
        )
        assert await told(member, kind) == event(
            kind, gym.organization_id, 1 if published else 2, workoutAssignmentId=assignment_id
        )
    assert await platform.positions(gym.coach) == []
    assert coach.events == []


async def test_a_withdrawal_and_a_publication_in_one_breath_are_told_by_how_it_stands(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    member = await phone(gym.member)
    assignment_id = await platform.assign(gym.member)
    both = (
        "begin; update {0} set published = false where {1}; update {0} set published = true where {1}; commit"
    )
    await platform.do(both.format("workout_assignments", f"id = '{assignment_id}'"))
    published = await told(member, "assignment.published")
    assert published["data"] == {"workoutAssignmentId": assignment_id}
    assert len(await platform.positions(gym.member)) == 1


async def test_a_draft_that_is_deleted_was_nobodys(gym: Place, phone: OpenPhone, platform: Platform) -> None:
    member = await phone(gym.member)
    assignment_id = await platform.assign(gym.member, published=False)
    await platform.do("delete from workout_assignments where id = $1", UUID(assignment_id))
    await platform.settled()
    assert member.events == []
    assert await platform.positions(gym.member) == []


async def test_a_soft_deleted_workout_is_removed(gym: Place, phone: OpenPhone, platform: Platform) -> None:
    member = await phone(gym.member)
    assignment_id = await platform.assign(gym.member)
    await platform.do("update workout_assignments set deleted_at = now() where id = $1", UUID(assignment_id))
    removed = await told(member, "assignment.removed")
    assert removed["data"] == {"workoutAssignmentId": assignment_id}


async def test_the_thread_of_a_deleted_workout_leaves_both_parties_devices(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach, member, tablet = await phone(gym.coach), await phone(gym.member), await phone(gym.member)
    assignment_id = await platform.assign(gym.member)
    messages = [
        (await platform.write_in_thread(assignment_id, gym.coach, gym.member), gym.coach),
        (await platform.write_in_thread(assignment_id, gym.member, gym.coach), gym.member),
    ]
    await platform.do("delete from workout_assignments where id = $1", UUID(assignment_id))
    for one in (coach, member, tablet):
        heard = [await told(one, "message.deleted") for _ in messages]
        assert {frame["data"]["id"]: frame["data"] for frame in heard} == {
            message_id: {
                "id": message_id,
                "senderMembershipId": sender.membership_id,
                "workoutAssignmentId": assignment_id,
                "deletedAt": heard[0]["data"]["deletedAt"],
            }
            for message_id, sender in messages
        }
    assert (await told(member, "assignment.removed"))["data"] == {"workoutAssignmentId": assignment_id}

    await platform.settled()
    away = await phone(gym.coach, resume={"epoch": coach.epoch, "position": 0}, connect=False)
    away.epoch, away.position = coach.epoch, 0
    await away.connect()
    assert [frame["data"] for frame in away.events] == [frame["data"] for frame in coach.events]


async def test_the_id_of_a_message_that_went_with_its_workout_stays_taken(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach = await phone(gym.coach)
    assignment_id = await platform.assign(gym.member)
    message_id = await platform.write_in_thread(assignment_id, gym.coach, gym.member)
    await platform.do("delete from workout_assignments where id = $1", UUID(assignment_id))
    await told(coach, "message.deleted")
    again = await coach.ask(
        "message.send", organizationId=gym.organization_id, id=message_id,
        to={"membershipId": gym.member.membership_id}, content="anew",
    )  # fmt: skip
    assert again["error"]["code"] == "conflict"


async def test_a_message_taken_back_before_is_not_told_again(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach = await phone(gym.coach)
    assignment_id = await platform.assign(gym.member, published=False)
    message_id = await platform.write_in_thread(assignment_id, gym.coach, gym.member)
    assert (await coach.ask("message.delete", organizationId=gym.organization_id, id=message_id))[
        "type"
    ] == "ok"
    await platform.do("delete from workout_assignments where id = $1", UUID(assignment_id))
    await platform.settled()
    assert await platform.positions(gym.coach) == [1]


async def test_a_thread_of_three_thousand_goes_in_steps_and_whole(
    gym: Place, phone: OpenPhone, platform: Platform
) -> None:
    coach = await phone(gym.coach)
    assignment_id = await platform.assign(gym.member)
    await platform.do(
        """
        insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content)
        select gen_random_uuid(), $1, $2, 'coach', $3, $4, 'again' from generate_series(1, 3000)
        """,
        UUID(gym.organization_id), UUID(gym.coach.user_id), UUID(gym.member.user_id), UUID(assignment_id),
    )  # fmt: skip
    await platform.do("delete from workout_assignments where id = $1", UUID(assignment_id))
    heard = {(await told(coach, "message.deleted", 10))["data"]["id"] for _ in range(3000)}
    assert len(heard) == 3000
    assert await platform.positions(gym.coach) == list(range(1, 3001))
