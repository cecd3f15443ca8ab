"""A timer for a moment on the wall clock, which may be days away. It decides nothing."""

from collections.abc import Callable

from emulators.pubsub.clock import Clock, Timer

LEAST_SECONDS = 1e-6


class Alarm:
    """Calls back at the earliest moment it was set to, once; whoever set it looks, and sets anew.

    It may ring for a moment that has been put off meanwhile, or a little early.
    """

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._timer: Timer | None = None
        self._at_ns = 0

    @property
    def is_set(self) -> bool:
        """Whether it is going to ring."""
        return self._timer is not None

    def set(self, at_ns: int) -> None:
        """Ring at `at_ns` (nanoseconds since 1970), unless it rings earlier anyway."""
        if self._timer:
            if self._at_ns <= at_ns:
                return
            self._timer.cancel()
        self._at_ns = at_ns
        away = (at_ns - self._clock.wall_ns()) / 1e9
        # Never nearer than a float can tell from now, or it would ring for ever without time going.
        away = max(away, LEAST_SECONDS) if away > 0 else 0
        self._timer = self._clock.call_at(self._clock.now() + away, self._ring)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._callback()
