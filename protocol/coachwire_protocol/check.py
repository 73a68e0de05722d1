"""Everything that is wrong with a value: the slow pass, taken only after the fast one has refused."""

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, ValidationError, inspect

from .conversations import AROUND_PATTERN
from .errors import BadRequest, FieldError
from .ids import UUID_PATTERN
from .shape import Wire
from .topics import TOPIC_PATTERN

W = TypeVar("W", bound=Wire)

MAX_TAINTED: Final = 32  # fields reported for bad characters; they may be of any number and name


def checked(kind: type[W], value: object, *, strict: bool = True) -> W:
    """The struct, or BadRequest with every offending field.

    `strict=False` reads numbers and truth values from text, as a query has them.
    """
    tag = kind.__struct_config__.tag
    details = tainted(value)
    if tag is not None and isinstance(value, dict):
        # `type` and `ref` belong to the socket: in a body over REST they are unknown keys.
        value = {key: inner for key, inner in value.items() if key != "ref"} | {"type": tag}
    if not details:
        try:
            return msgspec.convert(value, kind, strict=strict)
        except ValidationError:
            pass
    raise BadRequest(details=in_order(kind, [*problems(kind, value, strict=strict), *details]))


def read_body(raw: bytes) -> dict[str, Any]:
    """The object in a body, not checked any further: see `checked`. BadRequest for anything else."""
    try:
        value = read_json(raw.decode())
    except ValueError:  # UnicodeDecodeError is one
        raise BadRequest("Expected JSON in the body.") from None
    if not isinstance(value, dict):
        raise BadRequest(details=[FieldError("", _sentence("an object", value))])
    return value


def read_json(text: str) -> Any:
    """Raises ValueError for what is no JSON or nests too deep. Lone surrogates pass here: see `tainted`."""
    try:
        return json.loads(text, parse_int=_read_int, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def tainted(value: object) -> list[FieldError]:
    """The fields that hold a NUL or a lone surrogate, in a string or in a key of an object, at any depth."""
    found: dict[str, FieldError] = {}
    waiting: list[tuple[str, object]] = [("", value)]  # a stack of our own: nesting is the sender's choice
    while waiting and len(found) < MAX_TAINTED:
        path, part = waiting.pop()
        if isinstance(part, str):
            if problem := _bad_character(part):
                found.setdefault(path, FieldError(path, problem))
        elif isinstance(part, dict):
            for key, inner in part.items():
                if problem := _bad_character(key):
                    found.setdefault(path, FieldError(path, problem))
                elif isinstance(inner, str | dict | list):
                    waiting.append((_below(path, key), inner))
        elif isinstance(part, list):
            waiting.extend((path, inner) for inner in part if isinstance(inner, str | dict | list))
    return list(found.values())


def problems(kind: type[Wire], value: object, path: str = "", *, strict: bool = True) -> list[FieldError]:
    """Every offending field in the order of declaration; the rules over several fields come last."""
    if not isinstance(value, dict):
        return [FieldError(path, _sentence(_expected(kind), value))]
    found: list[FieldError] = []
    sound: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        at = _below(path, field.encode_name)
        if field.encode_name not in value:
            if field.required:
                found.append(FieldError(at, f"Expected {_expected(field.type)}, got nothing."))
            else:
                sound[field.name] = field.default
        elif wrong := _problems_of(field.type, value[field.encode_name], at, strict):
            found.extend(wrong)
        else:
            sound[field.name] = msgspec.convert(value[field.encode_name], field.type, strict=strict)
    found.extend(
        FieldError(_below(path, rule.field), problem)
        for rule in kind.RULES
        if sound.keys() >= set(rule.judges)
        and (problem := rule.broken(*(sound[name] for name in rule.judges)))
    )
    return found


def in_order(kind: type[Wire], details: list[FieldError]) -> list[FieldError]:
    """One entry a field, in the order of declaration; what is not declared comes last."""
    places = {field.encode_name: place for place, field in enumerate(msgspec.structs.fields(kind))}
    once: dict[str, FieldError] = {}
    for detail in details:
        once.setdefault(detail.field, detail)
    return sorted(once.values(), key=lambda one: places.get(one.field.partition(".")[0], len(places)))


def _problems_of(declared: Any, value: object, path: str, strict: bool) -> list[FieldError]:
    try:
        msgspec.convert(value, declared, strict=strict)
    except (ValidationError, UnicodeEncodeError):  # the latter: a lone surrogate where no text belongs
        pass
    else:
        return []
    inner, meta = _bare(declared)
    if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, Wire):
        return problems(inner, value, path, strict=strict)
    if isinstance(value, list) and get_origin(inner) is tuple and _length_fits(value, meta):
        item = get_args(inner)[0]
        return [
            problem
            for place, one in enumerate(value)
            for problem in _problems_of(item, one, f"{path}.{place}", strict)
        ]
    return [FieldError(path, _sentence(_expected(declared), value))]


