"""Frames in and out. Bytes become requests in one pass; a bad request is a value; events are encoded once."""

from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import DecodeError, Struct, UnsetType, ValidationError

from .check import in_order, problems, read_json, tainted
from .close import CloseCode, Closed
from .errors import BadRequest, FieldError, ProtocolError
from .ids import Ref
from .schema import REQUEST_TYPES, Request
from .session import MAX_FRAMES, Hello

encode = msgspec.json.Encoder().encode

_decode = msgspec.json.Decoder(Request | list[Request]).decode
_BACKSLASH: Final = ord("\\")
_BLANK: Final = " \t\r\n"  # what JSON takes for white space


class Refused(NamedTuple):
    """A request that is not as the contract says, to be answered with `error_frame`."""

    ref: Ref | None
    error: ProtocolError


def parse(frame: bytes) -> list[Request | Refused]:
    """The requests of a frame, each in its place and checked, or refused.

    An empty array or text is no request. Of a key that comes twice the last counts. Raises Closed (4501), and
    nothing else, for what is not JSON, or not an object or an array of at most 32 of them, for a hello in an
    array, and for a malformed hello.
    """
    if not frame.isascii():
        _text(frame)  # what is not UTF-8 is no JSON either; the decoder would not look into what it skips
    if _BACKSLASH in frame and _may_be_tainted(frame):
        return _parse_slowly(frame)
    try:
        found: Any = _decode(frame)
    except (DecodeError, RecursionError):
        return _parse_slowly(frame)
    if type(found) is not list:
        return [cast("Request", found)]
    if len(found) > MAX_FRAMES:
        raise Closed(CloseCode.BAD_FRAME, "more than 32 requests in a frame")
    for request in found:
        if type(request) is Hello:
            raise Closed(CloseCode.BAD_FRAME, "a hello in an array")
    return cast("list[Request | Refused]", found)


def ok_frame(ref: Ref, data: bytes | Struct | None = None, position: int | None = None) -> bytes:
    """`data` is an object, encoded or not; without it the answer carries an empty one."""
    name = b"%d" % ref if type(ref) is int else encode(ref)
    body = b"{}" if data is None else data if type(data) is bytes else encode(data)
    if position is None:
        return b'{"type":"ok","ref":%b,"data":%b}' % (name, body)
    return b'{"type":"ok","ref":%b,"data":%b,"position":%d}' % (name, body, position)


def error_frame(ref: Ref | UnsetType | None, error: ProtocolError) -> bytes:
    """The answer to a refused request; `ref` is null when there is none."""
    name = b"null" if ref is None or isinstance(ref, UnsetType) else encode(ref)
    return b'{"type":"error","ref":%b,"error":%b}' % (name, encode(error.body()))


class Event:
    """An event, encoded once for all who get it: only the position differs, and stands last."""

    __slots__ = ("_head", "kind", "organization_id", "topic")

    def __init__(
        self, kind: str, organization_id: str, data: bytes | Struct, topic: str | None = None
    ) -> None:
        self.kind = kind
        self.organization_id = organization_id
        self.topic = topic
        self._head = b'{"type":"event","kind":"%b","organizationId":"%b",%b"data":%b,"position":' % (
            kind.encode(),
            organization_id.encode(),
            b"" if topic is None else b'"topic":"%b",' % topic.encode(),
            data if isinstance(data, bytes) else encode(data),
        )

    def frame(self, position: int) -> bytes:
        return self._head + b"%d}" % position


def skipped_frame(position: int, through: int, topic: str | None = None) -> bytes:
    """The server vouches for `position` to `through`: there is nothing in them for this client."""
    name = b"" if topic is None else b'"topic":"%b",' % topic.encode()
    return b'{"type":"event","kind":"skipped",%b"position":%d,"through":%d}' % (name, position, through)


def signal_frame(kind: str, organization_id: str, data: bytes | Struct) -> bytes:
    return b'{"type":"signal","kind":"%b","organizationId":"%b","data":%b}' % (
        kind.encode(),
        organization_id.encode(),
        data if isinstance(data, bytes) else encode(data),
    )


def notice_frame(kind: str, data: bytes | Struct) -> bytes:
    return b'{"type":"notice","kind":"%b","data":%b}' % (
        kind.encode(),
        data if isinstance(data, bytes) else encode(data),
    )


def _parse_slowly(frame: bytes) -> list[Request | Refused]:
    text = _text(frame)
    if not text.strip(_BLANK):
        return []
    try:
        value = read_json(text)
    except ValueError:
        raise Closed(CloseCode.BAD_FRAME, "invalid JSON") from None
    elements = value if isinstance(value, list) else [value]
    if len(elements) > MAX_FRAMES:
        raise Closed(CloseCode.BAD_FRAME, "more than 32 requests in a frame")
    if not all(isinstance(element, dict) for element in elements):
        raise Closed(CloseCode.BAD_FRAME, "neither an object nor an array of objects")
    if elements is value and any(element.get("type") == "hello" for element in elements):
        raise Closed(CloseCode.BAD_FRAME, "a hello in an array")
    return [_request_or_refused(element) for element in elements]


def _request_or_refused(element: dict[str, Any]) -> Request | Refused:
    bad = tainted(element)
    kind = REQUEST_TYPES.get(named) if isinstance(named := element.get("type"), str) else None
    if kind is None:
        unknown = FieldError("type", "Expected the type of a request.")
        return Refused(
            _ref(element), BadRequest(details=[unknown, *(one for one in bad if one.field != "type")])
        )
    if not bad:
        try:
            return cast("Request", msgspec.convert(element, kind))
        except ValidationError:
            pass
    if kind is Hello:
        raise Closed(CloseCode.BAD_FRAME, "a malformed hello")
    return Refused(_ref(element), BadRequest(details=in_order(kind, [*problems(kind, element), *bad])))


def _ref(element: dict[str, Any]) -> Ref | None:
    """What can be echoed: a ref that is not valid, or could not be encoded, is not."""
    ref = element.get("ref")
    if ref is None or tainted(ref):
        return None
    try:
        return cast("Ref", msgspec.convert(ref, cast("Any", Ref)))
    except ValidationError:
        return None


def _text(frame: bytes) -> str:
    try:
        return frame.decode()
    except UnicodeDecodeError:
        raise Closed(CloseCode.BAD_FRAME, "not UTF-8") from None


def _may_be_tainted(frame: bytes) -> bool:
    """Whether an escape may stand for NUL or half a pair. Errs on the safe side: the slow pass decides."""
    return b"\\u0000" in frame or b"\\ud" in frame or b"\\uD" in frame
