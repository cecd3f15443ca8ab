"""What a handler may raise: which values make sense."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.outcome import RetryLater, Snooze


@pytest.mark.parametrize(("asked", "kept"), [(-1, 0), (0, 0), (0.5, 0.5), (3e9, 3e9)])
def test_a_retry_may_come_after_any_length_of_time(asked, kept):
    assert RetryLater(asked).after_seconds == kept


@pytest.mark.parametrize("asked", [math.inf, math.nan, 1e10])
def test_what_is_no_time_is_refused_where_the_handler_says_it(asked):
    with pytest.raises(ValueError, match="hundred years"):
        RetryLater(asked)


def test_a_snooze_needs_to_know_where_its_clock_hangs():
    with pytest.raises(ValueError, match="aware"):
        Snooze(datetime(2027, 1, 1))  # noqa: DTZ001
    assert Snooze(datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=1)).until.day == 2
