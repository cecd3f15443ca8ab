"""Time as the emulator sees it, in one place, so that tests can pass it in."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """What `Clock.call_at` returns."""

    def cancel(self) -> None:
        """Make sure that the callback does not run."""


class Clock(Protocol):
    """Monotonic time for leases, wall time for publish times, and timers."""

    def now(self) -> float:
        """Seconds that only go forward; comparable with each other only."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970, as the machine believes them."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` once `now()` has reached `when`."""


class LoopClock:
    """The running event loop's clock and the machine's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def wall_ns(self) -> int:
        return time.time_ns()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_at(when, callback)
