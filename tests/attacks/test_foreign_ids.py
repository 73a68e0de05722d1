"""What one may not see is answered as what does not exist, word for word, by either door: ids of another organization,
and of two other people in one's own."""

from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, Someone, message_to
from ..phone import Frame, Phone
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables, assign, attach, set_status
from ..server.uploading import request_upload

Asked = tuple[str, dict[str, Any]]
Called = tuple[str, str, Any]


@dataclass(frozen=True)
class Ids:
    """What a request may name that is not the caller's."""

    membership: str
    message: str
    assignment: str
    workout: str
    exercise: str
    comment: str
    upload: str
    attachment: str
    metric_set: str


def requests(ids: Ids, partner: Someone) -> list[Asked]:
    """Everything on the socket that names an id which may be somebody else's."""
    thread = {"workoutAssignmentId": ids.assignment}
    stranger = {"membershipId": ids.membership}
    with_partner = {"membershipId": partner.membership_id}
    attaching = [
        ("message.send", {"id": str(uuid4()), "to": with_partner, "attachmentIds": [file]})
        for file in (ids.message, ids.upload, ids.attachment)
    ]
    return [
        ("message.send", {"id": str(uuid4()), "to": stranger, "content": "hello"}),
        ("message.send", {"id": str(uuid4()), "to": thread, "content": "hello"}),
        *attaching,
        ("message.read", {"messageIds": [ids.message]}),
        ("message.read", {"conversation": stranger}),
        ("message.read", {"conversation": thread}),
        ("message.read", {"conversation": with_partner, "upTo": ids.message}),
        ("message.edit", {"id": ids.message, "content": "mine"}),
        ("message.delete", {"id": ids.message}),
        ("comment.create", {"id": str(uuid4()), "workoutMovementId": ids.exercise, "body": "hello"}),
        ("comment.edit", {"id": ids.comment, "body": "mine"}),
        ("comment.delete", {"id": ids.comment}),
        ("typing", {"to": stranger, "active": True}),
        ("typing", {"to": thread, "active": True}),
    ]


def topics(ids: Ids) -> list[Asked]:
    """What can be watched. A topic names no organization: it is never `forbidden`."""
    names = (f"thread:{ids.assignment}", f"exercise:{ids.exercise}", f"metrics:{ids.membership}")
    return [("topic.open", {"topic": name}) for name in names]


def calls(ids: Ids, partner: Someone) -> list[Called]:
    """The same over REST."""
    with_partner = f"conversations/{partner.membership_id}"
    value = {"id": str(uuid4()), "definitionId": ids.message, "value": "100", "unit": "kg"}
    thread = f"workout-assignments/{ids.assignment}"
    comments = f"workouts/{ids.workout}/movements/{ids.exercise}/comments"
    metric_set = f"metric-sets/{ids.metric_set}"
    return [
        ("POST", "messages", {"to": {"membershipId": ids.membership}, "content": "hello"}),
        ("POST", "messages", {"to": {"workoutAssignmentId": ids.assignment}, "content": "hello"}),
        *(
            ("POST", "messages", {"to": {"membershipId": partner.membership_id}, "attachmentIds": [file]})
            for file in (ids.upload, ids.attachment)
        ),
        ("GET", f"messages/{ids.message}", None),
        ("PATCH", f"messages/{ids.message}", {"content": "mine"}),
        ("DELETE", f"messages/{ids.message}", None),
        ("PUT", f"messages/{ids.message}/read", None),
        ("GET", f"conversations/{ids.membership}", None),
        ("GET", f"conversations/{ids.membership}?around=firstUnread", None),
        ("PUT", f"conversations/{ids.membership}/read", None),
        ("GET", f"{with_partner}?around={ids.message}", None),
        ("PUT", f"{with_partner}/read", {"upTo": ids.message}),
        ("GET", f"workouts/{ids.workout}", None),
        ("GET", f"{thread}/comments", None),
        ("GET", f"{thread}/comments?around={ids.message}", None),
        ("POST", f"{thread}/comments", {"content": "hello"}),
        ("PUT", f"{thread}/read", None),
        ("GET", f"{thread}/prescription", None),
        ("GET", comments, None),
        ("POST", comments, {"body": "hello"}),
        ("PATCH", f"{comments}/{ids.comment}", {"body": "mine"}),
        ("DELETE", f"{comments}/{ids.comment}", None),
        ("POST", f"uploads/{ids.upload}/complete", None),
        ("GET", f"uploads/{ids.upload}", None),
        ("GET", f"attachments/{ids.attachment}/url", None),
        ("GET", f"members/{ids.membership}/metrics", None),
        ("POST", f"members/{ids.membership}/metrics", value),
        ("GET", f"metric-sets?memberId={ids.membership}", None),
        ("GET", f"metric-sets?workoutId={ids.workout}", None),
        *(
            ("POST", "metric-sets", {"name": "x", "owner": owner, "definitions": [ids.message]})
            for owner in ({"membershipId": ids.membership}, {"workoutId": ids.workout})
        ),
        ("GET", metric_set, None),
        ("PATCH", metric_set, {"name": "mine"}),
        ("DELETE", metric_set, None),
        ("GET", f"{metric_set}/resolve?memberId={partner.membership_id}", None),
        ("GET", f"{metric_set}/resolve?memberId={ids.membership}", None),
    ]


