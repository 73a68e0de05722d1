"""JSON that no client writes: refused, or taken as it reads, by either door, soon and without a trace."""

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, message_to
from ..server.caller import Caller
from ..server.conftest import OpenPhone
from ..server.platform import Tables, stored
from .conftest import OpenLine
from .line import TEXT, Ended, frame

BODIES = {
    "deep arrays": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a whole number of 900,000 digits": b'{"x":' + b"9" * 900_000 + b"}",
    "a fraction of 900,000 digits": b'{"x":0.' + b"0" * 900_000 + b"1}",
    "beyond what a double holds": b'{"x":1e999999}',
    "NaN": b'{"x":NaN}',
    "Infinity": b'{"x":-Infinity}',
    "no UTF-8": b'{"content":"\xff"}',
    "UTF-16": '{"content":"hello"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half a pair as a key": b'{"\\ud800":1}',
    "NUL in what is ignored": b'{"ignored":[{"deep":"\\u0000"}]}',
    "40,000 bad fields": b"{" + b",".join(b'"k%d":"\\u0000"' % i for i in range(40_000)) + b"}",
    "300,000 arrays": b"[" + b"[]," * 300_000 + b"[]]",
    "two of them": b"{}{}",
    "a comment": b'{"a":1/**/}',
    "a trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "compressed, as it says": gzip.compress(b"{}"),
}
FRAMES = {name: body[:65_000] for name, body in BODIES.items()}
BAD_TEXTS = ("\0", "hello\0", "\ud800", "\udfff hello", "hel\ud83dlo")
NUL, HALF = '"\\u0000"', '"\\ud800"'


