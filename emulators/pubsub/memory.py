"""Gives back to the system what a burst of messages has left unused. Only glibc needs telling."""

import asyncio
import ctypes
from collections.abc import Callable

QUIET_SECONDS = 1.0
BURST_BYTES = 4_000_000


def trim_allocator() -> None:
    """Return free pages to the system, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


class Trimmer:
    """Calls `trim` once it is quiet after a burst."""

    def __init__(
        self, trim: Callable[[], None] = trim_allocator, *, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._trim = trim
        self._quiet_seconds = quiet_seconds
        self._closed = False
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def passed(self, size: int) -> None:
        """Count bytes that went through; after enough of them, trim when no more come."""
        self._bytes += size
        if not self._closed and self._bytes >= BURST_BYTES and self._timer is None:
            self._wait()

    def close(self) -> None:
        """Trim no more."""
        if self._timer:
            self._timer.cancel()
        self._closed = True

    def _wait(self) -> None:
        self._bytes = 0
        self._timer = self._loop.call_later(self._quiet_seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._bytes:
            self._wait()
        else:
            self._trim()
