"""How schedules look to a person. Draws what it is given; asks nobody."""

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from shared.cli.listing import Listing
from shared.cli.words import age, plain
from shared.client.schedules import ScheduleJson


def schedule_table(schedules: Sequence[ScheduleJson], now: datetime) -> Listing:
    """A line a schedule."""
    table = Listing("NAME", "TYPE", "CRON", "ZONE", "NEXT", "LAST", "MISSED", "FROM")
    for one in schedules:
        table.add_row(
            Text(plain(one["name"]), no_wrap=True),
            plain(one["task_type"]),
            plain(one["cron"]),
            plain(one["time_zone"]),
            _next(one, now),
            age(one["last_at"], now) if one["last_at"] else "-",
            plain(one["missed"]),
            "task.yaml" if one["origin"] == "file" else "API",
        )
    return table


def _next(schedule: ScheduleJson, now: datetime) -> Text:
    if schedule["paused"]:
        return Text("⏸ paused", style="yellow")
    return Text(age(schedule["next_at"], now) if schedule["next_at"] else "never")
