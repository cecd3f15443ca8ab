"""Wakes a subscription when its engine has something to do by itself. It decides nothing."""

import asyncio
from collections.abc import Callable

from emulators.pubsub.clock import Clock, Timer
from emulators.pubsub.engine import Engine


class Pulse:
    """Calls `look` after a deadline or a back-off has ended, or more of the backlog was read."""

    def __init__(self, engine: Engine, clock: Clock, look: Callable[[], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._look = look
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._reads_on = False
        self._stopped = False

    def set(self) -> None:
        """Take over what the engine wants to be woken for; call it after any change."""
        if self._engine.is_behind() and not self._reads_on:
            self._reads_on = True
            asyncio.get_running_loop().call_soon(self._read_on)
        at = self._engine.next_at()
        if at is None or (self._timer and self._timer_at <= at):
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._clock.call_at(at, self._tick)

    def stop(self) -> None:
        """Wake nobody from now on."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self._engine.tick(self._clock.now())
        self._look()

    def _read_on(self) -> None:
        """Go on with a backlog that is too long to be looked through in one turn of the loop."""
        self._reads_on = False
        if not self._stopped:
            self._engine.look_on()
            self._look()
