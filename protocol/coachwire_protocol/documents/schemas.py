"""JSON Schemas of the structs as both documents hold them: each once, under its name."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from ..comments import CreateComment, EditComment, PostComment
from ..errors import ERRORS, ErrorBody
from ..ids import Id, Position, Ref
from ..messages import Party, SendMessage
from ..metric_sets import ChangeSet, CreateSet, SetOwner
from ..metrics import RecordValues
from ..problem import Problem
from ..receipts import ReadMessages
from ..times import Time

Schema = dict[str, Any]

CONTRACT_VERSION: Final = "1"
LICENSE: Final = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}

_PLACE: Final = "#/components/schemas/"
_NOT_BLANK: Final = {"type": "string", "pattern": r"\S"}
_NAMED_SET: Final = {"properties": {"name": _NOT_BLANK}}
_OWNERS: Final = ("membershipId", "workoutId", "organizationId")
_ONE_VALUE: Final = ("id", "definitionId", "value", "unit")
_CODE: Final = {"properties": {"code": {"enum": sorted(ERRORS)}}}

# What fields must fulfil together: a struct's RULES, in the words of JSON Schema.
TOGETHER: Final[dict[type[Struct], Schema]] = {
    Party: {
        "oneOf": [
            {
                "required": ["membershipId"],
                "properties": {"membershipId": {"type": "string"}, "workoutAssignmentId": {"type": "null"}},
            },
            {
                "required": ["workoutAssignmentId"],
                "properties": {"membershipId": {"type": "null"}, "workoutAssignmentId": {"type": "string"}},
            },
        ]
    },
    SendMessage: {
        "anyOf": [
            {"required": ["content"], "properties": {"content": _NOT_BLANK}},
            {"required": ["attachmentIds"], "properties": {"attachmentIds": {"minItems": 1}}},
        ]
    },
    ReadMessages: {
        "oneOf": [
            {"required": ["messageIds"], "properties": {"upTo": False}},
            {"required": ["conversation"]},
        ]
    },
    RecordValues: {
        "oneOf": [
            {
                "required": list(_ONE_VALUE),
                "properties": {name: {"type": "string"} for name in _ONE_VALUE}
                | {"values": {"type": "null"}},
            },
            {
                "required": ["values"],
                "properties": {name: {"type": "null"} for name in (*_ONE_VALUE, "recordedAt", "source")}
                | {"values": {"type": "array"}},
            },
        ]
    },
    SetOwner: {
        "oneOf": [
            {
                "required": [owner],
                "properties": {name: {"type": "string" if name == owner else "null"} for name in _OWNERS},
            }
            for owner in _OWNERS
        ]
    },
    CreateSet: _NAMED_SET,
    ChangeSet: _NAMED_SET,
    CreateComment: {"properties": {"body": _NOT_BLANK}},
    PostComment: {"properties": {"body": _NOT_BLANK}},
    EditComment: {"properties": {"body": _NOT_BLANK}},
    ErrorBody: _CODE,
    Problem: _CODE,
}

_NAMED: Final = {"Id": Id, "Time": Time, "Position": Position, "Ref": Ref}


def components(structs: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of these and of all that they hold, by name."""
    _, found = msgspec.json.schema_components(structs, ref_template=_PLACE + "{name}")
    named = {name: msgspec.json.schema(kind) for name, kind in _NAMED.items()}
    short = {_frozen(schema): ref(name) for name, schema in named.items()}
    named["Ref"]["description"] = "The client's own name for a request, repeated in its answer."
    schemas: dict[str, Schema] = {_spelt(name): _shortened(schema, short) for name, schema in found.items()}
    for kind, fragment in TOGETHER.items():
        if kind.__name__ in schemas:
            schemas[kind.__name__]["allOf"] = [fragment]
    return dict(sorted((schemas | named).items()))


def schema_name(kind: Any) -> str:
    """Under which name `components` has the struct: `Page[Member]` is `MemberPage`."""
    schema = msgspec.json.schema(kind)
    return _spelt(str(schema["$ref"]).rpartition("/")[2])


def ref(name: str) -> Schema:
    return {"$ref": _PLACE + name}


def description(schemas: dict[str, Schema], kind: Any) -> str:
    """What the struct's docstring promises."""
    return str(schemas[schema_name(kind)].get("description", ""))


def in_use(schemas: dict[str, Schema], document: object) -> dict[str, Schema]:
    """Those that the document refers to, directly or by another."""
    used: set[str] = set()
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix(_PLACE)
            if name in schemas and name not in used:
                used.add(name)
                waiting.append(schemas[name])
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return {name: schema for name, schema in schemas.items() if name in used}


def _shortened(part: Any, short: dict[bytes, Schema]) -> Any:
    """The same with names in place of what has one; generic structs under the names that we give them."""
    if isinstance(part, list | tuple):  # a default may be a tuple
        return [_shortened(one, short) for one in part]
    if not isinstance(part, dict):
        return part
    if (known := short.get(_frozen(part))) is not None:
        return known
    if "$ref" in part:
        return {"$ref": _spelt(part["$ref"])}
    whole = {key: _shortened(inner, short) for key, inner in part.items()}
    if isinstance(title := whole.get("title"), str):
        whole["title"] = re.sub(r"Page\[(\w+)]", r"\1Page", title)
    if isinstance(whole.get("properties"), dict) and isinstance(said := whole.get("description"), str):
        whole["description"] = re.sub(
            r"`\w+`", lambda found: _on_the_wire(found[0], whole["properties"]), said
        )
    return whole


def _on_the_wire(word: str, properties: Schema) -> str:
    """A field that a docstring calls by its name in the code, as it is called outside."""
    first, *others = word.strip("`").split("_")
    name = first + "".join(map(str.capitalize, others))
    return f"`{name}`" if name in properties else word


def _spelt(name: str) -> str:
    return re.sub(r"Page_(\w+)_$", r"\1Page", name)


def _frozen(schema: object) -> bytes:
    return msgspec.json.encode(schema, order="deterministic")
