"""Schemas for people: a table of fields, each with its type, whether it must be there, and its limits."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from coachwire.reference.markup import Markup, anchor, el, prose

Schema = Mapping[str, Any]

LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} keys",
}
PLAIN = frozenset({"Id", "Time", "Position", "Day"})  # so short that they are named rather than linked to


def table(schema: Schema, schemas: Mapping[str, Schema]) -> Markup | None:
    """The fields of an object; None for what has none."""
    whole = _whole(schema, schemas)
    properties: Mapping[str, Schema] = whole["properties"]
    if not properties:
        return None
    return el(
        "table",
        el("thead", el("tr", *(el("th", name, scope="col") for name in ("Field", "Type", "What it is")))),
        el("tbody", (_row(name, part, name in whole["required"]) for name, part in properties.items())),
    )


def type_of(schema: Schema) -> Markup:
    """In a few words, with links to the shapes that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return el("a", name, href=f"#{anchor('shape', name)}")
    if "const" in schema:
        return el("code", _json(schema["const"]))
    if "enum" in schema:
        return _joined([el("code", _json(one)) for one in schema["enum"]], " · ")
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _joined([type_of(one) for one in schema[word]], " or ")
    if "prefixItems" in schema:
        return Markup("array: " + ", ".join(map(type_of, schema["prefixItems"])))
    if schema.get("type") == "array":
        return Markup("array of " + type_of(schema.get("items", {})))
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return Markup("object of " + type_of(schema["additionalProperties"]))
    return Markup(el("span", str(schema.get("type", "any JSON"))))


def limits_of(schema: Schema) -> list[str]:
    """In words, also those of what an array holds or a choice offers."""
    found = [words.format(f"{schema[key]:,}") for key, words in LIMITS.items() if key in schema]
    if "pattern" in schema and schema.get("maxLength") != 36:
        found.append(f"as `{schema['pattern']}`")
    if "format" in schema:
        found.append(f"format {schema['format']}")
    for one in (schema.get("items"), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if isinstance(one, Mapping) and "$ref" not in one:
            found += [("each " if one is schema.get("items") else "") + words for words in limits_of(one)]
    return found


def _row(name: str, schema: Schema, required: bool) -> Markup:
    said = []
    if description := schema.get("description"):
        said.append(description)
    said += limits_of(schema)
    if schema.get("default") is not None:
        said.append(f"without it `{_json(schema['default'])}`")
    mark = None if required else el("span", "optional", class_="optional")
    return el(
        "tr",
        el("th", el("code", name), mark, scope="row"),
        el("td", type_of(schema)),
        el("td", prose("; ".join(said))),
    )


def _whole(schema: Schema, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The properties of all that holds together."""
    if "$ref" in schema:
        return _whole(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    properties: dict[str, Schema] = dict(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        if "$ref" not in part and "properties" not in part:
            continue  # a rule about several fields; its description says it
        inner = _whole(part, schemas)
        properties |= inner["properties"]
        required |= inner["required"]
    return {"properties": properties, "required": required}


def _joined(parts: Iterable[Markup], between: str) -> Markup:
    return Markup(between.join(parts))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
