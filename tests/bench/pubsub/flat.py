"""Whether a figure that was read again and again has stayed flat; pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """How much a figure may grow over a run: a share of its level, and a little beside."""

    what: str
    unit: str
    share: float
    beside: float


@dataclass(frozen=True)
class Verdict:
    """The figure's level at the beginning and at the end, by a line through all of it."""

    limit: Limit
    begin: float
    end: float
    highest: float

    @property
    def flat(self) -> bool:
        """Whether it has grown by no more than it may."""
        return self.end - self.begin <= self.limit.share * self.begin + self.limit.beside


def judge(limit: Limit, values: Sequence[float]) -> Verdict:
    """Return the verdict on values read at equal distances of time, warm-up left out."""
    if len(values) < 2:
        raise ValueError(f"{limit.what} was read {len(values)} times: at least 2 are needed")
    times = range(len(values))
    slope, start = statistics.linear_regression(times, values)
    return Verdict(limit, start, start + slope * times[-1], max(values))
