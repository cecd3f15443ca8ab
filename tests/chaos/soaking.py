"""A low load without faults, and what it does to files, threads and memory of each part."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import httpx
import psutil

from tests.bench.pubsub.flat import Limit, Verdict, judge
from tests.e2e.local_stack import LocalStack

PARTS: Final = ("enqueue", "pubsub", "noop", "relay", "dead_letter", "gateway")
WARM_UP: Final = 0.25
"""The share of a soak whose figures are not looked at: caches and pools fill meanwhile."""

Readings = Mapping[str, Sequence[float]]

SHORT: Final = (
    Limit("memory", "MB", share=0.05, beside=4),
    Limit("open files", "", share=0, beside=4),
    Limit("threads", "", share=0, beside=4),
)
"""Of a run of seconds: the noise is larger than what an hour may add."""


def hours(seconds: float) -> tuple[Limit, ...]:
    """Of a long run: a megabyte an hour, the noise of the allocator beside."""
    return (
        Limit("memory", "MB", share=0, beside=2 + seconds / 3600),
        Limit("open files", "", share=0, beside=2),
        Limit("threads", "", share=0, beside=2),
        Limit("enqueue p99", "ms", share=0.1, beside=10),
        Limit("dead rows", "", share=1, beside=5000),
    )


def soak(
    stack: LocalStack,
    seconds: float,
    rate: float,
    more: Callable[[], Mapping[str, float]] = dict,
    say: Callable[[str], object] = str,
) -> Readings:
    """`rate` tasks a second for so long; figures by "part: what", read once a second.

    `more` gives further figures of a moment. Raises: httpx.HTTPError when a task is refused.
    """
    load = _Load(stack.state["rest"], rate)
    readings: dict[str, list[float]] = defaultdict(list)
    began = time.monotonic()
    load.start()
    while (passed := time.monotonic() - began) < seconds and load.is_well:
        time.sleep(1)
        if passed >= WARM_UP * seconds:
            for name, value in {**_read(stack), **load.read(), **more()}.items():
                readings[name].append(value)
        say(f"{passed:.0f} of {seconds:.0f} s, {load.done} tasks")
    load.stop()
    return readings


def judged(readings: Readings, limits: Sequence[Limit]) -> Iterator[Verdict]:
    """Each series that has a limit."""
    for name, values in readings.items():
        for limit in limits:
            if name.endswith(limit.what):
                named = Limit(name, limit.unit, limit.share, limit.beside)
                yield judge(named, values)


def _read(stack: LocalStack) -> dict[str, float]:
    found = {}
    for part in PARTS:
        process = psutil.Process(stack.pid_of(part))
        found[f"{part}: memory"] = process.memory_info().rss / 1e6
        found[f"{part}: open files"] = float(process.num_fds())
        found[f"{part}: threads"] = float(process.num_threads())
    return found


class _Load:
    """One caller in a thread of its own, at an even pace."""

    def __init__(self, rest: str, rate: float) -> None:
        self._rest, self._rate = rest, rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._seconds: list[float] = []
        self._failure: Exception | None = None
        self.done = 0

    @property
    def is_well(self) -> bool:
        return self._failure is None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it, and raise what ended it before."""
        self._stopping.set()
        self._thread.join(60)
        if self._failure:
            raise self._failure

    def read(self) -> dict[str, float]:
        """The slowest answers since the last call."""
        taken, self._seconds = sorted(self._seconds), []
        return {"enqueue p99": taken[int(len(taken) * 0.99)] * 1000} if taken else {}

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=30) as client:
                self._ask(client)
        except httpx.HTTPError as failure:
            self._failure = failure

    def _ask(self, client: httpx.Client) -> None:
        began = time.monotonic()
        body = {"task_type": "noop", "payload": {}, "labels": {"test": "soak"}}
        while not self._stopping.wait(max(0, began + self.done / self._rate - time.monotonic())):
            asked = time.monotonic()
            client.post(f"{self._rest}/enqueue-task", json=body).raise_for_status()
            self._seconds.append(time.monotonic() - asked)
            self.done += 1
