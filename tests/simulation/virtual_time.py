"""An event loop whose time jumps to the next timer: hours pass in milliseconds, always alike."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

T = TypeVar("T")
EPOCH: Final = datetime(2026, 11, 24, tzinfo=UTC)


class Stuck(Exception):
    """Everything waits and no timer will ever end it."""


class _Jumps(selectors.SelectSelector):
    """Answers at once that nothing is ready, and counts the time that was to be waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("everything waits, and no timer is set")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """No files, no sockets, no threads: timers and callbacks alone, in one fixed order."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        """Seconds since the beginning, in virtual time."""
        return self._jumps.now

    def clock(self) -> datetime:
        """The same as a moment."""
        return EPOCH + timedelta(seconds=self._jumps.now)


def run_virtually(main: Callable[[VirtualLoop], Awaitable[T]]) -> T:
    """Run `main` to its end on a loop of its own.

    Raises: what `main` raises; Stuck.
    """
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(asyncio.ensure_future(main(loop), loop=loop))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
