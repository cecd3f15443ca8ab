"""Time as the emulator sees it, in one place: tests pass it in, and anybody may send it forward."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# No more than this ahead of the machine, so that every moment still has a timestamp.
MOST_AHEAD_SECONDS = 100 * 365 * 86_400


class Timer(Protocol):
    """What `Clock.call_at` returns."""

    def cancel(self) -> None:
        """Make sure that the callback does not run."""


class Clock(Protocol):
    """Monotonic time for leases, wall time for publish times, and timers."""

    def now(self) -> float:
        """Seconds that only go forward; comparable with each other only."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970, as the emulator believes them."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` once `now()` has reached `when`."""


def machine_seconds() -> float:
    """Return seconds since 1970 for those who are checked by others' clocks: identity tokens."""
    return time.time()


@dataclass(slots=True)
class LoopTimer:
    """A callback that may still be cancelled."""

    callback: Callable[[], None] | None

    def cancel(self) -> None:
        self.callback = None


class LoopClock:
    """The running event loop's clock and the machine's, and how far `advance` has sent them on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.wall_ahead_ns = 0  # of the machine's clock
        self._loop = loop
        self._ahead = 0.0  # of the loop's clock
        # A heap; the number keeps timers of the same moment in order.
        self._timers: list[tuple[float, int, LoopTimer]] = []
        self._numbers = itertools.count()
        self._sweep_at = 100
        self._handle: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return self._loop.time() + self._ahead

    def wall_ns(self) -> int:
        return time.time_ns() + self.wall_ahead_ns

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        timer = LoopTimer(callback)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        if len(self._timers) > self._sweep_at:
            self._sweep()
        if self._timers[0][2] is timer:
            self._arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed, by themselves or by an advance."""
        if seconds > 0:
            passed: asyncio.Future[None] = self._loop.create_future()
            timer = self.call_at(self.now() + seconds, lambda: passed.set_result(None))
            try:
                await passed
            finally:
                timer.cancel()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; timers run in order, each at its own moment.

        Raises: ValueError if time would run back, or further ahead than 100 years.
        """
        if not 0 <= seconds <= MOST_AHEAD_SECONDS - self.wall_ahead_ns / 1e9:
            raise ValueError(
                f"the clock cannot advance by {seconds:g} s: it goes forward only, and at most "
                f"{MOST_AHEAD_SECONDS} s ahead of the machine's"
            )
        end = self.now() + seconds
        try:
            while self._timers and self._timers[0][0] <= end:
                self._pass_until(self._timers[0][0])
                self._run_first()
        finally:
            self._pass_until(end)
            self._arm()

    def forget_advances(self) -> None:
        """Set the wall clock to the machine's again; `now` and the timers go on undisturbed.

        Only when nothing is left that was stamped with a later time.
        """
        self.wall_ahead_ns = 0

    def _pass_until(self, when: float) -> None:
        passed = max(0.0, when - self.now())
        self._ahead += passed
        self.wall_ahead_ns += round(passed * 1e9)

    def _wake(self) -> None:
        try:
            while self._timers and self._timers[0][0] <= self.now():
                self._run_first()
        finally:
            self._arm()

    def _run_first(self) -> None:
        _, _, timer = heapq.heappop(self._timers)
        if timer.callback:
            timer.callback()

    def _arm(self) -> None:
        if self._handle:
            self._handle.cancel()
        self._handle = None
        if self._timers:
            self._handle = self._loop.call_at(self._timers[0][0] - self._ahead, self._wake)

    def _sweep(self) -> None:
        """Forget cancelled timers, which would else be kept until their moment."""
        self._timers = [item for item in self._timers if item[2].callback]
        heapq.heapify(self._timers)
        self._sweep_at = 2 * len(self._timers) + 100
