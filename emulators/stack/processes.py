"""Start and end operating-system processes. Knows signals and sessions, nothing of what runs."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from emulators.stack.accounts import Identity
from emulators.stack.parent_death import before_exec

# A process that cannot work until somebody edits something exits so (EX_CONFIG); it is left alone.
EXIT_BROKEN = 78


class Child(Protocol):
    """A running process, however it was started."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int:
        """Its exit code once it has ended; negative: the signal that ended it."""
        ...


@dataclass(frozen=True)
class Program:
    """A command line. `identity`: who runs it, when that is not the caller."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    identity: Identity | None = None
    passed: Sequence[int] = ()
    # What it gets when the supervisor dies; to be trusted even when the program hangs.
    orphan_signal: signal.Signals = signal.SIGKILL
    # Called in the child, just before it becomes the program.
    announce: Callable[[], None] | None = None

    async def start(self, output: int, *, stdin: int = asyncio.subprocess.DEVNULL) -> Child:
        """Start it in a session of its own (so Ctrl-C does not reach it), printing to `output`."""
        return await asyncio.create_subprocess_exec(
            *self.argv,
            stdin=stdin,
            stdout=output,
            stderr=output,
            env=dict(self.environment),
            cwd=self.folder,
            pass_fds=self.passed,
            start_new_session=True,
            preexec_fn=self._prepare(),
            **(self.identity.popen_arguments() if self.identity else {}),
        )

    def _prepare(self) -> Callable[[], None]:
        """For the child: become who it shall be, then die with us (not the other way round)."""
        become = self.identity.before_exec() if self.identity else None
        steps = [become, before_exec(self.orphan_signal), self.announce]

        def prepare() -> None:
            for step in steps:
                if step is not None:
                    step()

        return prepare


@dataclass(eq=False)
class Ending:
    """Children that were told to stop; none is waited for longer than its limit."""

    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    children: set[Child] = field(default_factory=set)

    def begin(self, child: Child, with_signal: signal.Signals, limit_seconds: float) -> None:
        """Let `child` end by itself in the background, killing it after the limit."""
        task = asyncio.create_task(self._end(child, with_signal, limit_seconds))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _end(self, child: Child, with_signal: signal.Signals, limit: float) -> None:
        self.children.add(child)
        await end(child, with_signal, limit)
        self.children.discard(child)

    async def kill(self) -> None:
        """Kill what is still ending, and wait for it."""
        for child in self.children:
            kill_session(child)
        await asyncio.gather(*self.tasks)


async def end(child: Child, with_signal: signal.Signals, limit_seconds: float) -> None:
    """Signal `child`, wait for its end, and kill its whole session after the limit."""
    send(child, with_signal)
    try:
        await asyncio.wait_for(child.wait(), limit_seconds)
    except TimeoutError:
        kill_session(child)
        await child.wait()


def send(child: Child, with_signal: signal.Signals) -> None:
    """Signal one process; that it has just ended is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, with_signal)


def kill_session(child: Child) -> None:
    """SIGKILL to the child and to whatever it started in its session.

    A child that was forked a moment ago has no session yet.
    """
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(child.pid, signal.SIGKILL)


def reason(code: int) -> str:
    """An exit code for people: `signal SIGKILL`, `exit code 1`."""
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
