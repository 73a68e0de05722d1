"""The documents for machines: valid, complete, and true of the routes and of the socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import jsonschema_rs
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.blobs.local import ROUTE
from coachwire.service import page_routes
from coachwire_protocol.close import CloseCode
from coachwire_protocol.documents import asyncapi, openapi
from coachwire_protocol.documents.routes import PATH, ROUTES, Route
from coachwire_protocol.documents.schemas import TOGETHER
from coachwire_protocol.frames import Refused, parse
from coachwire_protocol.schema import OK_DATA, REQUEST_TYPES, EventKind, NoticeKind, Request, SignalKind
from coachwire_protocol.session import Hello, Ping
from openapi_spec_validator import validate

from ..gym import Place, message_to
from .conftest import OpenPhone
from .routes import call

Document = dict[str, Any]

ASYNCAPI = json.loads((Path(__file__).parent.parent / "vendor" / "asyncapi-3.0.0.json").read_text())
UUID = "00000000-0000-4000-8000-000000000000"
BOTH = pytest.mark.parametrize("document", [openapi(), asyncapi()], ids=["openapi", "asyncapi"])


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(named := part.get("$ref"), str):
            yield named
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def found(document: Document, reference: str) -> Any:
    part: Any = document
    for key in reference.removeprefix("#/").split("/"):
        part = part[key.replace("~1", "/")]
    return part


def validator(document: Document, schema: Any) -> jsonschema_rs.Validator:
    """Of a schema that refers to the document's components."""
    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema]}
        | {"components": document["components"]}
    )


def test_the_openapi_document_is_valid() -> None:
    validate(openapi())


def test_the_asyncapi_document_is_valid() -> None:
    official = jsonschema_rs.validator_for(ASYNCAPI)
    assert [error.message for error in official.iter_errors(asyncapi())] == []
    broken = asyncapi()
    broken["operations"]["ping"]["action"] = "ask"
    assert not official.is_valid(broken)  # it does look


@BOTH
def test_every_reference_leads_somewhere_and_no_schema_lies_idle(document: Document) -> None:
    named = set(references(document))
    assert all(found(document, reference) is not None for reference in named)
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} <= named


@BOTH
def test_every_schema_is_one_and_says_what_it_is_for(document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema)
        assert schema["description"], name


