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
_Afterwards = Callable[[], object] | None


def _never() -> bool:
    return False


def when_told_to_stop(
    drain: Callable[[], Coroutine[Any, Any, None]], holds: Callable[[], bool] = _never
) -> None:
    """Start `drain` on the running loop at the first SIGTERM or SIGINT.

    The handler that the server has set is called too, at once: it stops accepting, and ends the
    process once the answers under way are given, which `drain` bounds. Work for which no answer
    waits would be cut off by that, so while `holds` says that there is some, the server is told
    only when `drain` has ended; a second signal tells it at once. Where a signal has no handler,
    or off the main thread, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    begin = _once(asyncio.get_running_loop(), drain)
    for number in _SIGNALS:
        previous = signal.getsignal(number)
        if callable(previous):
            signal.signal(number, _chained(begin, holds, previous))


def _chained(
    begin: Callable[[_Afterwards], bool],
    holds: Callable[[], bool],
    previous: _SignalHandler,
) -> _SignalHandler:
    def handle(number: int, frame: FrameType | None) -> None:
        def tell() -> None:
            previous(number, frame)

        if not begin(tell if holds() else None):
            tell()

    return handle


def _once(
    loop: asyncio.AbstractEventLoop, drain: Callable[[], Coroutine[Any, Any, None]]
) -> Callable[[_Afterwards], bool]:
    """What a signal handler may call: it hands the work to the loop, the first time only.

    The answer is whether `afterwards` will be called, once the work is done."""
    begun: list[asyncio.Task[None]] = []
    asked = threading.Event()

    async def work(afterwards: _Afterwards) -> None:
        await drain()
        if afterwards:
            afterwards()

    def start(afterwards: _Afterwards) -> None:
        begun.append(loop.create_task(work(afterwards)))  # kept, or it could be collected

    def begin(afterwards: _Afterwards) -> bool:
        if asked.is_set() or loop.is_closed():
            return False
        asked.set()
        loop.call_soon_threadsafe(start, afterwards)
        return afterwards is not None

    return begin
