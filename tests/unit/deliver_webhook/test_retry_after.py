"""What a `Retry-After` asks for, and how far it is obeyed."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from functions.deliver_webhook.retry_after import retry_after_seconds

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 400, 86_400),
        ("Tue, 24 Nov 2026 09:05:00 GMT", 300),
        ("Tue, 24 Nov 2026 09:05:00 -0000", 300),
        ("Thu, 26 Nov 2026 09:05:00 GMT", 86_400),
        ("Tue, 24 Nov 2026 10:05:00 +0100", 300),
        ("0", 2),
        ("Tue, 24 Nov 2026 08:00:00 GMT", 2),
    ],
)
def test_seconds_and_dates_are_obeyed_within_bounds(header, expected):
    assert expected == retry_after_seconds(header, NOW, attempt=1)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "١٢",
        "Tue, 99 Nov 2026 09:05:00 GMT",
    ],
)
def test_what_is_neither_says_nothing(header):
    assert retry_after_seconds(header, NOW, attempt=1) is None


def test_the_shortest_wait_grows_so_that_attempts_are_not_burnt():
    waits = [retry_after_seconds("0", NOW, attempt=attempt) for attempt in (1, 2, 3, 9, 10, 100)]

    assert waits == [2, 4, 8, 512, 512, 512]


@given(st.text(max_size=60))
@example("Mon, 01 Jan 0001 00:00:00 +2300")
@example("Fri, 31 Dec 9999 23:59:59 -2300")
@example("Mon, 01 Jan 0000 00:00:00 GMT")
def test_no_text_is_an_error(header):
    waits = retry_after_seconds(header, NOW, attempt=1)

    assert waits is None or 2 <= waits <= 86_400


@given(st.timedeltas())
def test_any_date_is_within_bounds(distance):
    try:
        header = format_datetime(datetime.fromtimestamp(NOW, UTC) + distance, usegmt=True)
    except OverflowError:  # before year 1 or after 9999
        reject()

    assert 2 <= retry_after_seconds(header, NOW, attempt=1) <= 86_400
