"""Nothing that people say, and nothing that opens a door, is in the log of a run."""

import asyncio
import json
from contextlib import suppress

from aiohttp import ClientSession

from .gym import message_to, open_gym
from .instances import instances
from .phone import Phone, SocketClosed

BODY = "canary-body-9c1f"
NAME = "canary-name-9c1f"
SECRET_LOOKING = "canary-token-9c1f"  # in a place where tokens stand


async def test_two_servers_at_their_most_talkative_log_no_body_token_or_name(
    database_url: str, redis_url: str
) -> None:
    gym = await open_gym(database_url, NAME)
    bearer = {"Authorization": f"Bearer {gym.coach.token}"}
    base = f"/v1/organizations/{gym.organization_id}"
    signatures: list[str] = []
    async with (
        instances(2, database_url, redis_url, COACHWIRE_LOG_LEVEL="debug") as servers,
        ClientSession() as http,
    ):
        first, second = servers
        async with (
            Phone(http, first.url, gym.coach.token) as coach,
            Phone(http, second.url, gym.member.token) as member,
        ):
            sent = message_to(gym.member, BODY)
            assert (await coach.ask("message.send", **sent))["type"] == "ok"
            await member.reach(1)
            await member.ask("message.read", organizationId=gym.organization_id, messageIds=[sent["id"]])
            await coach.ask("message.send", **message_to(gym.member, BODY * 1000))  # too large
            await coach.ask("message.send", **message_to(gym.member, None))
            await coach.ask(BODY, content=BODY)
            await coach.say(json.dumps({"type": "message.send", "content": BODY})[:-1])
            with suppress(SocketClosed):
                await coach.say({"type": "hello", "token": SECRET_LOOKING, "device": sent["id"]})
                await coach.close_code()
        stranger = Phone(http, first.url, SECRET_LOOKING)
        await stranger.open()
        await stranger.say({"type": "hello", "token": SECRET_LOOKING, "device": stranger.device})
        assert await stranger.close_code() == 4500
        for server in servers:
            for path in (
                f"/v1/sync?token={SECRET_LOOKING}",
                f"{base}/conversations?q={BODY}",
                f"{base}/messages/{BODY}",
                f"/{NAME}",
                f"{base}/messages/search?q={BODY}",
                f"{base}/workouts/{sent['id']}/movements/{BODY}/comments",
                f"/v1/blobs/messages/{NAME}.jpg?expires=99999999999&signature={SECRET_LOOKING}",
            ):
                async with http.get(server.url + path, headers=bearer) as answer:
                    await answer.read()
            async with http.post(
                f"{server.url}{base}/messages",
                headers=bearer,
                json={**message_to(gym.member, BODY), "id": BODY},
            ) as answer:
                assert answer.status == 400
            for path, asked in (
                ("messages/upload-url", {"fileName": NAME, "fileSize": 9, "mimeType": "image/png"}),
                (f"workouts/{sent['id']}/movements/{sent['id']}/comments", {"body": BODY}),
                ("metric-sets", {"name": NAME, "owner": {"organizationId": gym.organization_id}}),
            ):
                async with http.post(f"{server.url}{base}/{path}", headers=bearer, json=asked) as answer:
                    link = (await answer.json()).get("data", {})
                    if "uploadUrl" in link:  # not what was signed: refused, and a line of the log
                        async with http.put(link["uploadUrl"], data=b"x", headers=link["headers"]) as put:
                            assert put.status == 403
                        signatures.append(link["uploadUrl"].partition("signature=")[2])
            async with http.get(
                f"{server.url}/v1/sync", headers={"Authorization": f"Bearer {SECRET_LOOKING}"}
            ) as answer:
                assert answer.status == 401
            reader, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
            writer.write(f"GET /{BODY} HTTP/1.1\r\nHo st: {SECRET_LOOKING}\r\n\r\n".encode())
            await reader.read()
            writer.close()
            server.terminate()
        assert [await server.exit_code() for server in servers] == [0, 0]
        logs = [server.log.read_text() for server in servers]
        lines = [server.lines() for server in servers]

    assert len(signatures) == 2
    for canary in (
        *signatures,
        BODY,
        NAME,
        SECRET_LOOKING,
        gym.coach.token,
        gym.member.token,
        gym.coach.name,
    ):
        assert not any(canary in log for log in logs)
    opened = next(line for line in lines[0] if line["event"] == "socket_opened")
    assert opened["user_id"] == gym.coach.user_id
    assert opened["organization_ids"] == [gym.organization_id]
    closed = [(line["code"], line["reason"]) for line in lines[0] if line["event"] == "socket_closed"]
    assert (4500, "bad token") in closed
    told = [line for line in lines[1] if line["event"] == "request"]
    assert {line["user_id"] for line in told} >= {gym.coach.user_id, None}
    assert all(json.dumps(line) for line in told)
