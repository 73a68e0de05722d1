"""Every operation of the served document, called with generated requests: the answers are as the document says."""

import asyncio
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis
from aiohttp import ClientSession
from coachwire.settings import Settings
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as limits
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ..comments.conftest import add_exercise
from ..gym import SECRET, Place, Someone, message_to
from .platform import Tables, assign
from .routes import call, get
from .uploading import ready_upload

AnyCase = Case[Any]

SEED = 20260101
EXAMPLES = 12  # for each way to call an operation, some ten seconds in all. Under 48: a user has 50 devices
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
SUBSCRIPTION = {
    "endpoint": "https://push.example.org/one",
    "keys": {
        "p256dh": urlsafe_b64encode(
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        ).decode(),
        "auth": urlsafe_b64encode(bytes(16)).decode(),
    },
}
# NUL is refused in any text, which a schema cannot say; who calls is another matter than what is asked.
CONFIG = {"generation": {"allow-x00": False, "with-security-parameters": False}}


@dataclass
class Known:
    """What there is in the gym, by the names of the document."""

    token: str
    tokens_of_their_own: dict[str, str]  # for operations after which their caller is a stranger
    ids: dict[str, str]
    of_its_own: dict[str, dict[str, str]]  # for operations whose effect would be felt by others
    epoch: str
    post: str  # a message under the workout
    definition: str  # something that can be measured, in kg


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None)


async def test_generated_requests_are_answered_as_the_document_says(
    gym: Place, http: ClientSession, url: str, database: Tables
) -> None:
    known = await _write_what_is_known(gym, http, database)
    answered, failures = await asyncio.to_thread(_call_everything, url, known)
    assert failures == []
    # With real ids and right data every operation comes to an end, whatever the seed.
    never = {name: statuses for name, statuses in answered.items() if not statuses.keys() & {200, 201, 202}}
    assert never == {}


def _call_everything(url: str, known: Known) -> tuple[dict[str, Counter[int]], list[str]]:
    """What each operation answered to right data on real things, and what was not as the document says."""
    answered: dict[str, Counter[int]] = {}
    failures = []
    config = schemathesis.Config.from_dict(CONFIG)
    document = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment is not meant
        for found in document.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            tries = _Tries(operation, known, session)
            for attempt in (
                tries.without_token,
                tries.with_right_data,
                tries.with_any_ids,
                tries.with_wrong_data,
            ):
                try:
                    attempt()
                except (Exception, FailureGroup) as error:  # go on: one run tells of all
                    failures.append(f"{operation.label} {attempt.__name__}: {error}")
            answered[tries.name] = tries.statuses
    return answered, failures


class _Tries:
    """The ways to call one operation. Each raises what is wrong with an answer."""

    def __init__(
        self, operation: APIOperation[Any, Any, Any, Any], known: Known, session: requests.Session
    ) -> None:
        self.operation = operation
        self.name = str(operation.definition.raw["operationId"])
        self.statuses: Counter[int] = Counter()
        self._known = known
        self._session = session
        self._open = operation.definition.raw.get("security") == []
        ids = known.ids | known.of_its_own.get(self.name, {})
        self._ids = {name: id_ for name, id_ in ids.items() if f"{{{name}}}" in operation.path}

    def without_token(self) -> None:
        def once(case: AnyCase) -> None:
            response = case.call(session=self._session)
            assert (response.status_code == 401) is not self._open
            case.validate_response(response, checks=CHECKS)

        self._generate(once, GenerationMode.POSITIVE, examples=1)

    def with_right_data(self) -> None:
        def once(case: AnyCase) -> None:
            self._make_real(case)
            status = self._call(case)
            assert status != 400, f"refused: {case.body!r} {case.query!r}"
            self.statuses[status] += 1

        self._generate(once, GenerationMode.POSITIVE, self._ids)

    def with_any_ids(self) -> None:
        if self._ids:
            self._generate(self._call, GenerationMode.POSITIVE)

    def with_wrong_data(self) -> None:
        if self.operation.body or len(self.operation.query):
            self._generate(self._call, GenerationMode.NEGATIVE, self._ids)

    def _generate(
        self, once: Any, mode: GenerationMode, ids: dict[str, str] | None = None, examples: int = EXAMPLES
    ) -> None:
        @seed(SEED)
        @limits(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # without making failures small: that takes minutes
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self.operation.as_strategy(generation_mode=mode, path_parameters=ids))
        def run(case: AnyCase) -> None:
            once(case)

        run()

    def _call(self, case: AnyCase) -> int:
        token = self._known.tokens_of_their_own.get(self.name, self._known.token)
        headers = {"Authorization": f"Bearer {token}"}
        return int(case.call_and_validate(session=self._session, headers=headers, checks=CHECKS).status_code)

    def _make_real(self, case: AnyCase) -> None:
        """Put in what is there, and mend what the document says in words only."""
        known = self._known
        body = _whole(case.body) if isinstance(case.body, dict) else {}
        query = case.query or {}
        if self.name == "sendMessage":
            body["to"] = {"membershipId": known.ids["membership"]}
            body.pop("attachmentIds", None)
        if self.name == "postInThread":
            body.pop("attachmentIds", None)
        if (
            self.name in ("sendMessage", "postInThread", "editMessage")
            and not (body.get("content") or "").strip()
        ):
            body["content"] = "words"
        if "fileSize" in body:
            body["fileSize"] = min(body["fileSize"], 10_000_000)
        if "body" in body and not (body["body"] or "").strip():
            body["body"] = "words"
        if "parentCommentId" in body:
            body["parentCommentId"] = known.ids["comment"]
        if body.get("webPush"):
            body["webPush"] = SUBSCRIPTION  # which bytes a key has, a schema cannot say
        message = known.post if "{assignment}" in self.operation.path else known.ids["id"]
        if "q" in query and not any(letter.isalnum() for letter in query["q"]):
            query["q"] = "words"
        if "upTo" in body:
            body["upTo"] = message
        if "around" in query and query["around"] != "firstUnread":
            query["around"] = message
        if "epoch" in query:
            query |= {"epoch": known.epoch, "position": 0, "wait": 0}
        if "memberId" in query:
            query["memberId"] = known.ids["membership"]
        if "organizationId" in query:
            query["organizationId"] = known.ids["org"]
        if "workoutId" in query:
            query["workoutId"] = known.ids["workout"]
        for name in ("from", "to"):  # their patterns fit days that there are not
            query.pop(name, None)
        if self.name == "withdrawMetricGrant":
            query.pop("definitionId", None)
        if self.name == "recordValues":
            body = _values(body, known.definition)
        if self.name == "createMetricSet":
            body["owner"] = {"organizationId": known.ids["org"]}
        if self.name in ("createMetricSet", "changeMetricSet"):
            body |= {"name": "Strength", "definitions": [known.definition]}
        if self.name == "putMetricGrant":
            body = {"organizationId": known.ids["org"], "definitionId": None}
        query.pop("cursor", None)  # opaque: none can be made up
        if isinstance(case.body, dict):
            case.body = body


