"""What a browser shows of a push. What a push service would bring it is handed to it here."""

import json

from .conftest import OpenWindow
from .window import expect

PUSHED = {
    "type": "message.created",
    "timestamp": "2026-11-24T14:25:59.120000Z",
    "data": {"senderName": "Noa Mizrahi", "messageId": "0192f0c4-7a3b-7c11-9d5e-000000000001"},
}
REGISTER = """async () => {
    await navigator.serviceWorker.register("/worker.js");
    await navigator.serviceWorker.ready;
}"""
SHOWN = """async () => {
    const worker = await navigator.serviceWorker.ready;
    for (;;) {
        const shown = await worker.getNotifications();
        if (shown.length) return shown.map(({title, body, tag}) => [title, body, tag]);
        await new Promise(requestAnimationFrame);
    }
}"""


async def test_a_push_is_shown_by_its_sender_and_says_no_more_than_it_was_told(window: OpenWindow) -> None:
    member = await window("member2", permissions=["notifications"])
    session = await member.page.context.new_cdp_session(member.page)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(one["registrationId"] for one in event["registrations"]),
    )
    await session.send("ServiceWorker.enable")
    await member.page.evaluate(REGISTER)
    pushed = {"origin": member.page.url.partition("/#")[0], "registrationId": registrations[-1]}
    await session.send("ServiceWorker.deliverPushMessage", {**pushed, "data": json.dumps(PUSHED)})
    assert await member.page.evaluate(SHOWN) == [
        ["Noa Mizrahi", "A new message", "0192f0c4-7a3b-7c11-9d5e-000000000001"]
    ]


async def test_without_a_key_on_the_server_there_is_no_bell(window: OpenWindow) -> None:
    member = await window("member2")
    await expect(member.page.locator(".notify")).to_be_hidden()
