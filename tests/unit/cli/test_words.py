"""Times, durations and texts as people read them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cli.words import age, clock, cut, duration, moment_of, plain

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def after(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (1.9, "now"),
        (2, "2 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "119 min ago"),
        (7200, "2 h ago"),
        (2 * 86400 - 1, "47 h ago"),
        (2 * 86400, "2 d ago"),
        (-300, "in 5 min"),
    ],
)
def test_an_age_has_one_unit(seconds, said):
    assert age(after(-seconds), NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (-1, "0 ms"),
        (0.0846, "85 ms"),
        (0.999, "999 ms"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (100 * 3600, "100 h 0 min"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, said):
    assert duration(after(0), after(seconds)) == said


@pytest.mark.parametrize(("start", "end"), [(None, None), (after(0), None), (None, after(0))])
def test_what_is_not_over_has_no_duration(start, end):
    assert duration(start, end) == ""


def test_a_clock_time_has_milliseconds_and_its_zone():
    assert clock("2026-11-24T13:00:00.250999+01:00") == "2026-11-24 12:00:00.250 UTC"
    assert clock(None) == "-"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2026-11-24T10:00:00Z", NOW - timedelta(hours=2)),
        ("2026-11-24T11:00:00+01:00", NOW - timedelta(hours=2)),
        ("2026-11-24T10:00", NOW - timedelta(hours=2)),
        ("2026-11-24", NOW - timedelta(hours=12)),
    ],
)
def test_a_moment_is_relative_or_a_date(text, moment):
    assert moment_of(text, NOW) == moment


def test_a_moment_without_a_zone_is_utc_wherever_the_machine_stands(monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        moment = moment_of("2026-11-24T10:00", NOW)
    time.tzset()

    assert moment == NOW - timedelta(hours=2)


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "2w", "yesterday"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(ValueError, match=r".*"):
        moment_of(text, NOW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12345", "12345"),
        ("123456", "1234…"),
        ("ab\ncd", "ab…"),
        ("ab\n", "ab"),
        ("", ""),
        ("a\x1b[0m", r"a\x1…"),
    ],
)
def test_a_text_is_cut_to_one_line(text, shown):
    assert cut(text, 5) == shown


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text):
    assert all(character.isprintable() or character in "\n\t" for character in plain(text))


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_a_cut_text_is_never_longer_than_asked(text, length):
    assert len(cut(text, length)) <= length
    assert "\n" not in cut(text, length)