def _whole(part: Any) -> Any:
    """1.0 is 1 to JSON Schema, and no whole number to this contract."""
    if isinstance(part, dict):
        return {key: _whole(inner) for key, inner in part.items()}
    return int(part) if isinstance(part, float) and part.is_integer() else part


def _values(body: dict[str, Any], definition: str) -> dict[str, Any]:
    """The same with what a value must be and a schema cannot say; every time under a new id."""

    def one(value: dict[str, Any]) -> dict[str, Any]:
        given = {"id": str(uuid4()), "definitionId": definition, "unit": "lb", "recordedAt": None}
        return value | given

    many = body.get("values")
    return {"values": [one(value) for value in many]} if many else one(body)


async def _write_what_is_known(gym: Place, http: ClientSession, database: Tables) -> Known:
    assignment = await assign(database, gym.member, gym.coach)
    comments = f"workout-assignments/{assignment}/comments"
    _, post = await call(http, gym.coach, "POST", comments, json={"content": "well done"})

    async def send(sender: Someone, recipient: Someone) -> str:
        status, message = await call(http, sender, "POST", "messages", json=message_to(recipient))
        assert status == 201
        return str(message["id"])

    exercise = await add_exercise(database, gym, gym.member, by=gym.coach)

    async def comment() -> str:
        _, said = await call(http, gym.owner, "POST", exercise.path, json={"body": "deeper"})
        return str(said["id"])

    definition = "select id from metric_definitions where slug = 'back_squat_1rm'"

    async def metric_set() -> str:
        told = {
            "name": "Strength",
            "owner": {"organizationId": gym.organization_id},
            "definitions": [str(await database.fetchval(definition))],
        }
        _, made = await call(http, gym.owner, "POST", "metric-sets", json=told)
        return str(made["id"])

    async def register() -> str:
        device, named = str(uuid4()), {"platform": "web", "language": "he"}
        assert (await call(http, gym.owner, "PUT", f"/v1/me/devices/{device}", json=named))[0] == 200
        return device

    message, attachment = await send(gym.owner, gym.coach), str(uuid4())
    await database.execute(
        "insert into message_attachments (id, message_id, type, r2_key, size, mime_type)"
        " values ($1, $2, 'image', 'messages/picture.png', 1, 'image/png')",
        attachment,
        message,
    )
    return Known(
        token=gym.owner.token,
        tokens_of_their_own={"eraseMe": gym.member2.token},
        ids={
            "org": gym.organization_id,
            "membership": gym.coach.membership_id,
            "id": message,
            "attachment": attachment,
            "device": await register(),
            "job": str(
                await database.fetchval(
                    "insert into jobs (kind, user_id, organization_id, actor_id, state, stage)"
                    " values ('erasure', $1, $2, $3, 'done', 'done') returning id",
                    gym.coach2.user_id,
                    gym.organization_id,
                    gym.owner.user_id,
                )
            ),
            "assignment": assignment,
            "workout": exercise.workout_id,
            "movement": exercise.id,
            "comment": await comment(),
            "upload": await ready_upload(http, gym.owner),
            "set": await metric_set(),
        },
        of_its_own={
            "editComment": {"comment": await comment()},
            "deleteComment": {"comment": await comment()},
            "editMessage": {"id": await send(gym.owner, gym.coach)},
            "deleteMetricSet": {"set": await metric_set()},
            "deleteMessage": {"id": await send(gym.owner, gym.coach)},
            "markMessageRead": {"id": await send(gym.coach, gym.owner)},
            "eraseMembership": {"membership": gym.admin.membership_id},
            "signOut": {"device": await register()},
        },
        epoch=(await get(http, gym.owner, "/v1/sync"))["epoch"],
        post=str(post["id"]),
        definition=str(await database.fetchval(definition)),
    )
