"""What the platform is posted about who is away."""

from dataclasses import replace
from uuid import UUID

import jsonschema_rs
import pytest
from coachwire.notifications.settings import webhook_secrets
from coachwire.settings import Settings
from coachwire_protocol.documents import openapi
from standardwebhooks import WebhookVerificationError

from ..gym import Place, is_wire_time
from ..server.conftest import OpenPhone
from .outbox import Outbox, Tables
from .receiver import OTHER_SECRET, SECRET, Receiver


async def test_a_message_is_posted_signed_without_its_content(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    id_ = await outbox.message(await phone(gym.coach), gym.member, "a word between us")
    post = await receiver.next()
    told = post.verified()
    assert is_wire_time(told.pop("timestamp"))
    assert told == {
        "type": "message.created",
        "data": {
            "userId": gym.member.user_id,
            "clerkId": None,
            "organizationId": gym.organization_id,
            "membershipId": gym.member.membership_id,
            "badge": 1,
            "organizationBadge": 1,
            "messageId": id_,
            "workoutAssignmentId": None,
            "senderMembershipId": gym.coach.membership_id,
            "senderName": gym.coach.name,
        },
    }
    assert b"a word between us" not in post.body
    assert post.headers["content-type"] == "application/json"
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)]
    with pytest.raises(WebhookVerificationError):
        post.verified(OTHER_SECRET)


async def test_with_content_allowed_it_is_there_as_it_is_now(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    await database.execute(
        "insert into organization_settings (organization_id, content_in_notifications) values ($1, true)",
        UUID(gym.organization_id),
    )
    coach = await phone(gym.coach)
    id_ = await outbox.message(coach, gym.member, "first שלום", due=False)
    await coach.ask("message.edit", organizationId=gym.organization_id, id=id_, content="then שלום")
    await outbox.due(id_)
    data = (await receiver.next()).verified()["data"]
    assert (data["content"], data["attachments"]) == ("then שלום", 0)


async def test_the_badge_is_what_unread_frames_say(
    gym: Place, other_gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    await database.execute(
        "update memberships set user_id = $1 where id = $2",
        UUID(gym.member.user_id),
        UUID(other_gym.member.membership_id),
    )
    coach, elsewhere = await phone(gym.coach), await phone(other_gym.coach)
    for _ in range(2):
        await outbox.message(coach, gym.member, due=False)
    await outbox.message(elsewhere, other_gym.member, due=False)
    await outbox.message(coach, gym.member)
    data = (await receiver.next()).verified()["data"]
    welcome = (await phone(gym.member)).welcome
    assert (data["badge"], data["organizationBadge"]) == (4, 3)
    assert welcome["unread"]["total"] == 4


class TestDuringRotation:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        assert settings.webhook is not None
        secrets = webhook_secrets(f"{OTHER_SECRET},{SECRET}")
        return replace(settings, webhook=replace(settings.webhook, secrets=secrets))

    async def test_during_rotation_either_secret_verifies(
        self, gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
    ) -> None:
        await outbox.message(await phone(gym.coach), gym.member)
        post = await receiver.next()
        assert post.verified(SECRET) == post.verified(OTHER_SECRET) == post.told
        assert len(post.headers["webhook-signature"].split(" ")) == 2


async def test_it_waits_ten_seconds(gym: Place, phone: OpenPhone, outbox: Outbox, database: Tables) -> None:
    id_ = await outbox.message(await phone(gym.coach), gym.member, due=False)
    waits = await database.fetchval(
        "select extract(epoch from due_at - made_at)::float8 from outbox where subject_id = $1", UUID(id_)
    )
    assert waits == pytest.approx(10, abs=0.5)
    assert await outbox.rows(id_) == [("message", "waiting", 0, None)]


async def test_in_a_thread_it_names_the_workout(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    assignment = await database.fetchval(
        "select id::text from workout_assignments where user_id = $1 and published limit 1",
        UUID(gym.member.user_id),
    )
    id_ = await outbox.message(await phone(gym.coach), gym.member, thread=assignment)
    data = (await receiver.next()).verified()["data"]
    assert (data["messageId"], data["workoutAssignmentId"]) == (id_, assignment)


@pytest.mark.usefixtures("server")
async def test_an_erased_person_is_told_of_though_they_are_gone(
    gym: Place, outbox: Outbox, receiver: Receiver, database: Tables
) -> None:
    await database.execute("update users set deleted_at = now() where id = $1", UUID(gym.member.user_id))
    await database.execute(
        "insert into outbox (kind, user_id, subject_id, due_at) values ('person.erased', $1, $1, now())",
        UUID(gym.member.user_id),
    )
    told = (await receiver.next()).verified()
    assert (told["type"], told["data"]) == ("person.erased", {"userId": gym.member.user_id})


async def test_what_is_posted_is_what_the_document_says(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver
) -> None:
    document = openapi()
    coach, member = await phone(gym.coach), await phone(gym.member, state="background")
    id_ = await outbox.message(coach, gym.member)
    await outbox.settled(id_, "sent")
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[id_])
    for type_ in ("message.created", "message.read"):
        post = await receiver.next()
        said = document["webhooks"][type_]["post"]
        schema = said["requestBody"]["content"]["application/json"]["schema"]
        jsonschema_rs.validator_for(schema | {"components": document["components"]}).validate(post.told)
        assert {one["name"] for one in said["parameters"]} <= post.headers.keys()
