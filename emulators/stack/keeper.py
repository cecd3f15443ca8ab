"""Keep one part of the stack running: start it, wait until it works, bring it back when it dies."""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from emulators.stack.console import Console
from emulators.stack.errors import StackError
from emulators.stack.log_lines import without_frames
from emulators.stack.processes import EXIT_BROKEN, Child, Ending, end, reason

_READY_LIMIT_SECONDS = 60
_DRAIN_SECONDS = 10
# Waits before the second, third, … start in a row; a life of this length starts the row anew.
_BACK_OFFS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS = 10
_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
# Lines of a busy part are collected this long: nobody reads faster, and a look for each line cost
# more than the line.
_COLLECT_SECONDS = 0.02


@dataclass(frozen=True)
class Part:
    """What a keeper keeps. `launch` starts it with a descriptor to print to; `ready` returns once
    it works."""

    name: str
    launch: Callable[[int], Awaitable[Child]]
    ready: Callable[[Child], Awaitable[None]]
    stop_signal: signal.Signals = signal.SIGTERM
    # The next process may start while the last one still drains (they share a listening socket).
    overlaps: bool = False
    # What it says of itself when it is not ready in time.
    explain: Callable[[], Awaitable[str]] | None = None


class Keeper:
    """One part's life. `changed` is called whenever its process is another one."""

    def __init__(self, part: Part, console: Console, changed: Callable[[], None]) -> None:
        self.part = part
        self.child: Child | None = None
        self.broken = False
        self._console = console
        self._changed = changed
        self._tail: deque[str] = deque(maxlen=20)
        self._lock = asyncio.Lock()
        self._ending = Ending()
        self._watching: asyncio.Task[None] | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def last_lines(self) -> list[str]:
        """What it printed last, without the frames of tracebacks."""
        return without_frames(self._tail)

    async def start(self) -> float:
        """Start the part and return the seconds until it worked.

        A function that cannot be loaded is no failure of the run: `broken` says so.

        Raises:
            StackError: CT106, it ended or was not ready in time; its last lines are in the text.
        """
        began = time.monotonic()
        async with self._lock:
            child = await self._launch()
        ready = asyncio.ensure_future(self.part.ready(child))
        ended = asyncio.create_task(child.wait())
        try:
            await asyncio.wait(
                {ready, ended}, timeout=_READY_LIMIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if ready.done():
                ready.result()
            elif ended.done() and ended.result() == EXIT_BROKEN:
                self.broken = True
            else:
                raise await self._failure(ended.result() if ended.done() else None)
        finally:
            ready.cancel()
            ended.cancel()
        self._watch()
        return time.monotonic() - began

    async def reload(self) -> None:
        """Replace the process, if there is one, by a new one; the old one may finish what it is
        doing, the new one is not waited for."""
        async with self._lock:
            self._unwatch()
            self.broken = False
            if self.child is not None and self.part.overlaps:
                self._ending.begin(self.child, self.part.stop_signal, _DRAIN_SECONDS)
            elif self.child is not None:
                await end(self.child, self.part.stop_signal, _DRAIN_SECONDS)
            await self._try_launch()
            self._watch()  # it also tries again what could not be launched

    async def stop(self, limit_seconds: float) -> None:
        """End the part for good: its stop signal, then SIGKILL after the limit."""
        self._unwatch()  # before the lock, which a start may hold that waits for the zygote
        async with self._lock:
            self._unwatch()
            if self.child is not None:
                await end(self.child, self.part.stop_signal, limit_seconds)
            await self._ending.kill()
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=0.1)
        for pump in self._pumps:
            pump.cancel()

    async def _launch(self) -> Child:
        read_end, write_end = os.pipe()
        try:
            self.child = await self.part.launch(write_end)
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        pump = asyncio.create_task(self._pump(read_end))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        self._changed()
        return self.child

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._bring_back())

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _bring_back(self) -> None:
        """Start the part again each time it ends, after a back-off when that repeats."""
        failures = 0
        while self.child is not None:
            began = time.monotonic()
            code = await self.child.wait()
            if code == EXIT_BROKEN:
                self.broken = True
                return
            failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures
            failures = await self._start_again(reason(code), failures)

    async def _start_again(self, why: str, failures: int) -> int:
        delay = _BACK_OFFS[min(failures, len(_BACK_OFFS) - 1)]
        when = f"in {delay:g} s" if delay else "now"
        self._console.warn(f"{self.part.name} ended ({why}); starting it again {when}")
        await asyncio.sleep(delay)
        async with self._lock:
            launched = await self._try_launch()
        if not launched:
            await asyncio.sleep(_BACK_OFFS[-1])
        return failures + 1

    async def _try_launch(self) -> bool:
        """Launch the part; False, and a word about it, when that was not possible."""
        try:
            await self._launch()
        except (OSError, StackError) as error:
            self._console.warn(f"{self.part.name} could not be started: {error}")
            return False
        return True

    async def _pump(self, read_end: int) -> None:
        """Hand every line that the part prints to the console."""
        reader = asyncio.StreamReader(limit=_CHUNK_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: protocol, os.fdopen(read_end, "rb")
        )
        with contextlib.closing(transport):
            async for lines in lines_of(reader):
                self._tail.extend(lines)
                self._console.log(self.part.name, *lines)
                transport.pause_reading()
                await asyncio.sleep(_COLLECT_SECONDS)
                transport.resume_reading()

    async def _failure(self, code: int | None) -> StackError:
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=0.5)
        if code is not None:
            what = f"ended at once ({reason(code)})"
        else:
            what = f"was not ready within {_READY_LIMIT_SECONDS} s"
            if self.part.explain is not None:
                what += f"; it says: {await self.part.explain()}"
        tail = ["Its last lines:", *(f"  {line}" for line in without_frames(self._tail))]
        return StackError(
            "CT106",
            f"{self.part.name} {what}.",
            *(tail if self._tail else ["It printed nothing."]),
            "Your data was not touched.",
            fix="correct what it says; cloudtasker dev -v shows everything that each part printed.",
        )


class _Reader(Protocol):
    async def read(self, most: int, /) -> bytes: ...


async def lines_of(reader: _Reader) -> AsyncIterator[list[str]]:
    """The lines that came at once, until the end; one that is too long comes in pieces.

    Under load many come at once, and a look for each would cost as much as a tenth of a task.
    """
    rest = b""
    while chunk := await reader.read(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LINE_BYTES:
            whole, rest = [*whole, rest], b""
        if whole:
            yield [line.decode(errors="replace").rstrip() for line in whole]
    if rest:
        yield [rest.decode(errors="replace").rstrip()]
