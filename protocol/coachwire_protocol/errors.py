"""Why a request was refused. Answered on the socket and over REST alike; the connection goes on.

ProtocolError
├── BadRequest           400
├── Unauthenticated      401
├── Forbidden            403
├── NotFound             404
├── Conflict             409
├── AttachmentNotReady   409
├── EditWindowOver       409
├── Gone                 410
├── TooLarge             413
├── RateLimited          429  may be sent again
├── Internal             500  may be sent again
├── Overloaded           503  may be sent again
└── Unavailable          503  may be sent again
"""

# The names are the codes on the wire; all of these are errors.

from collections.abc import Sequence
from typing import ClassVar, Final, Self

from msgspec import UNSET, Struct, UnsetType


class FieldError(Struct, frozen=True):
    """One offending field: where it stands (`to.membershipId`; empty for the whole), and what is wrong."""

    field: str
    message: str


class ErrorBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """The error as it stands in an answer."""

    code: str
    message: str
    retry_after_ms: int | UnsetType = UNSET
    details: tuple[FieldError, ...] | UnsetType = UNSET


class ProtocolError(Exception):
    """The request was refused."""

    code: ClassVar[str]
    status: ClassVar[int]
    may_retry: ClassVar[bool] = False  # the same request may be sent again, with the same id

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_ms: int | None = None,
        details: Sequence[FieldError] = (),
    ) -> None:
        self.message = message or _first_line(type(self))
        self.retry_after_ms = retry_after_ms
        self.details = tuple(details)
        super().__init__(self.message)

    @classmethod
    def at(cls, field: str, message: str) -> Self:
        """The error with one offending field."""
        return cls(details=(FieldError(field, message),))

    def body(self) -> ErrorBody:
        return ErrorBody(
            code=self.code,
            message=self.message,
            retry_after_ms=UNSET if self.retry_after_ms is None else self.retry_after_ms,
            details=self.details or UNSET,
        )


class BadRequest(ProtocolError):
    """The request is not as the contract says."""

    code, status = "bad_request", 400


class Unauthenticated(ProtocolError):
    """The token is missing, wrong or expired."""

    code, status = "unauthenticated", 401


class Forbidden(ProtocolError):
    """You may not do this."""

    code, status = "forbidden", 403


class NotFound(ProtocolError):
    """There is no such thing, or you may not see it."""

    code, status = "not_found", 404


class Conflict(ProtocolError):
    """The id or the thing is taken already."""

    code, status = "conflict", 409


class AttachmentNotReady(ProtocolError):
    """An attachment is not uploaded, not checked yet, or was refused."""

    code, status = "attachment_not_ready", 409


class EditWindowOver(ProtocolError):
    """The time in which this could be edited is over."""

    code, status = "edit_window_over", 409


class Gone(ProtocolError):
    """It was there, and is no more."""

    code, status = "gone", 410


class TooLarge(ProtocolError):
    """It is larger than the limit allows."""

    code, status = "too_large", 413


class RateLimited(ProtocolError):
    """Too many in too short a time."""

    code, status, may_retry = "rate_limited", 429, True


class Internal(ProtocolError):
    """Something went wrong on the server."""

    code, status, may_retry = "internal", 500, True


class Overloaded(ProtocolError):
    """The server is busy; try again a little later."""

    code, status, may_retry = "overloaded", 503, True


class Unavailable(ProtocolError):
    """This could not be settled now; the same request, sent again, tells what became of it."""

    code, status, may_retry = "unavailable", 503, True


ERRORS: Final[dict[str, type[ProtocolError]]] = {
    error.code: error
    for error in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        Gone,
        TooLarge,
        AttachmentNotReady,
        EditWindowOver,
        RateLimited,
        Overloaded,
        Unavailable,
        Internal,
    )
}


def _first_line(error: type[ProtocolError]) -> str:
    return (error.__doc__ or error.code).strip().partition("\n")[0]
