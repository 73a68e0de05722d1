"""The AsyncAPI 3.0 document of the socket: what clients ask, what the server answers and tells, and why it closes.

Said from the server's side: what it receives is a request, what it sends is everything else.
"""

from collections.abc import Iterable
from typing import Any, Final, get_args

from ..close import CloseCode
from ..envelopes import ErrorFrame, EventFrame, NoticeFrame, OkFrame, SignalFrame
from ..schema import (
    EVENT_DATA,
    NOTICE_DATA,
    OK_DATA,
    REQUEST_TYPES,
    SIGNAL_DATA,
    EventKind,
    Frame,
)
from ..session import Hello, Live, Ping, Pong, UnreadFrame, Welcome
from ..shape import Wire
from ..topics import TopicClosed, TopicOpened
from .schemas import CONTRACT_VERSION, LICENSE, Schema, components, description, in_use, ref, schema_name

ADDRESS: Final = "/v1/ws"
SUBPROTOCOL: Final = "coachwire.v1.json"

_CHANNEL: Final = f"""\
Text frames of at most 64 KiB, each a JSON object, or an array of 1 to 32 of them in either direction; `hello`,
`welcome` and `live` come alone. `hello` comes first, within 10 s. A client that offers sub-protocols offers
`{SUBPROTOCOL}`.

An upgrade is refused with 400 (no such sub-protocol), 403 (a browser's origin that is not allowed) or 503 with
`Retry-After` (overload, or the server is leaving).

What a client does not know, keys and kinds of events, it ignores.

Closed by code; below 4500 the client comes back by itself and resumes, except after 1009:

"""
_REF: Final = {
    "description": "The request's `ref`, repeated in its answer.",
    "location": "$message.payload#/ref",
}


def asyncapi() -> dict[str, Any]:
    """A new document, as a tree of plain objects."""
    schemas = components(
        [
            *REQUEST_TYPES.values(),
            *get_args(Frame),
            *(data for data in OK_DATA.values() if data is not None),
            *EVENT_DATA.values(),
            *SIGNAL_DATA.values(),
            *NOTICE_DATA.values(),
        ]
    )
    messages = dict(_messages(schemas))
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Coachwire",
            "version": CONTRACT_VERSION,
            "description": "Messages between coaches and members over one socket. Routes: /openapi.json.",
            "license": LICENSE,
        },
        "defaultContentType": "application/json",
        "servers": {
            "installation": {
                "host": "{host}",
                "protocol": "wss",
                "description": "Plain `ws` on the same machine.",
                "variables": {"host": {"default": "localhost:8080", "description": "Where Coachwire runs."}},
            }
        },
        "channels": {
            "socket": {
                "address": ADDRESS,
                "title": "The socket",
                "description": _CHANNEL
                + "".join(f"- {int(code)} {code.reason}\n" for code in sorted(CloseCode)),
                "servers": [{"$ref": "#/servers/installation"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-close-codes": [
                    {"code": int(code), "reason": code.reason, "reconnect": code.reconnect}
                    for code in sorted(CloseCode)
                ],
            }
        },
        "operations": {name: _received(name, messages) for name in REQUEST_TYPES} | _sent(messages),
        "components": {"messages": messages},
    }
    document["components"]["schemas"] = in_use(schemas, document)
    return document


def _messages(schemas: dict[str, Schema]) -> Iterable[tuple[str, dict[str, Any]]]:
    """By name: `message.send` is the request, `ok.message.send` its answer, `event.message.created` an event."""

    def message(name: str, payload: Schema, said: str, **more: Any) -> tuple[str, dict[str, Any]]:
        return name, {"name": name, "title": name, "summary": said, "payload": payload} | more

    def plain(name: str, kind: type[Wire], **more: Any) -> tuple[str, dict[str, Any]]:
        return message(name, ref(schema_name(kind)), description(schemas, kind), **more)

    for name, request in REQUEST_TYPES.items():
        yield plain(name, request, **({} if request is Hello else {"correlationId": _REF}))
    for request, data in OK_DATA.items():
        name = str(request.__struct_config__.tag)
        said = "Carried out." if data is None else description(schemas, data)
        yield message(f"ok.{name}", _around(OkFrame, {"data": _data(data)}, ()), said, correlationId=_REF)
    yield plain("error", ErrorFrame, correlationId=_REF)
    yield plain("pong", Pong, correlationId=_REF)
    for frame in (Welcome, Live, UnreadFrame, TopicOpened, TopicClosed):
        yield plain(str(frame.__struct_config__.tag), frame)
    for kind, data in EVENT_DATA.items():
        payload = _around(
            EventFrame, {"kind": {"const": str(kind)}, "data": _data(data)}, ("organizationId", "data")
        )
        yield message(f"event.{kind}", payload, description(schemas, data))
    covering = _around(EventFrame, {"kind": {"const": str(EventKind.SKIPPED)}}, ("through",))
    said = "Nothing for this client from `position` through `through`: the server vouches for it."
    yield message(f"event.{EventKind.SKIPPED}", covering, said)
    for signal, data in SIGNAL_DATA.items():
        payload = _around(SignalFrame, {"kind": {"const": str(signal)}, "data": _data(data)}, ())
        yield message(f"signal.{signal}", payload, description(schemas, data))
    for notice, data in NOTICE_DATA.items():
        payload = _around(NoticeFrame, {"kind": {"const": str(notice)}, "data": _data(data)}, ())
        yield message(f"notice.{notice}", payload, description(schemas, data))


def _around(frame: type[Wire], properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    """The frame with what stands in it here."""
    inside: Schema = {"properties": properties}
    return {"allOf": [ref(schema_name(frame)), inside | ({"required": list(required)} if required else {})]}


def _data(data: type[Wire] | None) -> Schema:
    return {"maxProperties": 0} if data is None else ref(schema_name(data))


def _received(name: str, messages: dict[str, Any]) -> dict[str, Any]:
    request = REQUEST_TYPES[name]
    if request is Hello:
        answers = ["welcome", "live"]
    elif request is Ping:
        answers = ["pong"]
    else:
        answers = [f"ok.{name}", "error"]
    return {
        "action": "receive",
        "title": name,
        "channel": {"$ref": "#/channels/socket"},
        "summary": messages[name]["summary"],
        "messages": [_on_channel(name)],
        "reply": {"channel": {"$ref": "#/channels/socket"}, "messages": list(map(_on_channel, answers))},
    }


def _sent(messages: dict[str, Any]) -> dict[str, Any]:
    told = {
        "events": ("Something durable: the next position of a stream, or of a topic.", "event."),
        "signals": ("Something without a position, which may be lost.", "signal."),
        "notices": ("Something about the connection itself.", "notice."),
        "counts": ("What is unread, exact when sent.", "unread"),
        "topics": ("A topic that hello asked for, and the end of one.", "topic."),
    }
    return {
        name: {
            "action": "send",
            "title": name,
            "channel": {"$ref": "#/channels/socket"},
            "summary": said,
            "messages": [
                _on_channel(one) for one in messages if one.startswith(prefix) and one not in REQUEST_TYPES
            ],
        }
        for name, (said, prefix) in told.items()
    }


def _on_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{name}"}