def _bare(declared: Any) -> tuple[Any, Meta | None]:
    """The declared type without `| None`, `| UnsetType` and Annotated; a real union stays."""
    meta = None
    if get_origin(declared) in (Union, UnionType):
        parts = [part for part in get_args(declared) if part not in (type(None), msgspec.UnsetType)]
        if len(parts) != 1:
            return declared, None
        declared = parts[0]
    if get_origin(declared) is Annotated:
        declared, meta = get_args(declared)[:2]
    return declared, meta


def _length_fits(value: list[object], meta: Meta | None) -> bool:
    least, most = (meta.min_length, meta.max_length) if meta else (None, None)
    return (least or 0) <= len(value) <= (math.inf if most is None else most)


def _sentence(expected: str, value: object) -> str:
    return f"Expected {expected}, got {_got(value)}."


@lru_cache(maxsize=512)
def _expected(declared: Any) -> str:
    return _phrase(inspect.type_info(declared))


def _phrase(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(type=inner):
            return _phrase(inner)
        case inspect.UnionType(types=types):
            return " or ".join(map(_phrase, types))
        case inspect.StrType(pattern=pattern) if pattern == UUID_PATTERN:
            return "a UUID in lower case"
        case inspect.StrType(pattern=pattern) if pattern == TOPIC_PATTERN:
            return "thread:, exercise: or metrics: and a UUID in lower case"
        case inspect.StrType(pattern=pattern) if pattern == AROUND_PATTERN:
            return "firstUnread or a UUID in lower case"
        case inspect.StrType(min_length=least, max_length=most):
            return f"text{_range(least, most, 'characters')}"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number{_range(least, most, '')}"
        case inspect.VarTupleType(min_length=least, max_length=most):
            return f"a list{_range(least, most, 'items')}"
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case inspect.DateType():
            return "a date such as 2026-01-31"
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case _:
            return "an object"


def _range(least: int | None, most: int | None, unit: str) -> str:
    of, unit = (" of", f" {unit}") if unit else ("", "")
    if least is not None and most is not None:
        return f"{of or ' from'} {least} to {most}{unit}"
    if most is not None:
        return f"{of} at most {most}{unit}"
    return "" if least is None else f"{of} at least {least}{unit}"


def _got(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return f"text of {_count(len(value), 'character')}"
        case list():
            return f"a list of {_count(len(value), 'item')}"
        case _:
            return "an object"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


_BAD: Final = re.compile("[\0\ud800-\udfff]")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


def _bad_character(text: str) -> str | None:
    if (found := _BAD.search(text)) is None:
        return None
    return "Expected text without NUL." if found[0] == "\0" else "Expected text without lone surrogates."


def _below(path: str, key: str) -> str:
    """The path of a key. A key that is no name is the sender's invention and is not repeated."""
    if not key:
        return path
    if _NAME.fullmatch(key) is None or len(path) > 64:
        return path or "?"
    return f"{path}.{key}" if path else key


def _read_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else math.inf  # longer than any limit here; int() is quadratic


def _refuse_constant(name: str) -> Mapping[str, object]:
    raise ValueError(f"{name} is no JSON")
