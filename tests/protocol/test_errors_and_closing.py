"""The tables of error codes and close codes, as the contract has them."""

import pytest
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import ERRORS, BadRequest, FieldError, NotFound, RateLimited
from coachwire_protocol.frames import encode


def test_every_code_has_its_status_and_says_whether_to_send_again() -> None:
    assert {code: (error.status, error.may_retry) for code, error in ERRORS.items()} == {
        "bad_request": (400, False),
        "unauthenticated": (401, False),
        "forbidden": (403, False),
        "not_found": (404, False),
        "conflict": (409, False),
        "gone": (410, False),
        "too_large": (413, False),
        "attachment_not_ready": (409, False),
        "edit_window_over": (409, False),
        "rate_limited": (429, True),
        "overloaded": (503, True),
        "unavailable": (503, True),
        "internal": (500, True),
    }


def test_an_error_says_the_first_line_of_its_docstring() -> None:
    assert encode(NotFound().body()) == (
        b'{"code":"not_found","message":"There is no such thing, or you may not see it."}'
    )
    assert all(error().message.endswith(".") for error in ERRORS.values())


def test_an_error_can_say_when_to_come_back() -> None:
    assert encode(RateLimited("Slowly.", retry_after_ms=0).body()) == (
        b'{"code":"rate_limited","message":"Slowly.","retryAfterMs":0}'
    )


def test_an_error_lists_its_fields() -> None:
    assert BadRequest.at("to", "No.").details == (FieldError("to", "No."),)
    assert encode(BadRequest("Wrong.", details=[FieldError("a.b", "No.")]).body()) == (
        b'{"code":"bad_request","message":"Wrong.","details":[{"field":"a.b","message":"No."}]}'
    )


@pytest.mark.parametrize(
    ("code", "reason", "reconnect"),
    [
        (1001, "going away", True),
        (1009, "frame too large", False),
        (1011, "internal error", True),
        (1012, "service restart", True),
        (1013, "try again later", True),
        (4000, "draining or stream reset", True),
        (4001, "slow consumer", True),
        (4002, "no pong", True),
        (4003, "position jump", True),
        (4004, "token expired", True),
        (4005, "sustained excess", True),
        (4006, "no hello", True),
        (4500, "bad token", False),
        (4501, "bad frame", False),
        (4502, "version", False),
        (4503, "account disabled or erased", False),
        (4504, "too many connections", False),
        (4505, "replaced by the same device", False),
        (4506, "signed out", False),
    ],
)
def test_a_close_code_says_whether_to_come_back(code: int, reason: str, reconnect: bool) -> None:
    assert (CloseCode(code).reason, CloseCode(code).reconnect) == (reason, reconnect)


def test_the_table_of_close_codes_is_complete() -> None:
    assert [code.value for code in CloseCode] == [
        *(1001, 1009, 1011, 1012, 1013),
        *range(4000, 4007),
        *range(4500, 4507),
    ]


def test_a_closed_socket_tells_code_and_detail() -> None:
    closed = Closed(CloseCode.BAD_FRAME, "invalid JSON")
    assert (closed.code, str(closed)) == (CloseCode.BAD_FRAME, "4501 bad frame: invalid JSON")
    assert str(Closed(CloseCode.NO_PONG)) == "4002 no pong"
