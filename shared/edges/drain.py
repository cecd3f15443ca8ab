"""Learns that the server is told to stop, without taking the signal from the server.

functions-framework releases nothing by itself, so the function has to hear of it on its own.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Final

GRACE_SECONDS: Final = 8.0
"""How long runs may go on: Cloud Run kills a process 10 s after SIGTERM."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_SignalHandler = Callable[[int, FrameType | None], Any]


def when_told_to_stop(drain: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start `drain` on the running loop at the first SIGTERM or SIGINT.

    The handler that the server has set is called too, at once: it stops accepting, and ends the
    process once the answers under way are given, which `drain` bounds. Where a signal has no
    handler, or off the main thread, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    begin = _once(asyncio.get_running_loop(), drain)
    for number in _SIGNALS:
        previous = signal.getsignal(number)
        if callable(previous):
            signal.signal(number, _chained(begin, previous))


def _chained(begin: Callable[[], None], previous: _SignalHandler) -> _SignalHandler:
    def handle(number: int, frame: FrameType | None) -> None:
        begin()
        previous(number, frame)

    return handle


def _once(
    loop: asyncio.AbstractEventLoop, drain: Callable[[], Coroutine[Any, Any, None]]
) -> Callable[[], None]:
    """What a signal handler may call: it hands the work to the loop, the first time only."""
    started: list[asyncio.Task[None]] = []

    def start() -> None:
        if not started:
            started.append(loop.create_task(drain()))

    def begin() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(start)

    return begin
