"""The rows: what is measured, beside whom, and what is aimed at. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OURS: Final = "ours"
Samples = Mapping[str, Sequence[float]]
"""By who was measured, in the order of the rounds."""


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratios` bound ours over each of the others; `bound` ours itself.

    `higher` says whether more is better. `alarm` is what the guard in the tests allows of the ratio
    to the first floor: far wider, for other machines are noisy.
    """

    key: str
    what: str
    unit: str
    higher: bool = True
    ratios: Mapping[str, float] | None = None
    bound: float | None = None
    scale: float = 1.0

    def goal(self) -> str:
        """The goal in words."""
        sign = "≥" if self.higher else "≤"
        parts = [f"{sign} {ratio:g} × {whom}" for whom, ratio in (self.ratios or {}).items()]
        if self.bound is not None:
            parts.append(f"{sign} {self.bound:,g} {self.unit}")
        return ", ".join(parts)

    def value(self, samples: Samples, whom: str = OURS) -> float | None:
        """The median in the row's unit; None where nothing was measured."""
        found = samples.get(whom)
        return statistics.median(found) * self.scale if found else None

    def ratio(self, samples: Samples, whom: str) -> float | None:
        """The median over the rounds of ours by theirs, each pair measured close together."""
        pairs = zip(samples.get(OURS, ()), samples.get(whom, ()), strict=False)
        found = [ours / theirs for ours, theirs in pairs if theirs]
        return statistics.median(found) if found else None

    def missed(self, samples: Samples) -> list[str]:
        """Each part of the goal that is not met, in words; those not measured are left out."""
        failed = []
        for whom, wanted in (self.ratios or {}).items():
            ratio = self.ratio(samples, whom)
            if ratio is not None and not self._keeps(ratio, wanted):
                failed.append(f"{ratio:.2f} × {whom}")
        ours = self.value(samples)
        if ours is not None and self.bound is not None and not self._keeps(ours, self.bound):
            failed.append(f"{ours:,.3g} {self.unit}")
        return failed

    def judged(self, samples: Samples) -> bool:
        """Whether any part of the goal was measured."""
        whom = any(self.ratio(samples, one) is not None for one in self.ratios or {})
        return whom or (self.bound is not None and self.value(samples) is not None)

    def _keeps(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.higher else value <= wanted


FLOOR_IDLE: Final = "hop + commit + gRPC"
BARE_GRPC: Final = "bare gRPC"
THOUSAND: Final = "at 1,000"
ONE_PROCESS: Final = "one process"
BEFORE: Final = "before it"
ROWS: Final = (
    Row("end", "durable end to end, HTTP in to result row", "/s", bound=1600,
        ratios={"Celery": 3, "procrastinate": 2.5}),
    Row("end+", "the same, beside enqueue + drain of theirs", "/s",
        ratios={"taskiq (streams)": 1.2, "Dramatiq": 1.2}),
    Row("enqueue", "enqueue one by one over HTTP, 64 in flight", "/s", bound=3000,
        ratios={"Celery": 2.5, "procrastinate": 5}),
    Row("batch", "batch enqueue, 100 a call", "/s", bound=18000),
    Row("post", "enqueue, idle, p50", "ms", higher=False, scale=1000, ratios={FLOOR_IDLE: 1.4}),
    Row("start", "enqueue to handler, idle, p50", "ms", higher=False, scale=1000, bound=5.5,
        ratios={"Celery": 1.6}),
    Row("start99", "enqueue to handler, idle, p99", "ms", higher=False, scale=1000, bound=15),
    Row("post99-half", "enqueue at half of that end-to-end rate, p99", "ms", higher=False,
        scale=1000, bound=25),
    Row("start99-half", "enqueue to handler at half of that rate, p99", "ms", higher=False,
        scale=1000, bound=60),
    Row("cpu", "CPU a task over all processes", "ms", higher=False, scale=1000, bound=0.95),
    Row("grpc", "gRPC enqueue, 16 in flight", "/s", ratios={BARE_GRPC: 0.6}),
    Row("drain", "drain of a backlog", "/s"),
    Row("two-sleep", "two processes of a function, tasks of 5 ms sleep", "/s",
        ratios={ONE_PROCESS: 1.9}),
    Row("two-cpu", "two processes of a function, tasks of 1 ms CPU", "/s",
        ratios={ONE_PROCESS: 1.5}),
    Row("asleep", "of 1,000 sleeping tasks, asleep at once in one process", "", bound=1000),
    Row("recovery", "drain in the 10 s after a restart of Postgres", "/s", ratios={BEFORE: 0.9}),
    Row("token", "check of the push token, share of a task's CPU", "%", higher=False, scale=100,
        bound=8),
    Row("token-new", "the same if no token had been seen before", "%", higher=False, scale=100),
    Row("idle", "idle stack, share of a core", "%", higher=False, scale=100, bound=1),
    Row("memory", "idle API, emulator and one function, RSS", "MB", higher=False, bound=250),
    Row("start1", "start on kept data", "s", higher=False, bound=2.5),
    Row("start0", "start in an empty folder", "s", higher=False, bound=6),
    Row("backlog-post", "enqueue p50 with 1,000,000 waiting", "ms", higher=False, scale=1000,
        ratios={THOUSAND: 1.25}),
    Row("backlog-read", "GET p50 with 1,000,000 waiting", "ms", higher=False, scale=1000,
        ratios={THOUSAND: 1.2}),
    Row("backlog-drain", "drain of 1,000,000 waiting", "/s", ratios={THOUSAND: 0.8}),
    Row("backlog-bytes", "disk a waiting task", "B", higher=False, bound=700),
)  # fmt: skip
FLOORS: Final = (
    ("commit", "floor: one-row commits, 1 connection", "/s"),
    ("http", "floor: bare HTTP POST, 64 in flight", "/s"),
    ("grpc", "floor: bare gRPC, 16 in flight", "/s"),
    ("lpush", "floor: LPUSH, 1 connection, append-only file", "/s"),
)