async def test_a_body_that_is_not_as_it_should_be_is_a_bad_request(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    path = f"/v1/organizations/{gym.organization_id}/messages"
    headers = {"Authorization": f"Bearer {gym.coach.token}"}
    for name, body in BODIES.items():
        async with http.post(path, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "bad_request"), name
    assert await stored(database) == 0


async def test_a_body_that_is_not_compressed_as_it_says_is_a_bad_request(
    gym: Place, http: ClientSession
) -> None:
    path = f"/v1/organizations/{gym.organization_id}/messages"
    headers = {"Authorization": f"Bearer {gym.coach.token}", "Content-Encoding": "gzip"}
    async with http.post(path, data=b"no gzip", headers=headers) as answer:
        assert answer.status == 400


async def test_a_body_that_unpacks_to_too_much_is_too_large(gym: Place, http: ClientSession) -> None:
    path = f"/v1/organizations/{gym.organization_id}/messages"
    headers = {"Authorization": f"Bearer {gym.coach.token}", "Content-Encoding": "gzip"}
    async with http.post(path, data=gzip.compress(b" " * 20_000_000), headers=headers) as answer:
        assert answer.status == 413


async def test_a_frame_that_is_not_as_it_should_be_costs_at_most_its_connection(
    gym: Place, line: OpenLine, database: Tables
) -> None:
    bystander = await line()
    await bystander.live(gym.member.token)
    codes = set()
    for name, content in FRAMES.items():
        one = await line()
        await one.live(gym.coach.token)
        await one.say(frame(TEXT, content) + frame(TEXT, b'{"type":"ping","ref":"after"}'))
        try:
            came = [json.loads(await one.text()) for _ in range(2)]
            assert (came[0]["error"]["code"], came[1]["type"]) == ("bad_request", "pong"), name
        except Ended as ended:
            codes.add(ended.code)
        one.cut()
    assert codes == {4501}
    await bystander.say(frame(TEXT, b'{"type":"ping","ref":1}'))
    assert await bystander.text() == '{"type":"pong","ref":1}'
    assert await stored(database) == 0


async def test_of_a_key_that_comes_twice_the_last_counts_at_both_doors(
    gym: Place, phone: OpenPhone, http: ClientSession
) -> None:
    """A proxy that reads the first would see another message than the one that is sent: so both doors agree."""
    id_ = str(uuid4())
    fields = json.dumps(message_to(gym.member, "second", id=id_))[1:]
    coach = await phone(gym.coach)
    await coach.say('{"type":"message.send","ref":1,"content":"first",' + fields)
    assert (await coach.answer(1))["type"] == "ok"
    answer = await Caller(http, gym.coach).get(f"messages/{id_}")
    assert answer.data["content"] == "second"
    path = f"/v1/organizations/{gym.organization_id}/messages"
    headers = {"Authorization": f"Bearer {gym.coach.token}"}
    async with http.post(path, data='{"content":"first",' + fields, headers=headers) as again:
        assert again.status == 200, "the same id and the same payload"


def texts_of(gym: Place) -> list[tuple[str, dict[str, Any]]]:
    """Every request with a text of the client's choice in it, marked."""
    org = gym.organization_id
    to = {"membershipId": gym.member.membership_id}
    id_ = str(uuid4())
    return [
        ("message.send", {"organizationId": org, "id": id_, "to": to, "content": "MARK"}),
        ("message.send", {"organizationId": org, "id": "MARK", "to": to, "content": "hello"}),
        ("message.send", {"organizationId": org, "id": id_, "to": {"membershipId": "MARK"}, "content": "x"}),
        ("message.send", {"organizationId": org, "id": id_, "to": to, "content": "x", "attachmentIds": ["MARK"]}),
        ("message.send", {"organizationId": "MARK", "id": id_, "to": to, "content": "x"}),
        ("message.edit", {"organizationId": org, "id": id_, "content": "MARK"}),
        ("message.delete", {"organizationId": org, "id": "MARK"}),
        ("message.read", {"organizationId": org, "messageIds": ["MARK"]}),
        ("message.read", {"organizationId": org, "conversation": to, "upTo": "MARK"}),
        ("typing", {"organizationId": org, "to": {"workoutAssignmentId": "MARK"}, "active": True}),
        ("presence.watch", {"organizationId": org, "membershipIds": ["MARK"]}),
        ("comment.create", {"organizationId": org, "id": id_, "workoutMovementId": id_, "body": "MARK"}),
        ("comment.edit", {"organizationId": org, "id": id_, "body": "MARK"}),
        ("comment.delete", {"organizationId": org, "id": "MARK"}),
        ("topic.open", {"topic": "MARK"}),
        ("topic.open", {"topic": f"thread:{id_}MARK"}),
        ("state", {"state": "MARK"}),
        ("ping", {"ignored": "MARK"}),
        ("MARK", {}),
    ]  # fmt: skip


@pytest.mark.parametrize("text", BAD_TEXTS, ids=ascii)
async def test_no_text_with_nul_or_half_a_pair_passes_the_socket(
    gym: Place, phone: OpenPhone, database: Tables, text: str
) -> None:
    coach = await phone(gym.coach)
    escaped = json.dumps(text)[1:-1]
    for kind, fields in texts_of(gym):
        asked = json.dumps({"type": kind, "ref": "r", **fields}).replace("MARK", escaped)
        await coach.say(asked)
        assert (await coach.answer("r"))["error"]["code"] == "bad_request", asked
    await coach.say('{"type":"ping","ref":"' + escaped + '"}')
    assert (await coach.answer(None))["error"]["code"] == "bad_request"
    assert await stored(database) == 0


async def test_no_text_with_nul_or_half_a_pair_passes_rest(
    gym: Place, http: ClientSession, database: Tables
) -> None:
    org = f"/v1/organizations/{gym.organization_id}"
    headers = {"Authorization": f"Bearer {gym.owner.token}"}
    device = f"/v1/me/devices/{uuid4()}"
    to = f'{{"to":{{"membershipId":"{gym.member.membership_id}"}}'
    values = f"{org}/members/{gym.member.membership_id}/metrics"
    value = f'{{"id":"{uuid4()}","definitionId":"{uuid4()}","value":"1",'
    bodies = [
        ("POST", f"{org}/messages", to + ',"content":MARK}'),
        ("POST", f"{org}/messages", to + ',"content":"x","id":MARK}'),
        ("PATCH", f"{org}/messages/{uuid4()}", '{"content":MARK}'),
        ("PUT", f"{org}/conversations/{gym.member.membership_id}/read", '{"upTo":MARK}'),
        ("PATCH", f"{org}/settings", '{"editWindow":MARK}'),
        ("PUT", device, '{"platform":MARK,"language":"he"}'),
        ("PUT", device, '{"platform":"web","language":MARK}'),
        ("PUT", f"{device}/ack", '{"position":MARK}'),
        ("POST", f"{org}/workouts/{uuid4()}/movements/{uuid4()}/comments", '{"body":MARK}'),
        ("PATCH", f"{org}/workouts/{uuid4()}/movements/{uuid4()}/comments/{uuid4()}", '{"body":MARK}'),
        ("POST", f"{org}/messages/upload-url", '{"fileName":MARK,"fileSize":1,"mimeType":"image/png"}'),
        ("POST", f"{org}/messages/upload-url", '{"fileName":"a","fileSize":1,"mimeType":MARK}'),
        (
            "POST",
            f"{org}/metric-sets",
            f'{{"name":MARK,"owner":{{"organizationId":"{gym.organization_id}"}}}}',
        ),
        ("POST", f"{org}/metric-sets", '{"name":"x","owner":MARK,"definitions":[MARK]}'),
        ("PATCH", f"{org}/metric-sets/{uuid4()}", '{"name":MARK}'),
        ("POST", values, value + '"unit":MARK}'),
        ("POST", values, value + '"unit":"kg","source":MARK}'),
        ("POST", values, value + '"unit":"kg","recordedAt":MARK}'),
        ("PUT", "/v1/me/metric-grants", f'{{"organizationId":"{gym.organization_id}","from":MARK}}'),
    ]
    for method, path, body in bodies:
        for bad in (NUL, HALF):
            async with http.request(method, path, data=body.replace("MARK", bad), headers=headers) as answer:
                assert answer.status == 400, (method, path, body)
    member = f"{org}/conversations/{gym.member.membership_id}"
    for path in (
        f"{org}/members?search=%00", f"{org}/members?cursor=%00", f"{org}/conversations?cursor=%00",
        f"{member}?around=%00", f"{member}?cursor=~%00", f"{org}/messages/%00", f"{org}/conversations/%00",
        "/v1/organizations/%00/badge", "/v1/sync?organizationId=%00", "/v1/events?epoch=%00&position=0",
        "/v1/events?epoch=x&position=%00", "/v1/events?epoch=x&position=1&wait=%00",
    ):  # fmt: skip
        async with http.get(path, headers=headers) as answer:
            assert answer.status == 400, path
    async with http.delete("/v1/me/devices/%00", headers=headers) as answer:
        assert answer.status == 400
    assert await stored(database) == 0
