"""The OpenAPI 3.1 document of the routes."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

import msgspec

from ..errors import ProtocolError
from ..notifications import NOTIFICATION_DATA
from ..problem import Problem
from .routes import PATH, QUERY, ROUTES, Route
from .schemas import CONTRACT_VERSION, LICENSE, TOGETHER, Schema, components, in_use, ref, schema_name
from .schemas import description as said_of
from .webhooks import TAG, webhooks

JSON: Final = "application/json"

_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds, where a time is known.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_CHALLENGE: Final = {"WWW-Authenticate": {"description": "The scheme.", "schema": {"const": "Bearer"}}}


def openapi() -> dict[str, Any]:
    """A new document, as a tree of plain objects."""
    asked_and_answered = (kind for route in ROUTES for kind in (route.asks, *_answers(route)))
    schemas = components([Problem, *asked_and_answered, *NOTIFICATION_DATA.values()])
    schemas |= {_body_name(route): _body(route, schemas) for route in ROUTES if route.has_body}
    refusals: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, refusals)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Coachwire",
            "version": CONTRACT_VERSION,
            "summary": "Messages between coaches and members: never lost, never twice, never out of order.",
            "description": "The socket, /v1/ws: /asyncapi.json. Unknown keys and parameters are ignored. "
            "Whole numbers come without a point or exponent; no text holds NUL or a lone surrogate.",
            "license": LICENSE,
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in sorted({route.tag for route in ROUTES} | {TAG, "service"})],
        "paths": paths | _service_paths(),
        "webhooks": webhooks(schemas),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The platform issuer's (RS256, EdDSA), or by the installation's secret (HS256).",
                }
            },
            "parameters": {name: _path_parameter(name) for name in PATH},
            "responses": dict(sorted(refusals.items())),
        },
    }
    document["components"]["schemas"] = in_use(schemas, document)
    return document


def _operation(route: Route, schemas: dict[str, Schema], refusals: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in route.placed],
        "responses": {str(status): _success(route, status, said) for status, said in route.successes.items()}
        | _refused(route.all_refusals, refusals),
    }
    if route.fields is None and (promise := said_of(schemas, route.asks)):
        operation["description"] = promise
    if route.has_body:
        body = schemas[_body_name(route)]
        operation["requestBody"] = {
            "required": bool(body["required"]) or "allOf" in body,
            "content": {JSON: {"schema": ref(_body_name(route))}},
        }
    else:
        operation["parameters"] += [_queried(name, route, schemas) for name in route.taken]
    return operation


def _body(route: Route, schemas: dict[str, Schema]) -> Schema:
    whole = schemas[schema_name(route.asks)]
    body: Schema = {
        "title": _body_name(route),
        "description": f"What {route.name} asks beside what its path says.",
        "type": "object",
        "properties": {name: whole["properties"][name] for name in route.taken},
        "required": [
            name for name in route.taken if name in whole["required"] and name not in route.optional
        ],
    }
    judged = {field for rule in route.asks.RULES for field in rule.judges}
    if route.asks in TOGETHER and judged <= {_attribute(route, name) for name in route.taken}:
        body["allOf"] = [TOGETHER[route.asks]]
    return body


def _attribute(route: Route, name: str) -> str:
    return next(one.name for one in msgspec.structs.fields(route.asks) if one.encode_name == name)


def _body_name(route: Route) -> str:
    return route.name[0].upper() + route.name[1:] + "Body"


def _queried(name: str, route: Route, schemas: dict[str, Schema]) -> dict[str, Any]:
    asked = schemas[schema_name(route.asks)]
    schema = asked["properties"][name]
    if "anyOf" in schema:  # in a query nothing is null: it is left out
        schema = next(one for one in schema["anyOf"] if one != {"type": "null"})
    required = {"required": True} if name in asked["required"] else {}
    return {"name": name, "in": "query", "description": QUERY[name]} | required | {"schema": schema}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": PATH[name].said, "schema": ref("Id")}


def _success(route: Route, status: int, said: str) -> dict[str, Any]:
    if status == HTTPStatus.NOT_MODIFIED:
        return {"description": said}
    answers = [ref(schema_name(kind)) for kind in _answers(route)]
    data = (
        {"anyOf": answers} if len(answers) > 1 else (answers or [{"type": "object", "maxProperties": 0}])[0]
    )
    return {
        "description": said,
        "content": {JSON: {"schema": {"type": "object", "required": ["data"], "properties": {"data": data}}}},
    }


def _answers(route: Route) -> tuple[Any, ...]:
    """What may be answered; nothing for an empty object."""
    if route.answers is None:
        return ()
    return route.answers if isinstance(route.answers, tuple) else (route.answers,)


def _refused(errors: Iterable[type[ProtocolError]], refusals: dict[str, Any]) -> dict[str, Any]:
    """References by status, each to an entry in `refusals`, which is made when it is not there."""
    by_status: dict[str, Any] = {}
    for status, group in groupby(sorted(errors, key=_order), key=lambda error: error.status):
        kinds = list(group)
        name = "Or".join(error.__name__ for error in kinds)
        refusals.setdefault(name, _refusal(status, kinds))
        by_status[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return by_status


def _order(error: type[ProtocolError]) -> tuple[int, str]:
    return error.status, error.code


def _refusal(status: int, errors: list[type[ProtocolError]]) -> dict[str, Any]:
    codes = [error.code for error in errors]
    exact = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    refusal: dict[str, Any] = {
        "description": "\n".join(f"`{error.code}`: {error().message}" for error in errors),
        "content": {"application/problem+json": {"schema": {"allOf": [ref("Problem"), exact]}}},
    }
    headers = _CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {}
    if any(error.may_retry for error in errors):
        headers = _RETRY_AFTER
    return refusal | ({"headers": headers} if headers else {})


def _service_paths() -> dict[str, Any]:
    document = {"type": "object", "description": "The document."}
    return {
        "/healthz": _service("healthz", "Whether the process answers.", _status("ok")),
        "/readyz": _service(
            "readyz", "Whether to send traffic here.", _status("ready"), _status("draining", "database away")
        ),
        "/openapi.json": _service("openapi", "This document.", document),
        "/asyncapi.json": _service("asyncapi", "The socket's document.", document),
        "/docs": _service("docs", "Both, for people.", {"type": "string"}, kind="text/html"),
    }


def _service(
    name: str, summary: str, answer: Schema, unready: Schema | None = None, *, kind: str = JSON
) -> dict[str, Any]:
    responses = {"200": {"description": "Yes.", "content": {kind: {"schema": answer}}}}
    if unready is not None:
        responses["503"] = {"description": "Not now.", "content": {JSON: {"schema": unready}}}
    operation = {"operationId": name, "tags": ["service"], "summary": summary, "security": []}
    return {"get": operation | {"responses": responses}}


def _status(*words: str) -> Schema:
    return {"type": "object", "required": ["status"], "properties": {"status": {"enum": list(words)}}}
