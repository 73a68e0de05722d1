"""What there is to see, over REST and in the tables, held against what was expected."""

from .device import Device
from .expected import PEOPLE
from .talk import Talk


async def look(talk: Talk, device: Device) -> None:
    """Over REST: history, conversations, badge, sync."""
    person, expected = device.person, talk.expected
    state = (await device.rest.get("/v1/sync")).data
    assert (state["epoch"], state["position"]) == (device.epoch, expected.head(person))
    if not expected.active[person]:
        assert (state["memberships"], state["organizations"]) == ([], [])
        for path in ("badge", "conversations", f"conversations/{device.partner}"):
            assert (await device.rest.get(path)).code == "forbidden"
        return
    history, unread = expected.history(), len(expected.unread(person))
    items = await device.history()
    assert [item["id"] for item in items] == [message.id for message in history]
    for item, message in zip(items, history, strict=True):
        assert (item["content"], item["readAt"], item["editedAt"]) == message.shown
        assert item["createdAt"] == message.created_at
        assert item["senderMembershipId"] == talk.who[message.sender].membership_id
        due = expected.delivered(message) if message.sender == person else None
        assert item.get("delivered") is due
    assert (await device.rest.get("badge")).data == {"count": unread}
    conversations = (await device.rest.get("conversations")).data
    assert len(conversations["items"]) == bool(expected.said)
    for one in conversations["items"]:
        assert (one["membershipId"], one["unreadCount"]) == (device.partner, unread)
        assert one["lastMessage"] == (items[0] if items else None)
    (organization,) = state["organizations"]
    assert (organization["unread"], organization["conversations"]) == (unread, conversations)


async def tables_agree(talk: Talk) -> None:
    """Once each, as answered; and each device equals what is stored."""
    rows = await talk.world.tables.fetch(
        "select id::text, sender_id::text, content, created_at, read_at, edited_at, deleted_at from messages"
        " where organization_id = $1",
        talk.who["coach"].organization_id,
    )
    assert {row["id"] for row in rows} == set(talk.expected.said)
    for row in rows:
        message = talk.expected.said[row["id"]]
        assert row["sender_id"] == talk.who[message.sender].user_id
        assert row["content"] == message.content
        for name in ("created_at", "read_at", "edited_at", "deleted_at"):
            at = getattr(message, name)
            stored = row[name] and row[name].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            assert stored == at, name
    for person in PEOPLE:
        positions = await talk.world.tables.fetch(
            "select position from stream_events where user_id = $1 order by position",
            talk.who[person].user_id,
        )
        assert [row["position"] for row in positions] == list(range(1, talk.expected.head(person) + 1))