async def answers(phone: Phone, organization_id: str, asked: list[Asked]) -> list[Frame]:
    """The errors, in order. A phone of its own for each time: typing again at once is dropped, whoever it is to."""
    return [(await phone.ask(kind, organizationId=organization_id, **f))["error"] for kind, f in asked]


async def problems(caller: Caller, called: list[Called]) -> list[dict[str, Any]]:
    found = [(await caller.call(method, path, body)).body for method, path, body in called]
    for problem in found:
        del problem["requestId"]
    return found


TABLES = (
    "stream_events", "conversations", "topic_events", "exercise_comments", "comment_ledger", "thread_marks",
    "uploads", "message_attachments", "metric_sets", "member_metrics", "metric_origins", "metric_grants", "audit",
    "jobs", "outbox",
)  # fmt: skip


async def traces(database: Tables) -> list[Any]:
    """All that an attempt could have left."""
    return [
        await database.fetch("select * from messages order by id"),
        await database.fetch(
            "select user_id, position from user_streams where position > 0 order by user_id"
        ),
        await database.fetch("select id, body, deleted_at from exercise_comments order by id"),
        await database.fetch("select id, state, message_id from uploads order by id"),
        await database.fetch("select id, name from metric_sets order by id"),
        *[await database.fetchval(f"select count(*) from {table}") for table in TABLES],  # noqa: S608 - names from above
    ]


@pytest.fixture
def nowhere() -> Ids:
    """What nobody has."""
    return Ids(**{field.name: str(uuid4()) for field in fields(Ids)})


async def written(http: ClientSession, sender: Someone, recipient: Someone) -> str:
    """A message between these two."""
    answer = await Caller(http, sender).post("messages", message_to(recipient))
    return str(answer.data["id"])


async def belongings(
    http: ClientSession, database: Tables, coach: Someone, member: Someone, *, published: bool = True
) -> Ids:
    """A member's workout, and all that hangs on it: what its coach says to them there, with a file, and on its
    exercise; a file that the coach is about to send; and what the workout asks for."""
    assignment = await assign(database, member, coach, published=published)
    ((workout, exercise),) = await database.fetch(
        "insert into workout_movements (workout_id, name)"
        " select workout_id, 'Squat' from workout_assignments where id = $1 returning workout_id::text, id::text",
        assignment,
    )
    caller = Caller(http, coach)
    said = await caller.post(f"workout-assignments/{assignment}/comments", {"content": "slowly, please"})
    (attachment,) = await attach(database, said.data["id"], "one.jpg")
    comment = await caller.post(f"workouts/{workout}/movements/{exercise}/comments", {"body": "knees out"})
    link = await request_upload(http, coach, 100)
    definition = await database.fetchval("select id::text from metric_definitions order by slug limit 1")
    told = {"name": "Strength", "owner": {"workoutId": workout}, "definitions": [definition]}
    made = await caller.post("metric-sets", told)
    return Ids(
        membership=member.membership_id,
        message=said.data["id"],
        assignment=assignment,
        workout=workout,
        exercise=exercise,
        comment=comment.data["id"],
        upload=link["uploadId"],
        attachment=attachment,
        metric_set=made.data["id"],
    )


