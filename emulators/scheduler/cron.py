"""When a schedule fires next. Pure; of unix-cron it knows `* * * * *` and `*/N * * * *` only."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_FORM = re.compile(r"\*(?:/(\d{1,2}))? \* \* \* \*")
_LARGEST_STEP = 59


@dataclass(frozen=True)
class EveryMinutes:
    """Fires at each minute of the hour that `step` divides."""

    step: int

    @classmethod
    def parse(cls, schedule: str) -> "EveryMinutes":
        """Read a schedule.

        Raises:
            ValueError: it is of a form, or has a step, that this stand-in does not know.
        """
        match = _FORM.fullmatch(schedule)
        if match is None:
            raise ValueError(
                f"schedule {schedule!r} is not supported; use '* * * * *' or '*/N * * * *'"
            )
        step = int(match[1] or 1)
        if not 1 <= step <= _LARGEST_STEP:
            raise ValueError(f"step {step} of schedule {schedule!r} must be 1 to {_LARGEST_STEP}")
        return cls(step)

    def next_after(self, moment: datetime) -> datetime:
        """The first firing time after `moment`."""
        minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while minute.minute % self.step:
            minute += timedelta(minutes=1)
        return minute
