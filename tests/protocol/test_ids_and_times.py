"""Ids, times and cursors in the one form that the wire knows."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from coachwire_protocol.conversations import decode_cursor, encode_cursor
from coachwire_protocol.errors import BadRequest, FieldError
from coachwire_protocol.ids import is_id
from coachwire_protocol.times import parse_time, wire_time
from coachwire_protocol.topics import is_topic

from .ids import GYM, MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        GYM.upper(),
        GYM + "\n",
        "\n" + GYM,
        GYM[:-1],
        GYM + "0",
        GYM.replace("-", ""),
        "{" + GYM + "}",
        "urn:uuid:" + GYM,
        GYM.replace("0", "٠"),
        GYM[:35] + "g",
    ],
)
def test_only_a_lower_case_uuid_is_an_id(text: str) -> None:
    assert is_id(GYM)
    assert not is_id(text)


def test_a_topic_is_a_known_kind_and_an_id() -> None:
    assert is_topic(f"thread:{GYM}")
    assert is_topic(f"exercise:{GYM}")
    assert is_topic(f"metrics:{GYM}")
    assert not is_topic(f"user:{GYM}")
    assert not is_topic(f"thread:{GYM}\n")
    assert not is_topic("thread:")


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "2026-01-31T09:30:00.000000Z"),
        (datetime(2026, 1, 31, 9, 30, 0, 1, tzinfo=UTC), "2026-01-31T09:30:00.000001Z"),
        (datetime(2026, 1, 31, 9, 30, 5, 120000, tzinfo=UTC), "2026-01-31T09:30:05.120000Z"),
        (datetime(33, 1, 1, tzinfo=UTC), "0033-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_has_six_digits_and_comes_back_the_same(at: datetime, text: str) -> None:
    assert wire_time(at) == text
    assert parse_time(text) == at


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    jerusalem = timezone(timedelta(hours=2))
    assert wire_time(datetime(2026, 1, 31, 11, 30, tzinfo=jerusalem)) == "2026-01-31T09:30:00.000000Z"
    assert wire_time(datetime(2026, 1, 31, 11, 30, tzinfo=timezone.utc)) == "2026-01-31T11:30:00.000000Z"  # noqa: UP017 - the name drivers use


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        wire_time(datetime(2026, 1, 31))  # noqa: DTZ001 - this is what is tested


def test_a_time_with_fewer_digits_is_read() -> None:
    assert parse_time("2026-01-31T09:30:00.25Z") == datetime(2026, 1, 31, 9, 30, 0, 250000, tzinfo=UTC)
    assert parse_time("2026-01-31T09:30:00Z") == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30:00+02:00",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:00.0000000Z",
        "2026-02-30T09:30:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:30:60Z",
        "2026-01-31T09:30:00Z\n",
        "0000-01-01T00:00:00Z",
        "٢026-01-31T09:30:00Z",
    ],
)
def test_any_other_form_of_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 31, 9, 30, 0, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_a_cursor_gives_back_its_time_and_id(at: datetime) -> None:
    assert decode_cursor(encode_cursor(at, MESSAGE)) == (at, MESSAGE)
    assert len(encode_cursor(at, MESSAGE)) == 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "A" * 31,
        "A" * 33,
        "f" * 32,
        " " + "A" * 31,
        "A" * 32 + "\n",
        "A" * 36,
        "\ud800",
        "====",
        encode_cursor(datetime(2026, 1, 1, tzinfo=UTC), MESSAGE)[:-1] + "!",
    ],
)
def test_any_other_cursor_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        decode_cursor(text)
    assert refusal.value.details == (FieldError("cursor", "Expected a cursor from an earlier answer."),)