@pytest.fixture
async def elsewhere(http: ClientSession, other_gym: Place, database: Tables) -> Ids:
    """What another organization has of each."""
    return await belongings(http, database, other_gym.coach, other_gym.member)


async def test_what_another_organization_has_is_answered_as_what_nobody_has(
    gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, nowhere: Ids, database: Tables
) -> None:
    before = await traces(database)
    for who, partner in ((gym.coach, gym.member), (gym.member, gym.coach), (gym.owner, gym.coach)):
        caller = Caller(http, who)
        there, nobodys = await phone(who), await phone(who)
        error = await answers(there, gym.organization_id, requests(elsewhere, partner) + topics(elsewhere))
        assert error == await answers(
            nobodys, gym.organization_id, requests(nowhere, partner) + topics(nowhere)
        )
        assert {one["code"] for one in error} == {"not_found"}
        problem = await problems(caller, calls(elsewhere, partner))
        assert problem == await problems(caller, calls(nowhere, partner))
        assert {one["code"] for one in problem} == {"not_found"}
    assert await traces(database) == before


async def test_an_organization_of_others_is_answered_as_one_that_nobody_has(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, database: Tables
) -> None:
    before = await traces(database)
    asked = requests(elsewhere, other_gym.coach)
    there = await answers(await phone(gym.coach), other_gym.organization_id, asked)
    assert there == await answers(await phone(gym.coach), str(uuid4()), asked)
    assert {error["code"] for error in there} == {"forbidden"}
    lists: list[Called] = [
        ("GET", "conversations", None), ("GET", "badge", None), ("GET", "members", None),
        ("GET", "settings", None), ("PATCH", "settings", {"editWindow": 1}), ("GET", "audit", None),
        ("GET", "messages/search?q=slowly", None), ("GET", "workout-threads", None),
        ("GET", "workout-assignments", None), ("GET", "metric-sets", None),
        ("POST", f"members/{elsewhere.membership}/erasure", {}),
        ("POST", "messages/upload-url", {"fileName": "a.jpg", "fileSize": 100, "mimeType": "image/jpeg"}),
    ]  # fmt: skip
    every = [*calls(elsewhere, other_gym.coach), *lists]
    found = []
    for organization_id in (other_gym.organization_id, str(uuid4())):
        base = f"/v1/organizations/{organization_id}/"
        found.append(await problems(Caller(http, gym.coach), [(m, base + path, b) for m, path, b in every]))
        sync: Called = ("GET", f"/v1/sync?organizationId={organization_id}", None)
        found[-1] += await problems(Caller(http, gym.coach), [sync])
    assert found[0] == found[1]
    assert {problem["code"] for problem in found[0]} == {"forbidden"}
    assert await traces(database) == before


async def test_what_two_others_say_in_ones_own_gym_is_answered_as_what_nobody_said(
    gym: Place, phone: OpenPhone, http: ClientSession, nowhere: Ids, database: Tables
) -> None:
    members = await belongings(http, database, gym.coach, gym.member)
    message = await written(http, gym.coach, gym.member)
    (attachment,) = await attach(database, message, "one.jpg")
    to_staff = replace(nowhere, message=message, attachment=attachment, upload=members.upload)
    to_members = replace(members, membership=nowhere.membership)
    before = await traces(database)
    for who, partner, others in (
        (gym.member2, gym.coach, to_staff),
        (gym.member2, gym.coach, to_members),
        (gym.coach2, gym.member, to_staff),
    ):
        caller = Caller(http, who)
        there, nobodys = await phone(who), await phone(who)
        error = await answers(there, gym.organization_id, requests(others, partner) + topics(others))
        assert error == await answers(
            nobodys, gym.organization_id, requests(nowhere, partner) + topics(nowhere)
        )
        assert await problems(caller, calls(others, partner)) == await problems(
            caller, calls(nowhere, partner)
        )
    another = await answers(await phone(gym.member2), gym.organization_id, topics(members))
    assert {error["code"] for error in another} == {"not_found"}
    assert await traces(database) == before


