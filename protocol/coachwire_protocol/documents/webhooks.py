"""What the platform is posted about who was away, as the OpenAPI document says it (`webhooks`)."""

from typing import Any, Final

from ..notifications import NOTIFICATION_DATA
from .schemas import Schema, description, ref, schema_name

TAG: Final = "notifications"

_HEADERS: Final = {
    "webhook-id": "The same in each attempt.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and HMAC-SHA256 in base64; by each secret in use, with a space between.",
}


def webhooks(schemas: dict[str, Schema]) -> dict[str, Any]:
    """By the type of what is told; signed as Standard Webhooks says."""
    return {
        type_: _webhook(type_, ref(schema_name(data)), description(schemas, data))
        for type_, data in NOTIFICATION_DATA.items()
    }


def _webhook(type_: str, data: Schema, said: str) -> dict[str, Any]:
    told = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {"type": {"const": type_}, "timestamp": ref("Time"), "data": data},
    }
    post = {
        "operationId": f"notified.{type_}",
        "tags": [TAG],
        "summary": f"Told of {type_}.",
        "description": said,
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": means,
                "schema": {"type": "string"},
            }
            for name, means in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": told}}},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Not to be posted again."},
            "default": {"description": "Posted again later, for a day or two at most."},
        },
    }
    return {"post": post}
