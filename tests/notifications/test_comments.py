"""Comments that concern somebody: told, not told when they may not see them any more, and cleared."""

from uuid import UUID

import pytest

from ..gym import Place, Someone
from .outbox import Outbox, Tables
from .receiver import Receiver

pytestmark = pytest.mark.usefixtures("server")


async def mention(tables: Tables, whom: Someone, by: Someone) -> tuple[str, str]:
    """A comment under an exercise of this member's, of which they are to be told; its id and the exercise's."""
    movement = await tables.fetchval(
        "select v.id from workout_movements v join workout_assignments a on a.workout_id = v.workout_id"
        " where a.user_id = $1 and a.published limit 1",
        UUID(whom.user_id),
    )
    comment = await tables.fetchval(
        "insert into exercise_comments (id, workout_movement_id, author_id, body)"
        " values (gen_random_uuid(), $1, $2, 'slower') returning id",
        movement,
        UUID(by.user_id),
    )
    await tables.execute(
        "select notify_of('mention', array[$1::uuid], array[$2::uuid], array[$3::uuid], array[1::bigint])",
        UUID(whom.user_id),
        UUID(whom.organization_id),
        comment,
    )
    return str(comment), str(movement)


async def test_a_comment_that_concerns_somebody_is_posted(
    gym: Place, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    comment, movement = await mention(database, gym.member, gym.coach)
    await outbox.due(comment)
    told = (await receiver.next()).verified()
    whom = {
        "userId": gym.member.user_id,
        "clerkId": None,
        "organizationId": gym.organization_id,
        "membershipId": gym.member.membership_id,
        "badge": 0,
        "organizationBadge": 0,
        "commentId": comment,
    }
    assert told["type"] == "comment.mentioned"
    assert told["data"] == whom | {
        "workoutMovementId": movement,
        "authorMembershipId": gym.coach.membership_id,
        "authorName": gym.coach.name,
    }
    await outbox.settled(comment, "sent")
    await database.execute("select clear_notifications(array[$1::uuid])", UUID(comment))
    cleared = (await receiver.next()).verified()
    assert (cleared["type"], cleared["data"]) == ("comment.deleted", whom)


async def test_with_content_allowed_it_is_there(
    gym: Place, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    await database.execute(
        "insert into organization_settings (organization_id, content_in_notifications) values ($1, true)",
        UUID(gym.organization_id),
    )
    comment, _ = await mention(database, gym.member, gym.coach)
    await outbox.due(comment)
    assert (await receiver.next()).verified()["data"]["content"] == "slower"


@pytest.mark.parametrize(
    "happens",
    [
        "update workout_assignments set published = false where user_id = $2 and $1::uuid is not null",
        "update exercise_comments set deleted_at = now() where id = $1 and $2::uuid is not null",
        "update exercise_comments set body = '' where id = $1 and $2::uuid is not null",
        "delete from exercise_comments where id = $1 and $2::uuid is not null",
        "update memberships set status = 'suspended' where user_id = $2 and $1::uuid is not null",
    ],
)
async def test_what_they_may_not_see_any_more_is_not_told(
    gym: Place, outbox: Outbox, receiver: Receiver, database: Tables, happens: str
) -> None:
    comment, _ = await mention(database, gym.member, gym.coach)
    await database.execute(happens, UUID(comment), UUID(gym.member.user_id))
    await outbox.due(comment)
    assert await outbox.settled(comment, "dropped") == [("mention", "dropped", 0, None)]
    assert receiver.posts == []
