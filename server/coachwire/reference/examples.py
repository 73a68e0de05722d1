"""A value that a schema allows, as one might see it: made from the schema, so that it cannot grow old."""

import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

ID = "0192f0c4-7a3b-7c11-9d5e-{:012x}"
TEXTS = {
    "content": "How did the squats feel today?",
    "body": "Elbows in, the rest will follow.",
    "senderName": "Noa Mizrahi",
    "authorName": "Noa Mizrahi",
    "name": "Tom Baker",
    "title": "Lower body strength",
    "token": "eyJhbGciOiJFZERTQSJ9.…",
    "epoch": "k3",
    "reason": "size",
    "code": "rate_limited",
    "message": "Too many messages.",
    "detail": "Too many messages.",
    "url": "https://files.example/o/1f?signature=…",
    "uploadUrl": "https://files.example/o/1f?signature=…",
    "thumbnailUrl": "https://files.example/o/1t?signature=…",
    "endpoint": "https://push.example/send/1f",
    "fileName": "deadlift.mp4",
    "language": "he",
    "platform": "ios",
    "unit": "kg",
    "slug": "deadlift-1rm",
    "value": "142.5",
    "field": "to.membershipId",
    "session": "7",
    "ref": "r1",
    "imageUrl": "https://images.example/tom.jpg",
}
NUMBERS = {"fileSize": 4_812_330, "size": 4_812_330, "position": 8843, "through": 8845, "status": 429}
DEEPEST = 40


class Examples:
    """`of(schema)` for the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]

    def of(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """The fields that must be there, and those that may, as far as they are not empty by default."""
        if depth > DEEPEST:
            return None
        if "$ref" in schema:
            referred = schema["$ref"].rpartition("/")[2]
            return self.of(self._schemas[referred], name or _lower(referred), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return next(iter(schema["enum"]))
        if "properties" in schema or schema.get("type") == "object" or "allOf" in schema:
            return self._object(schema, depth)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                options = [one for one in schema[word] if one != {"type": "null"}]
                return self.of(options[0], name, depth + 1)
        return self._plain(schema, name, depth)

    def _plain(self, schema: Schema, name: str, depth: int) -> Any:
        match schema.get("type"):
            case "string":
                return _text(schema, name)
            case "integer" | "number":
                return max(NUMBERS.get(name, 1), schema.get("minimum", 0))
            case "boolean":
                return False
            case "array":
                if "prefixItems" in schema:
                    return [self.of(one, name, depth + 1) for one in schema["prefixItems"]]
                return (
                    [self.of(schema["items"], name.removesuffix("s"), depth + 1)] if "items" in schema else []
                )
            case "null":
                return None
        return {"any": "value"}

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        parts = list(schema.get("allOf", ()))
        for key, part in schema.get("properties", {}).items():
            if not _left_out(key, part, schema):
                value[key] = self.of(part, key, depth + 1)
        for part in parts:
            value |= self._narrowed(part, schema.get("properties", {}), depth)
        return value

    def _narrowed(self, part: Schema, fields: Mapping[str, Schema], depth: int) -> dict[str, Any]:
        """What one of several schemas, which all hold, adds to an object of these fields."""
        if "$ref" in part:
            made = self.of(part, "", depth + 1)
            return made if isinstance(made, dict) else {}
        for word in ("oneOf", "anyOf"):
            if word in part:
                names = part[word][0].get("required", ())  # one of the choices will do, the first
                return {name: self.of(fields[name], name, depth + 1) for name in names if name in fields}
        return {
            key: self.of(inner, key, depth + 1)
            for key, inner in part.get("properties", {}).items()
            if "const" in inner or "enum" in inner or "$ref" in inner or key in part.get("required", ())
        }


def _left_out(key: str, part: Schema, whole: Schema) -> bool:
    return key not in whole.get("required", ()) and ("default" in part or whole.get("allOf") is not None)


def _text(schema: Schema, name: str) -> str:
    pattern = schema.get("pattern", "")
    if schema.get("maxLength") == len(ID.format(0)) or (name.endswith("Id") and "[0-9a-f]{8}" in pattern):
        return ID.format(sum(map(ord, name)) or 1)
    if "firstUnread" in pattern:
        return "firstUnread"
    if "thread|exercise" in pattern:
        return f"thread:{ID.format(1)}"
    if schema.get("format") == "date":
        return "2026-01-31"
    if schema.get("format") == "date-time" or re.search(r"\\d\{4\}-|T\[?|Z\$", pattern):
        return "2026-01-31T17:04:09.120000Z"
    return TEXTS.get(name, "text")


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