def test_the_openapi_document_has_the_routes_that_there_are(server: TestServer) -> None:
    assert server.app is not None
    files = {route.path for route in page_routes()}
    served = {
        (route.method, route.resource.canonical)
        for route in server.app.router.routes()
        if route.resource is not None and route.method != "HEAD" and route.resource.canonical not in files
    }
    described = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
    links = {(method, f"{ROUTE}{{key}}") for method in ("GET", "PUT")}  # clients take them as they come
    assert described == served - {("GET", "/v1/ws")} - links


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [one["operationId"] for methods in openapi()["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
async def test_documents_are_served_to_everybody_and_once(http: ClientSession, path: str) -> None:
    async with http.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert await answer.json() == (openapi() if path == "/openapi.json" else asyncapi())
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = answer.headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        async with http.get(path, headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    async with http.get(path, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


async def test_every_route_reads_the_fields_that_its_document_names(gym: Place, http: ClientSession) -> None:
    """Each is given what no field may hold; the problem must name it."""
    for route in ROUTES:
        told = dict.fromkeys(route.taken, "\x00")
        place = {"json": told} if route.has_body else {"params": told}
        status, problem = await call(http, gym.owner, route.method, _real_path(route, gym), **place)
        if told:
            assert (status, {error["field"] for error in problem["errors"]}) == (400, set(told)), route.name
        for name in route.placed:
            path = route.path.format(**dict.fromkeys(route.placed, str(uuid4())) | {name: "no-id"})
            status, problem = await call(http, gym.owner, route.method, path)
            fields = {error["field"] for error in problem["errors"]}
            assert status == 400, route.name
            nested = {f"{party}.{PATH[name].field}" for party in ("to", "conversation")}
            assert fields & ({PATH[name].field, "messageIds.0"} | nested), route.name


def _real_path(route: Route, gym: Place) -> str:
    known = {"org": gym.organization_id, "membership": gym.coach.membership_id}
    return route.path.format(**{name: known.get(name, uuid4()) for name in route.placed})


def test_rules_over_several_fields_are_in_the_schemas() -> None:
    bodies = {route.asks for route in ROUTES if route.has_body}
    assert {one for one in bodies | set(REQUEST_TYPES.values()) if one.RULES} <= TOGETHER.keys()


SEND = {"type": "message.send", "organizationId": UUID, "id": UUID, "to": {"membershipId": UUID}}
READ = {"type": "message.read", "organizationId": UUID}


@pytest.mark.parametrize(
    ("request_", "right"),
    [
        (SEND | {"content": "hello"}, True),
        (SEND, False),
        (SEND | {"content": " \n"}, False),
        (SEND | {"content": None, "attachmentIds": [UUID]}, True),
        (SEND | {"content": "hello", "to": {}}, False),
        (SEND | {"content": "hello", "to": {"membershipId": UUID, "workoutAssignmentId": UUID}}, False),
        (SEND | {"content": "hello", "to": {"membershipId": UUID, "workoutAssignmentId": None}}, True),
        (SEND | {"content": "x" * 5001}, False),
        (SEND | {"content": "hello", "ref": -1}, False),
        (SEND | {"content": "hello", "unknown": 1}, True),
        (READ, False),
        (READ | {"messageIds": [UUID]}, True),
        (READ | {"messageIds": []}, False),
        (READ | {"messageIds": [UUID], "upTo": UUID}, False),
        (READ | {"conversation": {"membershipId": UUID}, "upTo": UUID}, True),
        (READ | {"conversation": {"membershipId": UUID}, "messageIds": [UUID]}, False),
        ({"type": "ping"}, True),
        ({"type": "state", "state": "asleep"}, False),
        ({"type": "topic.open", "topic": f"thread:{UUID}"}, True),
        ({"type": "topic.open", "topic": "thread"}, False),
        ({"type": "ack", "position": 2**53}, False),
    ],
)
def test_the_document_takes_the_requests_that_the_server_takes(request_: Document, right: bool) -> None:
    document = asyncapi()
    payload = document["components"]["messages"][request_["type"]]["payload"]
    assert validator(document, payload).is_valid(request_) is right
    [parsed] = parse(json.dumps(request_).encode())
    assert isinstance(parsed, Refused) is not right


def test_the_asyncapi_document_has_everything_that_can_be_said_with_its_direction() -> None:
    document = asyncapi()
    heard = {name for name, one in document["operations"].items() if one["action"] == "receive"}
    assert heard == set(REQUEST_TYPES)
    assert set(OK_DATA) == set(get_args(Request)) - {Hello, Ping}
    told = {
        reference.rpartition("/")[2]
        for one in document["operations"].values()
        for reference in references(
            one["reply"]["messages"] if one["action"] == "receive" else one["messages"]
        )
    }
    assert told == (
        {f"ok.{name}" for name in REQUEST_TYPES if name not in ("hello", "ping")}
        | {f"event.{kind}" for kind in EventKind}
        | {f"signal.{kind}" for kind in SignalKind}
        | {f"notice.{kind}" for kind in NoticeKind}
        | {"welcome", "live", "error", "unread", "topic.opened", "topic.closed", "pong"}
    )
    assert {one["code"] for one in document["channels"]["socket"]["x-close-codes"]} == set(CloseCode)


async def test_what_a_server_really_says_is_what_the_document_says(gym: Place, phone: OpenPhone) -> None:
    document = asyncapi()
    coach, member = await phone(gym.coach), await phone(gym.member)
    sent = message_to(gym.member)
    asked: dict[Any, str] = {}

    async def ask(kind: str, **fields: Any) -> Document:
        answer = await coach.ask(kind, **fields)
        asked[answer["ref"]] = kind
        frames.append(answer)
        return answer

    frames: list[Document] = [coach.welcome]
    await ask("message.send", **sent)
    await ask("message.send", **sent)
    await member.event("message.created")
    where = {"organizationId": gym.organization_id, "id": sent["id"]}
    await member.ask("message.read", organizationId=gym.organization_id, messageIds=[sent["id"]])
    await coach.event("message.read")
    await ask("message.edit", **where, content="other words")
    await ask("message.delete", **where)
    await ask("message.delete", **where | {"id": str(uuid4())})
    await ask("typing", organizationId=gym.organization_id, to=sent["to"], active=True)
    await ask("ack", position=coach.position)
    await ask("state", state="background")
    await ask("token.refresh", token=gym.coach.token)
    await ask("topic.open", topic="nothing")
    await coach.say({"type": "ping", "ref": "p"})
    frames.append(await coach.next("pong"))
    frames += await member.drained()
    frames += [frame for frame in coach.events + member.events if frame["type"] == "event"]

    names = {_message_name(frame, asked) for frame in frames}
    assert names >= {"welcome", "error", "ok.message.send", "ok.ack", "pong", "unread", "signal.typing"}
    assert names >= {f"event.message.{kind}" for kind in ("created", "read", "edited", "deleted")}
    for frame in frames:
        name = _message_name(frame, asked)
        errors = validator(document, document["components"]["messages"][name]["payload"]).iter_errors(frame)
        assert [error.message for error in errors] == [], (name, frame)


def _message_name(frame: Document, asked: dict[Any, str]) -> str:
    match frame["type"]:
        case "ok":
            return f"ok.{asked[frame['ref']]}"
        case "event" | "signal" | "notice" as kind:
            return f"{kind}.{frame['kind']}"
        case kind:
            return str(kind)