async def test_all_of_a_draft_is_answered_to_its_member_as_what_nobody_has(
    gym: Place, phone: OpenPhone, http: ClientSession, nowhere: Ids, database: Tables
) -> None:
    draft = replace(
        await belongings(http, database, gym.coach, gym.member, published=False),
        membership=nowhere.membership,
    )
    before = await traces(database)
    caller, partner = Caller(http, gym.member), gym.coach
    there, nobodys = await phone(gym.member), await phone(gym.member)
    error = await answers(there, gym.organization_id, requests(draft, partner) + topics(draft))
    assert error == await answers(nobodys, gym.organization_id, requests(nowhere, partner) + topics(nowhere))
    assert await problems(caller, calls(draft, partner)) == await problems(caller, calls(nowhere, partner))
    for path in ("messages/search?q=slowly", "workout-threads", "metric-sets", "conversations"):
        assert (await caller.get(path)).data["items"] == [], path
    listed = (await caller.get("workout-assignments")).data["items"]
    assert draft.assignment not in [item["workoutAssignmentId"] for item in listed]
    assert (await caller.get("badge")).data == {"count": 0}
    assert await traces(database) == before


async def test_whose_membership_has_ended_is_forbidden_all_that_was_theirs(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    """On the socket that is still open, and to the last id that they know."""
    coachs = await belongings(http, database, gym.coach, gym.member)
    members = replace(coachs, upload=(await request_upload(http, gym.member, 100))["uploadId"])
    for who, partner, ids in ((gym.coach, gym.member2, coachs), (gym.member, gym.coach2, members)):
        device = await phone(who)
        before = await traces(database)
        await set_status(database, who, "suspended")
        caller = Caller(http, who)
        error = await answers(device, gym.organization_id, requests(ids, partner))
        assert {one["code"] for one in error} == {"forbidden"}
        assert {one["code"] for one in await answers(device, gym.organization_id, topics(ids))} == {
            "not_found"
        }
        lists: list[Called] = [
            ("GET", "messages/search?q=slowly", None), ("GET", "workout-threads", None), ("GET", "metric-sets", None),
            ("GET", "workout-assignments", None), ("GET", "audit", None),
            ("POST", f"members/{ids.membership}/erasure", {}),
        ]  # fmt: skip
        assert {one["code"] for one in await problems(caller, calls(ids, partner) + lists)} == {"forbidden"}
        assert await traces(database) == before


async def test_only_owners_erase_and_only_owners_and_admins_read_the_record(
    gym: Place, other_gym: Place, http: ClientSession, database: Tables
) -> None:
    before = await traces(database)
    for membership in (gym.member2.membership_id, other_gym.member.membership_id, str(uuid4())):
        erase: list[Called] = [("POST", f"members/{membership}/erasure", {})]
        for who in (gym.admin, gym.coach, gym.member):
            assert [one["code"] for one in await problems(Caller(http, who), erase)] == ["forbidden"]
    for who in (gym.coach, gym.member):
        assert (await Caller(http, who).get("audit")).code == "forbidden"
    assert await traces(database) == before


async def test_one_foreign_id_among_ones_own_marks_nothing(
    gym: Place, phone: OpenPhone, http: ClientSession, elsewhere: Ids, database: Tables
) -> None:
    own = await written(http, gym.coach, gym.member)
    member = await phone(gym.member)
    before = await traces(database)
    for ids in ([own, elsewhere.message], [elsewhere.message, own]):
        answer = await member.ask("message.read", organizationId=gym.organization_id, messageIds=ids)
        assert answer["error"]["code"] == "not_found"
    assert await traces(database) == before


async def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    for recipient in (other_gym.member, other_gym.member2):
        for _ in range(2):
            await written(http, other_gym.coach, recipient)
    own = await written(http, gym.coach, gym.member)
    theirs, mine = Caller(http, other_gym.coach), Caller(http, gym.coach)
    for path, place in (
        ("conversations", "conversations"),
        ("members", "members"),
        (f"conversations/{other_gym.member.membership_id}", f"conversations/{gym.member.membership_id}"),
    ):
        cursor = (await theirs.get(path, limit=1)).data["nextCursor"]
        assert cursor is not None
        items = (await mine.get(place, cursor=cursor)).data["items"]
        known = {own} | {one.membership_id for one in gym.people.values()}
        assert all(item.get("id", item.get("membershipId")) in known for item in items), path


async def test_the_stream_of_somebody_else_cannot_be_asked_for(
    gym: Place, other_gym: Place, http: ClientSession, phone: OpenPhone
) -> None:
    """A stream is named by the token alone: another's position is no more than a wrong one of one's own."""
    await written(http, other_gym.coach, other_gym.member)
    theirs = await phone(other_gym.member)
    answer = await Caller(http, gym.member).get("/v1/events", epoch=theirs.epoch, position=0)
    assert answer.data == {"resume": "resumed", "epoch": theirs.epoch, "position": 0, "events": []}
    answer = await Caller(http, gym.member).get("/v1/events", epoch=theirs.epoch, position=theirs.position)
    assert (answer.data["resume"], answer.data["reason"]) == ("reset", "ahead")
    mine = await phone(gym.member, resume={"epoch": theirs.epoch, "position": theirs.position})
    assert (mine.welcome["resume"], mine.welcome["reason"]) == ("reset", "ahead")


async def test_the_device_of_somebody_else_cannot_be_touched(
    gym: Place, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    theirs = await phone(gym.member)
    caller = Caller(http, gym.coach)
    for device in (theirs.device, str(uuid4())):
        assert (await caller.put(f"/v1/me/devices/{device}/ack", {"position": 0})).code == "not_found"
    assert (await caller.delete(f"/v1/me/devices/{theirs.device}")).status == 200
    assert await theirs.drained() == []
    again = await phone(gym.member, device=theirs.device)
    assert again.welcome["userId"] == gym.member.user_id
    assert (
        await database.fetchval(
            "select signed_out_at from devices where user_id = $1 and device_id = $2",
            UUID(gym.member.user_id),
            UUID(theirs.device),
        )
        is None
    )


async def test_devices_that_sign_out_take_no_more_room_than_others(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    await database.execute(
        "insert into devices (user_id, device_id, seen_at)"
        " select $1, gen_random_uuid(), now() - n * interval '1 day' from generate_series(1, 49) n",
        UUID(gym.member.user_id),
    )
    caller, last = Caller(http, gym.member), ""
    for _ in range(3):
        last = str(uuid4())
        assert (await caller.delete(f"/v1/me/devices/{last}")).status == 200
    kept = await database.fetch(
        "select device_id::text from devices where user_id = $1", UUID(gym.member.user_id)
    )
    assert len(kept) == 50
    assert last in [device for (device,) in kept]


async def test_a_watch_of_strangers_shows_nobody(
    gym: Place, other_gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    watcher = await phone(gym.coach)
    ids = [other_gym.coach.membership_id, str(uuid4())]
    answer = await watcher.ask("presence.watch", organizationId=gym.organization_id, membershipIds=ids)
    assert answer["data"] == {"online": []}
    await phone(other_gym.coach)
    online = [m["online"] for m in (await Caller(http, gym.coach).get("members")).data["items"]]
    assert online.count(True) == 1
    answer = await watcher.ask("presence.watch", organizationId=gym.organization_id, membershipIds=ids)
    assert answer["data"] == {"online": []}
    refused = await watcher.ask("presence.watch", organizationId=other_gym.organization_id, membershipIds=ids)
    assert refused["error"]["code"] == "forbidden"
