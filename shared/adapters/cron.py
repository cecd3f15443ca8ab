"""Cron as Debian's reads it, in any time zone, with the hours that clock changes take and give.

A run in an hour that the clocks skip is made at the change; one in an hour that comes twice is made
once, but for a cron of every hour or minute.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from shared.domain.errors import InvalidField

_FIELDS = 5
_BLINK = timedelta(microseconds=1)


class CronCalendar:
    """See `Calendar`."""

    def problems(self, cron: str, time_zone: str) -> list[InvalidField]:
        """See `Calendar.problems`."""
        problems = []
        if wrong := _problem_of_cron(cron):
            problems.append(InvalidField("cron", f"{cron!r} {wrong}"))
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            said = f"{time_zone!r} is not a time zone such as Europe/Berlin"
            problems.append(InvalidField("time_zone", said))
        return problems

    def next_after(self, cron: str, time_zone: str, moment: datetime) -> datetime | None:
        """See `Calendar.next_after`."""
        return _first(CronSim(cron, moment.astimezone(ZoneInfo(time_zone))))

    def last_until(self, cron: str, time_zone: str, moment: datetime) -> datetime | None:
        """See `Calendar.last_until`."""
        start = (moment + _BLINK).astimezone(ZoneInfo(time_zone))
        return _first(CronSim(cron, start, reverse=True))


def _first(runs: Iterator[datetime]) -> datetime | None:
    run = next(runs, None)
    return run.astimezone(UTC) if run else None


def _problem_of_cron(cron: str) -> str:
    if not cron.isascii() or len(cron.split()) != _FIELDS:
        return "is not a cron of five fields: minute hour day month weekday"
    try:
        runs = CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as wrong:
        return f"is not a cron: {str(wrong).lower()}"
    return "" if next(runs, None) else "never comes"
