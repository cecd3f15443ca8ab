from datetime import UTC, datetime

import pytest

from emulators.scheduler.cron import EveryMinutes


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "then"),
    [
        ("* * * * *", at(10, 0, 59), at(10, 1)),
        ("* * * * *", at(10, 0, 0), at(10, 1)),
        ("*/5 * * * *", at(10, 4, 59), at(10, 5)),
        ("*/5 * * * *", at(10, 5), at(10, 10)),
        ("*/7 * * * *", at(10, 56), at(11, 0)),
        ("*/59 * * * *", at(23, 59), datetime(2026, 11, 25, tzinfo=UTC)),
    ],
)
def test_the_next_firing_is_on_the_minute_and_later_than_now(schedule, now, then):
    assert EveryMinutes.parse(schedule).next_after(now) == then


@pytest.mark.parametrize(
    "schedule", ["0 3 * * *", "*/0 * * * *", "*/60 * * * *", "every 5 minutes", "* * * *", ""]
)
def test_other_schedules_are_refused_by_name(schedule):
    with pytest.raises(ValueError, match="schedule"):
        EveryMinutes.parse(schedule)
