"""A refused request over REST: RFC 9457, and what we add to it."""

from msgspec import UNSET, Struct, UnsetType

from .errors import FieldError


class Problem(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Why the request was refused: `detail` for people, `code` for machines; `errors` lists every offending field."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retry_after_ms: int | UnsetType = UNSET
    errors: tuple[FieldError, ...] | UnsetType = UNSET
