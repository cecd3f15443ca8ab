"""Counts what this process did, as Prometheus reads it. Process-local; no I/O, no library.

Source: Prometheus, text exposition format 0.0.4. Label values must come from closed sets, never
from a caller: each new one is a row that is kept for good.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from shared.domain.envelope import Message
from shared.domain.ports import Publisher

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the buckets that durations fall into."""


class Counter:
    """A number that only grows, one for each combination of label values."""

    kind: Final = "counter"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name, self.meaning = name, meaning
        self._labels = tuple(labels)
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str, count: int = 1) -> None:
        """Add `count` to the row of these label values."""
        self._counts[values] = self._counts.get(values, 0) + count

    def count(self, *values: str) -> int:
        """What the row of these label values stands at."""
        return self._counts.get(values, 0)

    def lines(self) -> Iterator[str]:
        """The rows, in the order of their labels."""
        for values, count in sorted(self._counts.items()):
            yield f"{self.name}{_braced(zip(self._labels, values, strict=True))} {count}"


class Histogram:
    """How long something took, in seconds, for each combination of label values."""

    kind: Final = "histogram"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name, self.meaning = name, meaning
        self._labels = tuple(labels)
        self._rows: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, seconds: float, *values: str) -> None:
        """Note one duration in the row of these label values."""
        row = self._rows.setdefault(values, [0] * (len(SECONDS) + 1))
        row[bisect_left(SECONDS, seconds)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """The rows, each as cumulated buckets, their sum and their count."""
        for values, row in sorted(self._rows.items()):
            pairs = list(zip(self._labels, values, strict=True))
            below = 0
            for bound, count in zip((*map(str, SECONDS), "+Inf"), row, strict=True):
                below += count
                yield f"{self.name}_bucket{_braced([*pairs, ('le', bound)])} {below}"
            yield f"{self.name}_sum{_braced(pairs)} {self._sums[values]:.6f}"
            yield f"{self.name}_count{_braced(pairs)} {below}"


def render() -> str:
    """Every metric of this process in the text format, also those that nothing has happened to."""
    return "".join(f"{line}\n" for metric in _ALL for line in _lines(metric))


def _lines(metric: Counter | Histogram) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.meaning}"
    yield f"# TYPE {metric.name} {metric.kind}"
    yield from metric.lines()


def _braced(pairs: Iterable[tuple[str, str]]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


REQUESTS: Final = Counter(
    "cloudtasker_http_requests_total", "Requests answered.", ("route", "method", "status")
)
REQUEST_SECONDS: Final = Histogram(
    "cloudtasker_http_request_seconds", "From a request's headers to its answer.", ("route",)
)
TASKS_ENQUEUED: Final = Counter(
    "cloudtasker_tasks_enqueued_total", "Tasks stored, by any protocol.", ("task_type",)
)
TASKS_REPLAYED: Final = Counter(
    "cloudtasker_tasks_replayed_total",
    "Answers that named the earlier task of an idempotency key.",
    ("task_type",),
)
MESSAGES: Final = Counter(
    "cloudtasker_messages_total",
    "Messages given to Pub/Sub, by whether it confirmed them.",
    ("confirmed",),
)
_ALL: Final[tuple[Counter | Histogram, ...]] = (
    REQUESTS,
    REQUEST_SECONDS,
    TASKS_ENQUEUED,
    TASKS_REPLAYED,
    MESSAGES,
)


class CountedPublisher:
    """A publisher that counts what it was given, and how much of it was confirmed."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """See `Publisher.publish`."""
        confirmed = await self._publisher.publish(messages)
        for sure, word in ((True, "true"), (False, "false")):
            if count := confirmed.count(sure):
                MESSAGES.add(word, count=count)
        return confirmed

    async def ping(self) -> None:
        """See `Publisher.ping`."""
        await self._publisher.ping()
